/**
 * `mise-oci run` with a real docker daemon.
 */
import { testRun } from "../support/run_scenarios.ts";

testRun("docker", ["docker", "dockerd"]);
