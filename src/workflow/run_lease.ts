/**
 * Which runs are alive: each holds a lock that ends with its process, however that ends, so that a later
 * run can tell what a killed one left in an engine, and remove it.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import type { Engine } from "../engine/mod.ts";
import { MiseOciError } from "../errors.ts";
import { acquireLock, type Lock } from "../store/mod.ts";
import type { WorkflowContext } from "./types.ts";

/** Repository of the names that images have while they run. */
export const RUN_REPOSITORY = "mise-oci.local/run";
/** Label of the containers; its value is the run's id. */
export const RUN_LABEL = "dev.mise.oci.run";

/** A run that is alive. */
export interface RunLease extends AsyncDisposable {
  /** Unique in this engine; a tag and a container's name can be made of it. */
  readonly id: string;
}

/** The runs of one cache directory; an engine may be shared with users of others, whose runs are theirs. */
function owner(directory: string): string {
  return createHash("sha256").update(directory).digest("hex").slice(0, 12);
}

function lockPath(directory: string, id: string): string {
  return join(directory, `${id}.lock`);
}

/** Takes a lease for a run. */
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

/** Removes containers and image names that killed runs left. What cannot be removed is a detail. */
export async function removeDeadRuns(
  engine: Engine,
  directory: string,
  context: WorkflowContext,
): Promise<void> {
  const attempt = async (text: string, action: () => Promise<void>): Promise<void> => {
    try {
      await action();
      context.reporter.emit({ type: "detail", level: 1, text });
    } catch (error) {
      if (!(error instanceof MiseOciError)) throw error;
      context.reporter.emit({ type: "detail", level: 1, text: error.message });
    }
  };
  const [containers, tags] = await Promise.all([
    engine.listContainers(RUN_LABEL),
    engine.listTags(RUN_REPOSITORY),
  ]);
  for (const { id, value } of containers) {
    await using lock = await maybeDead(directory, value);
    if (lock === undefined) continue;
    await attempt(
      `Removed container ${id} of a run that was killed`,
      () => engine.removeContainer(id),
    );
  }
  for (const { name, tag } of tags) {
    await using lock = await maybeDead(directory, tag);
    if (lock === undefined) continue;
    await attempt(`Removed image ${name} of a run that was killed`, () => engine.untag(name));
  }
}
