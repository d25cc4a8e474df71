/**
 * Keeps layers in docker's build cache. No list of images shows them, `docker system df` counts them, `docker
 * builder prune` and docker's own garbage collection remove them, and a later pull of an image with the same
 * lower layers finds them ("Already exists").
 *
 * The request goes to the daemon itself (Engine API, `POST /build`), because `docker build` with BuildKit
 * needs a plugin that many installations lack, and the older builder leaves images behind. The Dockerfile is
 * a single `FROM`, and the exporter `cacheonly` creates no image.
 * @module
 */
import { concat } from "../bytes.ts";
import { MiseOciError } from "../errors.ts";
import { encodeTarHeader, TAR_END, tarPadding } from "../tar/encode.ts";

/** The build takes a tenth of a second; a daemon that hangs must not delay the end of a run. */
const TIMEOUT_MS = 10_000;

/** A tar with a Dockerfile in it and nothing else. */
function tarOf(dockerfile: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(dockerfile);
  const fields = { mode: 0o644, uid: 0, gid: 0, size: text.length, target: "" };
  const header = encodeTarHeader({ path: "Dockerfile", type: "file", ...fields });
  return concat([header, text, tarPadding(text.length), TAR_END]);
}

/** The error that the progress of a build ends with, if it does. */
function maybeError(progress: string): string | undefined {
  for (const line of progress.split("\n")) {
    if (!line.includes('"error"')) continue;
    try {
      const { error } = JSON.parse(line) as { readonly error?: unknown };
      if (typeof error === "string") return error;
    } catch {
      // Not a line of progress.
    }
  }
  return undefined;
}

/**
 * Adds the layers of an image in docker to docker's build cache.
 *
 * @param host where the daemon listens, as in `DOCKER_HOST`; only `unix://` is supported.
 * @param options.image its name, as it is written in a Dockerfile.
 * @throws {MiseOciError} `engine` with the daemon's error, or if it does not listen there.
 */
export async function retainInBuildCache(
  host: string,
  options: { readonly image: string; readonly platform?: string },
): Promise<void> {
  const { image, platform } = options;
  const fail = (why: string, cause?: unknown): MiseOciError =>
    new MiseOciError("engine", `Cannot keep layers in docker's build cache: ${why}`, { cause });
  if (!host.startsWith("unix://")) throw fail(`"${host}" is not a socket of this machine`);
  const from = platform === undefined ? "FROM" : `FROM --platform=${platform}`;
  const outputs = encodeURIComponent(JSON.stringify([{ Type: "cacheonly" }]));
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path: host.slice("unix://".length) },
  });
  try {
    const response = await fetch(`http://docker/build?version=2&outputs=${outputs}`, {
      method: "POST",
      headers: { "Content-Type": "application/x-tar" },
      body: tarOf(`${from} ${image}\n`),
      client,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const progress = await response.text();
    const error = response.ok ? maybeError(progress) : progress.trim().slice(0, 300);
    if (error !== undefined) throw fail(error);
  } catch (error) {
    if (error instanceof MiseOciError || error instanceof Deno.errors.NotCapable) throw error;
    throw fail(error instanceof Error ? error.message : String(error), error);
  }
}
