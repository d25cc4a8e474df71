/** Killed builds, at many moments. */
import { testKills } from "../support/kills.ts";

testKills(50);
