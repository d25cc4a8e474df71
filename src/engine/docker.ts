/**
 * docker. Its daemon treats registries on loopback as insecure by default.
 * @module
 */
import { retainInBuildCache } from "./build_cache.ts";
import { CliEngine } from "./cli_engine.ts";
import type { Engine, RetainOptions } from "./port.ts";

class Docker extends CliEngine {
  override async retainLayers(image: string, options: RetainOptions = {}): Promise<boolean> {
    // The client resolves this: DOCKER_HOST, DOCKER_CONTEXT and its config file all play a part.
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
