/**
 * Detects which runs are alive: each holds a lock that is released when its process ends, even if it is
 * killed. A later run can then remove what a killed run left in an engine.
 * @module
 */
import { join } from "@std/path";
import { type Engine, type EngineTag, isLoopbackRepository } from "../engine/mod.ts";
import { MiseOciError } from "../errors.ts";
import { streamingSha256 } from "../oci/mod.ts";
import { acquireLock, cacheDirectory, type Lock, withLock } from "../store/mod.ts";
import { hostEnv } from "../build/host/environment.ts";
import type { WorkflowContext } from "../context.ts";

/** Repository of temporary image names. */
export const RUN_REPOSITORY = "mise-oci.local/run";
/** Label of containers, with the run's id as value. */
export const RUN_LABEL = "dev.mise.oci.run";
/** Prefix of container names, followed by the run's id, unless the user chose a name. */
export const CONTAINER_PREFIX = "mise-oci-";

/** The directory of the runs' locks. */
export function runsDirectory(): string {
  return join(cacheDirectory(hostEnv), "runs");
}

/**
 * Changes image names under a lock: if two names of an image are removed from podman simultaneously, an
 * image without a name can remain.
 */
export function changeNames<T>(engine: Engine, change: () => Promise<T>): Promise<T> {
  return withLock(join(runsDirectory(), `names-${engine.name}`), change);
}

/** A live run. */
export interface RunLease extends AsyncDisposable {
  /** Unique in this engine, and valid in a tag and in a container's name. */
  readonly id: string;
}

/**
 * Identifies runs of one cache directory. An engine may be shared with users of other cache directories,
 * whose runs must be left alone.
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
    if (error instanceof MiseOciError && error.code === "io") return undefined; // alive
    throw error;
  }
}

/** Something left in an engine by a killed run. */
interface Leftover {
  /** The run's id. */
  readonly run: string;
  /** A description, for `-v`. */
  readonly text: string;
  /** Removes it. */
  remove(): Promise<void>;
}

/** Whether a name is used only by runs. */
function isOfRun({ repository }: EngineTag): boolean {
  return repository === RUN_REPOSITORY || isLoopbackRepository(repository);
}

async function listLeftovers(engine: Engine): Promise<readonly Leftover[]> {
  const [containers, tags] = await Promise.all([
    engine.listContainers(RUN_LABEL),
    engine.listTags(),
  ]);
  // Containers first, since an image in use cannot be removed.
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
