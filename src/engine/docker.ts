/**
 * docker. Its daemon takes registries on loopback for insecure by itself.
 * @module
 */
import { retainInBuildCache } from "./build_cache.ts";
import { CliEngine } from "./cli_engine.ts";
import type { Engine, RetainOptions } from "./port.ts";

class Docker extends CliEngine {
  override async retainLayers(image: string, options: RetainOptions = {}): Promise<boolean> {
    // The client knows best: DOCKER_HOST, DOCKER_CONTEXT and its config file all have a say.
    const format = "{{.Endpoints.docker.Host}}";
    const host = await this.must("find docker's daemon", [
      "context",
      "inspect",
      "--format",
      format,
    ]);
    await retainInBuildCache(host.trim(), { ...options, image });
    return true;
  }
}

/** docker at an absolute path. */
export function docker(program: string): Engine {
  return new Docker(program, {
    name: "docker",
    stacksLayers: true,
    pullFlags: [],
    removeFlags: [],
  });
}
