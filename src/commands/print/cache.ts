/**
 * What `cache` prints.
 * @module
 */
import { formatBytes, formatCount, formatDuration } from "../../ui/format.ts";
import { joinLines } from "../../ui/lines.ts";
import { renderTable } from "../../ui/table.ts";
import type { CacheEntry, PruneResult } from "../../workflow/manage_cache.ts";
import type { Output } from "../command.ts";
import { shortenDigest } from "./layers.ts";

function entryJson({ kind, name, description, size, lastUsed }: CacheEntry): unknown {
  return { kind, name, description, size, lastUsed: lastUsed.toISOString() };
}

function sum(entries: readonly CacheEntry[]): number {
  return entries.reduce((total, { size }) => total + size, 0);
}

function entryTable(entries: readonly CacheEntry[], now: number): readonly string[] {
  return renderTable(
    [{ title: "KIND" }, { title: "NAME" }, { title: "WHAT" }, { title: "SIZE", align: "right" }, {
      title: "LAST USED",
    }],
    entries.map((entry) => [
      entry.kind,
      shortenDigest(entry.name, true).slice(0, 40),
      entry.description,
      formatBytes(entry.size),
      `${formatDuration(now - entry.lastUsed.getTime())} ago`,
    ]),
  );
}

/** What is in the cache; `now` in milliseconds since 1970. */
export function cacheListOutput(entries: readonly CacheEntry[], now = Date.now()): Output {
  const size = sum(entries);
  return {
    text: () =>
      joinLines([
        ...(entries.length === 0 ? [] : entryTable(entries, now)),
        `${formatCount(entries.length, "entry", "entries")}, ${formatBytes(size)}`,
      ]),
    json: () => ({ size, entries: entries.map(entryJson) }),
  };
}

/** How {@linkcode cachePruneOutput} prints. */
export interface PrunePrintOptions {
  /** Nothing was removed, only listed. */
  readonly dryRun: boolean;
  /** Nothing but the size. */
  readonly quiet: boolean;
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: number;
}

/** What was removed from the cache. */
export function cachePruneOutput(result: PruneResult, options: PrunePrintOptions): Output {
  const { removed, bytes, bytesLeft } = result;
  const { dryRun, quiet, now = Date.now() } = options;
  const verb = dryRun ? "would remove" : "removed";
  const count = formatCount(removed.length, "entry", "entries");
  return {
    text: () =>
      quiet ? `${formatBytes(bytes)}\n` : joinLines([
        ...(dryRun && removed.length > 0 ? entryTable(removed, now) : []),
        `${verb} ${count}, ${formatBytes(bytes)}; ${formatBytes(bytesLeft)} left`,
      ]),
    json: () => ({ dryRun, bytes, bytesLeft, removed: removed.map(entryJson) }),
  };
}
