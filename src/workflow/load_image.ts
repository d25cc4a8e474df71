/**
 * `load`, also used by `run`: loads an image into an engine, sending only the layers that the engine lacks.
 *
 * 1. If the engine has this image, it only gets another name.
 * 2. Otherwise the engine pulls from a registry that this process serves on loopback, and fetches missing
 *    layers.
 * 3. If it cannot connect to that (a daemon on another machine or in a virtual machine), the whole image is
 *    streamed to it as an archive.
 *
 * Measurements and reasons are in docs/decisions/loading.md.
 * @module
 */
import { hostEnv } from "../build/host/environment.ts";
import { nameOf, openSource } from "../build/base/open_source.ts";
import type { WorkflowContext } from "../context.ts";
import { type Engine, selectEngine, serveImage } from "../engine/mod.ts";
import { engineName } from "../engine/port.ts";
import { describeError, MiseOciError } from "../errors.ts";
import type { Image } from "../image/types.ts";
import { writeDockerArchive } from "../image/write_archive.ts";
import { shortDigest } from "../oci/mod.ts";
import { obtainNamed } from "./open_image.ts";
import { changeNames, removeDeadRuns, runsDirectory, takeRunLease } from "./run_lease.ts";
import type { LoadRequest, LoadResult } from "./types.ts";

/** Options of {@linkcode loadIntoEngine}. */
export interface LoadOptions {
  /** Name of the image in the engine. */
  readonly name: string;
  /** The run's id. */
  readonly id: string;
  /** Receives events. */
  readonly context: WorkflowContext;
}

/**
 * How an image was loaded: it already existed; it was assembled from existing layers; it was pulled with at
 * least one layer; it was sent completely.
 */
export type LoadOutcome = "present" | "assembled" | "pulled" | "archive";

const NOTES: Readonly<Record<LoadOutcome, string>> = {
  present: "there already",
  assembled: "every layer was there",
  pulled: "loaded",
  archive: "sent whole",
};

/** Number of pulls to attempt: another run may remove a layer that this one relies on. */
const PULLS = 3;

/** The engine's id of this image, if the engine has it. */
export async function maybePresent(
  engine: Engine,
  image: Image,
): Promise<string | undefined> {
  // An engine identifies an image by its config's digest, or (docker with containerd) by its manifest's.
  return await engine.maybeImageId(image.manifest.config.digest) ??
    await engine.maybeImageId(image.descriptor.digest);
}

async function pull(
  engine: Engine,
  image: Image,
  options: LoadOptions & { readonly item: string },
): Promise<"assembled" | "pulled"> {
  const { name, id, item, context: { reporter, signal } } = options;
  await using registry = serveImage({
    manifest: { descriptor: image.descriptor, bytes: image.manifestBytes },
    config: { descriptor: image.manifest.config, bytes: image.configBytes },
    layers: image.manifest.layers,
    source: image.source,
  }, {
    tag: id,
    onBytes: (bytes) => reporter.emit({ type: "advance", id: item, bytes }),
    log: (text) => reporter.emit({ type: "detail", level: 2, text: `${engine.name}: ${text}` }),
  });
  try {
    for (let attempt = 1;; attempt++) {
      try {
        await engine.pull(registry.reference, signal);
        if (registry.failure !== undefined) throw registry.failure;
        await changeNames(engine, () => engine.tag(registry.reference, name));
        break;
      } catch (error) {
        // If one of our blobs is damaged or missing, another attempt does not help.
        if (registry.failure !== undefined) throw registry.failure;
        if (attempt === PULLS || signal.aborted) throw error;
        if (maybeUnreachable(engine, error) !== undefined) throw error;
        reporter.emit({ type: "detail", level: 1, text: `${describeError(error)}; trying again` });
      }
    }
  } finally {
    await changeNames(engine, () => engine.untag(registry.reference));
  }
  const bytes = [...registry.served.values()].reduce((sum, size) => sum + size, 0);
  const text = `${engine.name} fetched ${registry.served.size} layers, ${bytes} bytes`;
  reporter.emit({ type: "detail", level: 1, text });
  return bytes === 0 ? "assembled" : "pulled";
}

/** Whether an error is the engine's, rather than this process's. */
function isOfEngine(error: unknown): boolean {
  return error instanceof MiseOciError && error.code === "engine";
}

/** The error for an engine that cannot be reached at all, so that an archive would not help either. */
function maybeUnreachable({ name }: Engine, error: unknown): MiseOciError | undefined {
  const message = describeError(error);
  if (/permission denied while trying to connect/i.test(message)) {
    return new MiseOciError("engine", `Cannot use ${name}: this user may not talk to its daemon`, {
      cause: error,
      hint:
        "Add the user to the group docker and log in again, or use podman, which needs no daemon",
    });
  }
  if (!/cannot connect to the docker daemon|is the docker daemon running/i.test(message)) {
    return undefined;
  }
  const at = /daemon at (\S+?)\.?(?:\s|$)/i.exec(message)?.[1];
  return new MiseOciError(
    "engine",
    `Cannot use ${name}: its daemon does not answer${at === undefined ? "" : ` at ${at}`}`,
    {
      cause: error,
      hint:
        "Start it (systemctl start docker), set DOCKER_HOST, or use podman, which needs no daemon",
    },
  );
}

async function loadArchive(
  engine: Engine,
  image: Image,
  options: {
    readonly name: string;
    readonly pullError: unknown;
    readonly context: WorkflowContext;
  },
): Promise<void> {
  const { name, pullError, context: { reporter, signal } } = options;
  const text = `${engine.name} could not pull from this machine (${describeError(pullError)}); ` +
    "sending the whole image";
  reporter.emit({ type: "detail", level: 1, text });
  try {
    await engine.load(
      (stream) => writeDockerArchive(image, stream, { repoTags: [name], zstd: true }),
      signal,
    );
  } catch (error) {
    if (signal.aborted) throw error;
    throw new MiseOciError(
      "engine",
      `Cannot load the image into ${engine.name}: pulling failed (${describeError(pullError)}), ` +
        `and so did sending it (${describeError(error)})`,
      { cause: error, hint: `Check that ${engine.name} works: ${engine.name} info` },
    );
  }
}

/**
 * Ensures that the engine has the image, with the given name.
 *
 * @throws {MiseOciError} `engine` with both causes if neither a pull nor an archive works.
 */
export async function loadIntoEngine(
  engine: Engine,
  image: Image,
  options: LoadOptions,
): Promise<LoadOutcome> {
  const { name, context } = options;
  const { reporter, signal } = context;
  const present = await maybePresent(engine, image);
  if (present !== undefined) {
    try {
      await changeNames(engine, () => engine.tag(present, name));
      return "present";
    } catch (error) {
      // Another process may have removed it in the meantime.
      if (await maybePresent(engine, image) !== undefined) throw error;
    }
  }
  const item = `load ${name}`;
  const total = image.manifest.layers.reduce((sum, { size }) => sum + size, 0);
  const label = `load ${shortDigest(image.descriptor.digest)} into ${engine.name}`;
  reporter.emit({ type: "start", id: item, label, total });
  try {
    const outcome: LoadOutcome = await pull(engine, image, { ...options, item }).catch(
      async (pullError) => {
        signal.throwIfAborted();
        if (!isOfEngine(pullError)) throw pullError;
        const unreachable = maybeUnreachable(engine, pullError);
        if (unreachable !== undefined) throw unreachable;
        await loadArchive(engine, image, { name, pullError, context });
        return "archive" as const;
      },
    );
    reporter.emit({ type: "done", id: item, note: NOTES[outcome] });
    return outcome;
  } catch (error) {
    reporter.emit({ type: "failed", id: item });
    throw error;
  }
}

/** The engine of a request. @throws {MiseOciError} `engine` if it is not installed. */
async function engineOf(engine: LoadRequest["engine"]): Promise<Engine> {
  return await selectEngine({ engine, path: hostEnv("PATH") ?? "" });
}

/** Checks before a build that the engine for its image is installed. @throws {MiseOciError} `engine`. */
export async function checkEngine(engine: LoadRequest["engine"]): Promise<void> {
  await engineOf(engine);
}

/**
 * Loads an image from a layout, an archive or a registry into an engine.
 *
 * @throws {MiseOciError} as `openImages`; `integrity` naming a damaged blob, `engine` if there is none or
 * it fails.
 */
export async function loadImage(
  request: LoadRequest,
  context: WorkflowContext,
): Promise<LoadResult> {
  const { source, directory } = request;
  await using opened = await openSource(source, directory, context);
  const image = await obtainNamed(opened, request, context);
  const engine = await engineOf(request.engine);
  const digest = image.descriptor.digest;
  const name = engineName(request.tag ?? image.tag ?? nameOf(opened.reference), digest);
  const runs = runsDirectory();
  await removeDeadRuns(engine, runs, context);
  await using lease = await takeRunLease(runs);
  await loadIntoEngine(engine, image, { name, id: lease.id, context });
  return { engine: engine.name, image: name, digest };
}
