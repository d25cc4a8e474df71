/**
 * Detects which runs are alive: each holds a lock that is released when its process ends, even if it is
 * killed. A later run can then find what a killed run left in an engine, and remove it.
 * @module
 */
import { join } from "@std/path";
import { type Engine, type EngineTag, isLoopbackRepository } from "../engine/mod.ts";
import { MiseOciError } from "../errors.ts";
import { streamingSha256 } from "../oci/mod.ts";
import { acquireLock, cacheDirectory, type Lock, withLock } from "../store/mod.ts";
import { hostEnv } from "../build/host/environment.ts";
import type { WorkflowContext } from "../context.ts";

/** Repository of the names that images have while they run. */
export const RUN_REPOSITORY = "mise-oci.local/run";
/** Label of the containers; its value is the run's id. */
export const RUN_LABEL = "dev.mise.oci.run";
/** Prefix of their names, unless the user chose one; the run's id follows. */
export const CONTAINER_PREFIX = "mise-oci-";

/** Where the locks of runs are. */
export function runsDirectory(): string {
  return join(cacheDirectory(hostEnv), "runs");
}

/**
 * Changes names of images while no other mise-oci process does: if podman removes two names of an image at
 * the same moment, it may not notice that the last one is gone, and an image without a name remains.
 */
export function changeNames<T>(engine: Engine, change: () => Promise<T>): Promise<T> {
  return withLock(join(runsDirectory(), `names-${engine.name}`), change);
}

/** A run that is alive. */
export interface RunLease extends AsyncDisposable {
  /** Unique in this engine, and valid in a tag and in a container's name. */
  readonly id: string;
}

/**
 * The runs of one cache directory; an engine may be shared with users of other cache directories, whose runs
 * are not touched.
 */
function owner(directory: string): string {
  return streamingSha256().update(directory).digest("hex").slice(0, 12);
}

function lockPath(directory: string, id: string): string {
  return join(directory, `${id}.lock`);
}

export async function takeRunLease(directory: string): Promise<RunLease> {
  const random = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
  const id = `${owner(directory)}-${random}`;
  const lock = await acquireLock(lockPath(directory, id));
  return { id, [Symbol.asyncDispose]: () => lock.release() };
}

async function maybeDead(directory: string, id: string): Promise<Lock | undefined> {
  if (!id.startsWith(`${owner(directory)}-`) || !/^[0-9a-f-]+$/.test(id)) return undefined;
  try {
    return await acquireLock(lockPath(directory, id), { timeoutMs: 0 });
  } catch (error) {
    if (error instanceof MiseOciError && error.code === "io") return undefined; // it is alive
    throw error;
  }
}

/** Leftovers of killed runs in an engine. */
interface Leftover {
  /** The run's id. */
  readonly run: string;
  /** What it is, for `-v`. */
  readonly text: string;
  /** Removes it. */
  remove(): Promise<void>;
}

/** Whether only a run creates such a name. */
function isOfRun({ repository }: EngineTag): boolean {
  return repository === RUN_REPOSITORY || isLoopbackRepository(repository);
}

async function listLeftovers(engine: Engine): Promise<readonly Leftover[]> {
  const [containers, tags] = await Promise.all([
    engine.listContainers(RUN_LABEL),
    engine.listTags(),
  ]);
  // Containers first: an image can be removed only when no container uses it.
  return [
    ...containers.map(({ id, name, label }) => ({
      run: label,
      text: `container ${name}`,
      remove: () => engine.removeContainer(id),
    })),
    ...tags.filter(isOfRun).map(({ name, tag }) => ({
      run: tag,
      text: `image ${name}`,
      remove: () => changeNames(engine, () => engine.untag(name)),
    })),
  ];
}

/** Removes containers and image names of killed runs. Failures are reported as details. */
export async function removeDeadRuns(
  engine: Engine,
  directory: string,
  { reporter }: WorkflowContext,
): Promise<void> {
  const detail = (text: string): void => reporter.emit({ type: "detail", level: 1, text });
  const attempt = async <T>(action: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof MiseOciError)) throw error;
      detail(error.message);
      return undefined;
    }
  };
  for (const { run, text, remove } of await attempt(() => listLeftovers(engine)) ?? []) {
    await using lock = await maybeDead(directory, run);
    if (lock === undefined) continue;
    await attempt(async () => {
      await remove();
      detail(`Removed ${text} of a run that was killed`);
    });
  }
}
