/**
 * podman.
 * @module
 */
import { CliEngine } from "./cli_engine.ts";
import type { Engine } from "./port.ts";

/** podman at an absolute path. */
export function podman(program: string): Engine {
  return new CliEngine(program, {
    name: "podman",
    stacksLayers: false,
    pullFlags: ["--tls-verify=false"],
    removeFlags: ["--time=0"],
  });
}
