/**
 * docker. Its daemon takes registries on loopback for insecure by itself.
 * @module
 */
import { CliEngine } from "./cli_engine.ts";
import type { Engine } from "./port.ts";

/** docker at an absolute path. */
export function docker(program: string): Engine {
  return new CliEngine(program, { name: "docker", pullFlags: [], removeFlags: [] });
}
