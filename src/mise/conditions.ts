/**
 * The `os` condition of a tool. mise asks it of the machine that it runs on, so for another platform its
 * answer may be wrong both ways.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { formatPlatform, type Platform } from "../oci/mod.ts";
import type { ListedTool } from "./answers.ts";
import { type ConfigFile, isTable, maybeTable } from "./config_file.ts";
import { matchesCondition } from "./foreign_platform.ts";

/** The conditions of a tool's entry in `[tools]`, or of each of its versions; empty where it has none. */
function conditionsOf(entry: unknown): readonly (readonly unknown[])[] {
  if (Array.isArray(entry)) return entry.flatMap(conditionsOf);
  const os = isTable(entry) ? entry["os"] : undefined;
  return [Array.isArray(os) ? os : typeof os === "string" ? [os] : []];
}

function appliesTo(entry: unknown, platform: Platform): boolean {
  return conditionsOf(entry).some((conditions) =>
    conditions.length === 0 ||
    conditions.some((one) => typeof one === "string" && matchesCondition(one, platform))
  );
}

/** The entry of each tool in the most specific file that has one. */
function entriesOf(
  files: readonly ConfigFile[],
): ReadonlyMap<string, { readonly entry: unknown; readonly path: string }> {
  const entries = new Map<string, { readonly entry: unknown; readonly path: string }>();
  for (const { table, path } of files) {
    for (const [short, entry] of Object.entries(maybeTable(table, "tools") ?? {})) {
      if (!entries.has(short)) entries.set(short, { entry, path });
    }
  }
  return entries;
}

/**
 * The tools that no `os` condition keeps from the platform.
 *
 * @param files config files in scope, most specific first.
 */
export function withoutExcluded<T extends { readonly short: string }>(
  tools: readonly T[],
  files: readonly ConfigFile[],
  platform: Platform,
): readonly T[] {
  const entries = entriesOf(files);
  return tools.filter(({ short }) => appliesTo(entries.get(short)?.entry, platform));
}

/**
 * The listed tools that are for the platform.
 *
 * @param files config files in scope, most specific first.
 * @throws {MiseOciError} `unsupported` naming tools that are for the platform and that mise leaves out
 * because they are not for this machine.
 */
export function checkConditions(
  listed: readonly ListedTool[],
  files: readonly ConfigFile[],
  platform: Platform,
): readonly ListedTool[] {
  const entries = entriesOf(files);
  const names = new Set(listed.map(({ short }) => short));
  const hidden = [...entries].filter(([short, { entry }]) => {
    const conditional = conditionsOf(entry).some((conditions) => conditions.length > 0);
    return conditional && !names.has(short) && appliesTo(entry, platform);
  });
  if (hidden.length > 0) {
    const list = hidden.map(([short, { path }]) => `${JSON.stringify(short)} (${path})`).join(", ");
    throw new MiseOciError(
      "unsupported",
      `Cannot have tools of which "os" names ${formatPlatform(platform)} on this machine: ${list}`,
      {
        hint:
          'mise asks "os" of the machine it runs on: build on a machine of that platform and push ' +
          'with --update-index, or leave "os" out',
      },
    );
  }
  return withoutExcluded(listed, files, platform);
}
