/**
 * The engines, podman and docker, and the choice between them.
 *
 * docker discards the layers of an image that is removed after a run. Its build cache keeps them: no list of
 * images shows them, `docker system df` counts them, `docker builder prune` and docker's own garbage collection
 * remove them, and a later pull of an image with the same lower layers finds them ("Already exists").
 *
 * That request goes to the daemon itself (Engine API, `POST /build`), because `docker build` with BuildKit
 * needs a plugin that many installations lack, and the older builder leaves images behind. The Dockerfile is
 * a single `FROM`, and the exporter `cacheonly` creates no image.
 * @module
 */
import { DELIMITER, join } from "@std/path";
import { concat } from "../bytes.ts";
import { MiseOciError } from "../errors.ts";
import { encodeTarHeader, TAR_END, tarPadding } from "../tar/encode.ts";
import { CliEngine } from "./cli_engine.ts";
import type { Engine, EngineName, RetainOptions } from "./port.ts";

/** podman at an absolute path. */
export function podman(program: string): Engine {
  return new CliEngine(program, {
    name: "podman",
    stacksLayers: false,
    pullFlags: ["--tls-verify=false"],
    removeFlags: ["--time=0"],
  });
}

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

/** What {@linkcode selectEngine} needs. */
export interface SelectOptions {
  /** Which engine, or the first of podman and docker that is installed. */
  readonly engine: "auto" | EngineName;
  /** `PATH`. */
  readonly path: string;
}

const MAKERS = { podman, docker } as const;

const INSTALL = "Install podman (https://podman.io/docs/installation) or docker " +
  "(https://docs.docker.com/engine/install), or push the image and run it elsewhere";

async function maybeFind(name: string, path: string): Promise<string | undefined> {
  for (const directory of path.split(DELIMITER)) {
    if (directory === "") continue;
    const candidate = join(directory, Deno.build.os === "windows" ? `${name}.exe` : name);
    try {
      const info = await Deno.stat(candidate);
      if (info.isFile && (info.mode === null || (info.mode & 0o111) !== 0)) return candidate;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        continue;
      }
      if (error instanceof Deno.errors.PermissionDenied) continue;
      throw error;
    }
  }
  return undefined;
}

/**
 * Finds the engine on PATH; `auto` prefers podman, which needs no daemon.
 *
 * @throws {MiseOciError} `engine` naming the programs that were searched for and how to install one.
 */
export async function selectEngine({ engine, path }: SelectOptions): Promise<Engine> {
  const names = engine === "auto" ? ["podman", "docker"] as const : [engine];
  for (const name of names) {
    const program = await maybeFind(name, path);
    if (program !== undefined) return MAKERS[name](program);
  }
  const missing = engine === "auto"
    ? "neither podman nor docker is on PATH"
    : `${engine} is not on PATH`;
  throw new MiseOciError("engine", `Cannot find a container engine: ${missing}`, { hint: INSTALL });
}
