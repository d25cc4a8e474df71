/**
 * The output of `cache`.
 * @module
 */
import { formatBytes, formatCount, formatDuration } from "../../ui/format.ts";
import { joinLines } from "../../ui/text.ts";
import { renderTable } from "../../ui/table.ts";
import type { CacheEntry, CacheUse, PruneResult } from "../../workflow/manage_cache.ts";
import type { Output } from "../command.ts";

/** Options of {@linkcode cacheListOutput} and {@linkcode cacheUseOutput}. */
export interface CachePrintOptions {
  /** Print every entry; by default, related entries are grouped. */
  readonly verbose?: boolean;
  /** Print only the size. */
  readonly quiet?: boolean;
  /** Current time in milliseconds since 1970; default: the clock. */
  readonly now?: number;
}

function entryJson({ kind, name, description, size, lastUsed }: CacheEntry): unknown {
  return { kind, name, description, size, lastUsed: lastUsed.toISOString() };
}

function sum(entries: readonly CacheEntry[]): number {
  return entries.reduce((total, { size }) => total + size, 0);
}

/** Shortens digests and keys to twelve digits, as docker does. */
function shorten(text: string): string {
  return text.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1");
}

function ago(time: number, now: number): string {
  return `${formatDuration(Math.max(0, now - time))} ago`;
}

function entryTable(
  entries: readonly CacheEntry[],
  { now, columns }: { readonly now: number; readonly columns: number | undefined },
): readonly string[] {
  return renderTable(
    [{ title: "KIND" }, { title: "NAME" }, { title: "WHAT" }, { title: "SIZE", align: "right" }, {
      title: "LAST USED",
    }],
    entries.map((entry) => [
      entry.kind,
      shorten(entry.name),
      shorten(entry.description.replace(` of ${entry.name}`, "")),
      formatBytes(entry.size),
      ago(entry.lastUsed.getTime(), now),
    ]),
    columns,
  );
}

/**
 * The name that users know an entry by: the layer, the image, the tool; one name for all internal entries.
 */
function groupOf({ kind, name, description }: CacheEntry): string {
  if (kind === "document") return "notes about layers and bases";
  if (kind === "install") return `${name} (${description})`;
  if (kind === "rootfs") return description;
  return description === "blob" ? "layers of bases" : shorten(description);
}

function groupTable(
  entries: readonly CacheEntry[],
  { now, columns }: { readonly now: number; readonly columns: number | undefined },
): readonly string[] {
  const groups = [...Map.groupBy(entries, groupOf)].map(([what, list]) => ({ what, list }))
    .sort((a, b) => sum(b.list) - sum(a.list));
  return renderTable(
    [{ title: "WHAT" }, { title: "ENTRIES", align: "right" }, { title: "SIZE", align: "right" }, {
      title: "LAST USED",
    }],
    groups.map(({ what, list }) => [
      what,
      String(list.length),
      formatBytes(sum(list)),
      ago(Math.max(...list.map(({ lastUsed }) => lastUsed.getTime())), now),
    ]),
    columns,
  );
}

/** The output of `cache ls`. */
export function cacheListOutput(
  entries: readonly CacheEntry[],
  { verbose = false, quiet = false, now = Date.now() }: CachePrintOptions = {},
): Output {
  const size = sum(entries);
  const table = verbose ? entryTable : groupTable;
  const more = verbose || entries.length === 0 ? "" : "; -v lists each";
  return {
    text: (columns) =>
      quiet ? `${formatBytes(size)}\n` : joinLines([
        ...(entries.length === 0 ? [] : table(entries, { now, columns })),
        `${formatCount(entries.length, "entry", "entries")}, ${formatBytes(size)}${more}`,
      ], columns),
    json: () => ({ size, entries: entries.map(entryJson) }),
  };
}

/** The output of `cache df`: sizes by kind, as in `docker system df`. */
export function cacheUseOutput(use: CacheUse, { quiet = false }: CachePrintOptions = {}): Output {
  const { path, size, kinds } = use;
  return {
    text: (columns) =>
      quiet ? `${formatBytes(size)}\n` : joinLines([
        ...renderTable(
          [{ title: "KIND" }, { title: "ENTRIES", align: "right" }, {
            title: "SIZE",
            align: "right",
          }, { title: "UNUSED FOR A WEEK", align: "right" }],
          kinds.map((one) => [
            one.kind,
            String(one.entries),
            formatBytes(one.size),
            formatBytes(one.unused),
          ]),
          columns,
        ),
        `${formatBytes(size)} in ${path}`,
      ], columns),
    json: () => use,
  };
}

/** Options of {@linkcode cachePruneOutput}. */
export interface PrunePrintOptions {
  /** Whether entries were only listed. */
  readonly dryRun: boolean;
  /** Print only the size. */
  readonly quiet: boolean;
  /** Current time in milliseconds since 1970; default: the clock. */
  readonly now?: number;
}

/** The output of `cache prune`. */
export function cachePruneOutput(result: PruneResult, options: PrunePrintOptions): Output {
  const { removed, bytes, bytesLeft } = result;
  const { dryRun, quiet, now = Date.now() } = options;
  const verb = dryRun ? "would remove" : "removed";
  const count = formatCount(removed.length, "entry", "entries");
  return {
    text: (columns) =>
      quiet ? `${formatBytes(bytes)}\n` : joinLines([
        ...(dryRun && removed.length > 0 ? entryTable(removed, { now, columns }) : []),
        `${verb} ${count}, ${formatBytes(bytes)}; ${formatBytes(bytesLeft)} left`,
      ], columns),
    json: () => ({ dryRun, bytes, bytesLeft, removed: removed.map(entryJson) }),
  };
}
