/**
 * Selects the tools of an image, and refuses selections of mise that cannot be reproduced.
 *
 * mise evaluates the `os` condition of a tool for the machine it runs on, so for another platform
 * its list may be wrong in both directions.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { formatPlatform, type Platform } from "../oci/mod.ts";
import { nearest } from "../suggest.ts";
import type { ListedConfig, ListedTool } from "./answers.ts";
import type { MiseSettings } from "../plan/project.ts";
import { type ConfigFile, describePlace, isTable, maybeTable } from "./config_file.ts";
import { matchesCondition } from "./foreign/foreign_platform.ts";

/**
 * The `os` conditions of a tool's entry in `[tools]`, one list per version; empty for no condition.
 */
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

/** The names of tools that flags and config leave out. */
export function leftOut(
  files: readonly ConfigFile[],
  { without = [] }: { readonly without?: readonly string[] },
): readonly string[] {
  const ofConfig = files.map(({ table }) => maybeTable(table, "_", "oci")?.["without"])
    .find(Array.isArray) ?? [];
  return [...without, ...ofConfig.filter((name) => typeof name === "string")];
}

/** Warns of each name in `--without` that the project does not have. */
export function strayTools(
  { configs, tools: listed }: {
    readonly configs: readonly ListedConfig[];
    readonly tools: readonly ListedTool[];
  },
  files: readonly ConfigFile[],
  { without = [] }: { readonly without?: readonly string[] },
): readonly string[] {
  const paths = new Set(files.map(({ path }) => path));
  const names = [
    ...configs.flatMap(({ path, tools }) => paths.has(path) ? tools : []),
    ...listed.map(({ short }) => short),
  ];
  return without.filter((name) => !names.includes(name)).map((name) => {
    const near = nearest(name, names);
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    return `--without ${name} changes nothing: the project has no such tool${hint}`;
  });
}

/**
 * Refuses features of mise 2026.10 and later that would make an image silently wrong or incomplete.
 *
 * @param files config files in scope, most specific first.
 * @throws {MiseOciError} `unsupported` naming the setting or the key, its file, and a remedy.
 */
export function refuseUnsupported(
  files: readonly ConfigFile[],
  { settings: { installLayout }, foreign }: {
    readonly settings: MiseSettings;
    /** The target platform, if it is not the host platform. */
    readonly foreign: Platform | undefined;
  },
): void {
  const refuse = (what: string, why: string, hint: string): never => {
    throw new MiseOciError("unsupported", `Cannot use ${what}: ${why}`, { hint });
  };
  if (installLayout === "identity") {
    refuse(
      'mise\'s setting install_layout = "identity"',
      "the directories of installs then do not say tool and version, which layers are named by",
      "Set MISE_INSTALL_LAYOUT to its default for the build and run mise install again",
    );
  }
  for (const file of files) {
    if (Object.hasOwn(file.table, "include")) {
      refuse(
        `"include" in ${describePlace(file, ["include"])}`,
        "[oci], packages and dotfiles of included files are not read",
        "Write what the image needs into the project's own files, or generate them from what is included",
      );
    }
  }
  if (foreign === undefined) return;
  for (const [short, { entry, path }] of entriesOf(files)) {
    if (![entry].flat().some((one) => isTable(one) && Object.hasOwn(one, "when"))) continue;
    refuse(
      `"when" of the tool ${JSON.stringify(short)} (${path}) for ${formatPlatform(foreign)}`,
      "mise asks it of the machine it runs on",
      `Use os = ["${foreign.os}/${foreign.architecture}"], build on a machine of that platform, or leave ` +
        `the tool out with --without ${short}`,
    );
  }
}

/** The entry of each tool in the most specific file that contains one. */
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
 * The tools whose `os` condition does not exclude the platform.
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
 * The listed tools that apply to the platform.
 *
 * @param files config files in scope, most specific first.
 * @throws {MiseOciError} `unsupported` naming tools that apply to the platform, but that mise does
 * not list because they do not apply to the host.
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
