/**
 * The registries that tests compare: two without the referrers API, and one that has it.
 * @module
 */
import { endRegistry, program, readAddress, startDockerRegistry } from "./testbed.ts";

/** A registry that runs until it is disposed of. */
export interface RealRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`, the host of references. */
  readonly host: string;
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
}

/** `crane registry serve`, which keeps everything in memory. */
async function startCraneRegistry(): Promise<RealRegistry> {
  const child = new Deno.Command(program("crane"), {
    args: ["registry", "serve", "--address", "127.0.0.1:0"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const host = `127.0.0.1:${await readAddress(child.stderr, /serving on port (\d+)/)}`;
  return {
    host,
    url: `http://${host}`,
    [Symbol.asyncDispose]: () => endRegistry(child, "SIGTERM"),
  };
}

/** How each is started, by the part that a test needs for it. */
export const REGISTRIES = {
  /** distribution 2.8: no referrers API. */
  "docker-registry": (): Promise<RealRegistry> => startDockerRegistry(),
  /** distribution 3: no referrers API either. */
  registry: (): Promise<RealRegistry> => startDockerRegistry({ program: program("registry") }),
  /** go-containerregistry's, which has the referrers API. */
  crane: startCraneRegistry,
} as const;
