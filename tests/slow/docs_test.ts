/** Every document whose commands the fast tier does not run. */
import { testDocuments } from "../support/docs/documents.ts";

testDocuments("others");
