/**
 * `run`: image → engine → container → clean up.
 * @module
 */
import { join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import { type Engine, selectEngine } from "../engine/mod.ts";
import { digestHex, formatPlatform, samePlatform } from "../oci/mod.ts";
import { cacheDirectory, openLayout, type ResolvedImage } from "../store/mod.ts";
import { loadIntoEngine } from "./engine_load.ts";
import { defaultPlatform, hostEnv } from "./environment.ts";
import { obtainImage } from "./obtain_image.ts";
import { runContainer } from "./run_container.ts";
import { removeDeadRuns, RUN_LABEL, RUN_REPOSITORY, takeRunLease } from "./run_lease.ts";
import type { RunRequest, RunResult, WorkflowContext } from "./types.ts";

/** Tries to remove an image; podman may still be clearing the container away that used it. */
const UNTAG_TRIES = 10;

async function untagPatiently(engine: Engine, name: string): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await engine.untag(name);
    } catch (error) {
      if (!(error instanceof MiseOciError) || attempt === UNTAG_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
    }
  }
}

/** The name that a kept image has: its own, or one that says what it is. */
function keptName(image: ResolvedImage): string {
  return image.tag ?? `mise-oci:${digestHex(image.descriptor.digest).slice(0, 12)}`;
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
  try {
    await loadIntoEngine(engine, image, { name, context });
    if (request.keep) {
      const kept = keptName(image);
      await engine.tag(name, kept);
      context.reporter.emit({ type: "step", text: `Kept in ${engine.name} as ${kept}` });
    }
    const foreign = !samePlatform(image.platform, defaultPlatform());
    return await runContainer(engine, {
      ...request,
      image: name,
      name: `mise-oci-${id}`,
      labels: { [RUN_LABEL]: id },
      extra: request.engineArgs,
      ...(foreign ? { platform: formatPlatform(image.platform) } : {}),
    }, context.signal);
  } finally {
    await untagPatiently(engine, name);
  }
}

/**
 * Runs a command in the image and gives its exit code. Nothing is left in the engine afterwards, unless
 * the image is to be kept.
 *
 * @throws {MiseOciError} `engine`, and what building or loading throws.
 */
export async function runImage(request: RunRequest, context: WorkflowContext): Promise<RunResult> {
  if (request.image.kind === "layout") await openLayout(request.image.directory);
  const engine = await selectEngine({ engine: request.engine, path: hostEnv("PATH") ?? "" });
  const runs = join(cacheDirectory(hostEnv), "runs");
  await using obtained = await obtainImage(request.image, context);
  await removeDeadRuns(engine, runs, context);
  await using lease = await takeRunLease(runs);
  const exitCode = await runLoaded(engine, obtained.image, { request, id: lease.id, context });
  return { exitCode };
}
