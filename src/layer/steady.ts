/**
 * Whether a tree held still while it was packed.
 * @module
 */
import type { LayerPlan } from "../plan/types.ts";
import type { HostStat } from "./entry.ts";
import { ioError, isNotFound } from "./errors.ts";
import { maybeDifference } from "./fingerprint.ts";
import { type LayerTree, type ScanContext, scanLayer } from "./scan.ts";
import { giveTurn, TURN } from "./walk.ts";

/** The resolution of file times, generously: the kernel's clock tick and Deno's milliseconds. */
const CLOCK_TICK_MS = 12;

/**
 * Waits until a change of the newest file would give it another time: a file written in the same tick as
 * the scan could change again and look the same.
 */
export async function outwaitClock(tree: LayerTree): Promise<void> {
  const now = Date.now();
  let newest = 0;
  const look = (host: HostStat | undefined): void => {
    const mtime = host?.mtime ?? 0;
    if (mtime <= now && mtime > newest) newest = mtime;
  };
  for (const { host } of tree.entries) look(host);
  tree.directories.forEach(look);
  const wait = newest + CLOCK_TICK_MS - now;
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
}

/**
 * Host path of something that is not as it was when the tree was scanned, `undefined` if everything is.
 * One `lstat` of each entry: a directory whose time did not move has the names that it had. If one did,
 * the tree is scanned again, because what was added may be nothing that belongs in the layer.
 *
 * @throws {MiseOciError} what {@linkcode scanLayer} throws.
 */
export async function maybeChange(
  plan: LayerPlan,
  tree: LayerTree,
  context: ScanContext,
): Promise<string | undefined> {
  let count = 0;
  for (const { type, host } of tree.entries) {
    if (host === undefined || type === "directory") continue;
    if (!isAsBefore(host)) return host.path;
    if (++count % TURN === 0) await giveTurn(context.signal);
  }
  for (const host of tree.directories) {
    if (!isAsBefore(host)) return maybeDifference(tree, await scanLayer(plan, context));
    if (++count % TURN === 0) await giveTurn(context.signal);
  }
  return undefined;
}

function isAsBefore(host: HostStat): boolean {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(host.path);
  } catch (error) {
    if (isNotFound(error)) return false;
    throw ioError(error, "read", host.path);
  }
  return info.size === host.size && (info.ino ?? 0) === host.ino && (info.dev ?? 0) === host.dev &&
    (info.mtime?.getTime() ?? 0) === host.mtime && (info.ctime?.getTime() ?? 0) === host.ctime;
}
