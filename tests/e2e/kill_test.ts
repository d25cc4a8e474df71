/** Killed builds: a sample; tests/slow kills at many more moments. */
import { testKills } from "../support/kills.ts";

testKills(10);
