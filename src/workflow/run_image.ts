/**
 * `run`: image → engine → container → clean up.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";
import { type Engine, selectEngine } from "../engine/mod.ts";
import { formatPlatform, samePlatform } from "../oci/mod.ts";
import { openLayout, type ResolvedImage } from "../store/mod.ts";
import { loadIntoEngine, maybePresent } from "./engine_load.ts";
import { engineName } from "../engine/name.ts";
import { defaultPlatform, hostEnv } from "../build/environment.ts";
import { obtainImage } from "./obtain_image.ts";
import { runContainer } from "./run_container.ts";
import {
  changeNames,
  CONTAINER_PREFIX,
  removeDeadRuns,
  RUN_LABEL,
  RUN_REPOSITORY,
  runsDirectory,
  takeRunLease,
} from "./run_lease.ts";
import { restack } from "../build/restack.ts";
import type { WorkflowContext } from "../context.ts";
import type { RunRequest, RunResult } from "./types.ts";

/** Tries to remove an image; podman may still be clearing the container away that used it. */
const UNTAG_TRIES = 10;

/** Removes the image. What went wrong is a warning: the run's exit code is the container's. */
async function untagPatiently(
  engine: Engine,
  name: string,
  { reporter }: WorkflowContext,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await changeNames(engine, () => engine.untag(name));
    } catch (error) {
      if (!(error instanceof MiseOciError)) throw error;
      if (attempt === UNTAG_TRIES) {
        const text = `${error.message}; the next run tries again`;
        return reporter.emit({ type: "warning", text });
      }
      await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
    }
  }
}

/** Whether building on the image would run what its author left for that moment. */
function hasBuildTriggers({ config }: ResolvedImage): boolean {
  const triggers = config.config?.extensions?.["OnBuild"];
  return Array.isArray(triggers) && triggers.length > 0;
}

/**
 * Keeps the layers for the next run, out of sight, where the engine can do that: the image itself goes
 * at the end of this one. A run does not fail for it.
 *
 * @returns why they are not kept, to be said when the terminal is ours again.
 */
async function retain(
  engine: Engine,
  image: ResolvedImage,
  options: { readonly name: string; readonly platform?: string },
): Promise<string | undefined> {
  const { name, ...rest } = options;
  if (hasBuildTriggers(image)) return "The image has build triggers: its layers are not kept";
  try {
    // Also while the run is interrupted: removing layers that are kept is quick, others take seconds.
    await engine.retainLayers(name, rest);
    return undefined;
  } catch (error) {
    return `The next run has to load the image again: ${describeError(error)}`;
  }
}

/** @throws {MiseOciError} `usage` if neither the image nor the command line says what to run. */
function assertCommand({ config }: ResolvedImage, request: RunRequest): void {
  const { Entrypoint = [], Cmd = [] } = config.config ?? {};
  const named = [...Entrypoint, ...Cmd, ...request.command].length > 0 ||
    request.engineArgs.some((arg) => arg.startsWith("--entrypoint"));
  if (named) return;
  throw new MiseOciError("usage", "Cannot run the image: it has no command, and none was given", {
    hint: 'Write mise-oci run CMD, or set cmd in [oci], such as cmd = ["bash"]',
  });
}

/** What the engine gets: the image itself if that stays or is there already, else its layers restacked. */
async function choose(engine: Engine, image: ResolvedImage, keep: boolean): Promise<ResolvedImage> {
  if (!engine.stacksLayers || keep) return image;
  return await maybePresent(engine, image) === undefined ? restack(image) : image;
}

async function runLoaded(
  engine: Engine,
  image: ResolvedImage,
  options: {
    readonly request: RunRequest;
    readonly id: string;
    readonly context: WorkflowContext;
  },
): Promise<number> {
  const { request, id, context } = options;
  const name = `${RUN_REPOSITORY}:${id}`;
  const foreign = !samePlatform(image.platform, defaultPlatform());
  const platform = foreign ? { platform: formatPlatform(image.platform) } : {};
  let retained: Promise<string | undefined> | undefined;
  try {
    const outcome = await loadIntoEngine(engine, image, { name, id, context });
    if (request.keep) {
      const kept = engineName(image.tag, image.descriptor.digest);
      await changeNames(engine, () => engine.tag(name, kept));
      context.reporter.emit({ type: "step", text: `Kept in ${engine.name} as ${kept}` });
    } else if (outcome === "pulled" || outcome === "archive") {
      retained = retain(engine, image, { name, ...platform });
    }
    // Streams and terminal are the container's until it ends.
    context.reporter.emit({ type: "suspend" });
    return await runContainer(engine, {
      ...request,
      image: name,
      name: request.name ?? `${CONTAINER_PREFIX}${id}`,
      labels: { [RUN_LABEL]: id },
      extra: request.engineArgs,
      ...platform,
    }, context.signal);
  } finally {
    context.reporter.emit({ type: "resume" });
    const text = await retained;
    if (text !== undefined) context.reporter.emit({ type: "detail", level: 1, text });
    await untagPatiently(engine, name, context);
  }
}

/**
 * Runs a command in the image and gives its exit code. Nothing is left in the engine afterwards, unless
 * the image is to be kept.
 *
 * @throws {MiseOciError} `engine`, and what building or loading throws.
 */
export async function runImage(request: RunRequest, context: WorkflowContext): Promise<RunResult> {
  const { image } = request;
  const layout = image.kind === "layout" ? await openLayout(image.directory) : undefined;
  const engine = await selectEngine({ engine: request.engine, path: hostEnv("PATH") ?? "" });
  const runs = runsDirectory();
  await using obtained = await obtainImage(image, context);
  await layout?.verify({ entries: [obtained.image.descriptor], signal: context.signal });
  assertCommand(obtained.image, request);
  await removeDeadRuns(engine, runs, context);
  await using lease = await takeRunLease(runs);
  const loaded = await choose(engine, obtained.image, request.keep);
  const exitCode = await runLoaded(engine, loaded, { request, id: lease.id, context });
  return { exitCode };
}
