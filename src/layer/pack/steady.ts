/**
 * Checks that a tree did not change while it was packed.
 * @module
 */
import type { LayerPlan } from "../../plan/types.ts";
import { type HostStat, isAsBefore } from "../entry.ts";
import { isNotFound, treeError } from "../errors.ts";
import { maybeDifference } from "./fingerprint.ts";
import type { Positions } from "./pack.ts";
import { type LayerTree, type ScanContext, scanLayer } from "../tree/scan.ts";
import { giveTurn, TURN } from "../tree/walk.ts";

/** A generous bound for the resolution of file times: the kernel's clock tick and Deno's milliseconds. */
const CLOCK_TICK_MS = 12;

/**
 * Waits until any change would give the newest file another time: otherwise a file written in the same
 * clock tick as the scan could change undetected.
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
 * Host path of something that changed since the scan, if anything. Calls `lstat` once for each entry not in
 * `context.settled`. A directory with an unchanged time has the same names; if one changed, the tree is
 * scanned again, because the new file may not belong in the layer.
 *
 * @throws {MiseOciError} as {@linkcode scanLayer}.
 */
export async function maybeChange(
  plan: LayerPlan,
  tree: LayerTree,
  context: ScanContext & {
    /** Positions of entries that were already verified after their content was read. */
    readonly settled?: Positions;
  },
): Promise<string | undefined> {
  let count = 0;
  for (const [at, { type, host }] of tree.entries.entries()) {
    if (host === undefined || type === "directory" || context.settled?.has(at) === true) continue;
    if (!isStill(host)) return host.path;
    if (++count % TURN === 0) await giveTurn(context.signal);
  }
  for (const host of tree.directories) {
    if (!isStill(host)) return maybeDifference(tree, await scanLayer(plan, context));
    if (++count % TURN === 0) await giveTurn(context.signal);
  }
  return undefined;
}

function isStill(host: HostStat): boolean {
  try {
    return isAsBefore(Deno.lstatSync(host.path), host);
  } catch (error) {
    if (isNotFound(error)) return false;
    throw treeError(error, "read", host.path);
  }
}
