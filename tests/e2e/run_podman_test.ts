/**
 * `mise-oci run` with a real podman.
 */
import { testRun } from "../support/run_scenarios.ts";

testRun("podman", ["podman", "runc"]);
