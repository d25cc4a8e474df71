/** The rest of the permission matrix: what commands do without. */
import { testPermissions } from "../support/permission_cases.ts";

testPermissions("others");
