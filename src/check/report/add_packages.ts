/**
 * Adds packages to `[bootstrap.packages]` of a config file without changing anything else.
 * @module
 */
import { parse as parseToml } from "@std/toml";
import { MiseOciError } from "../../errors.ts";
import type { PackageRemedy } from "../mod.ts";
import { packageKey } from "../../plan/project.ts";

const HEADER =
  /^[ \t]*\[[ \t]*(?:bootstrap|"bootstrap")[ \t]*\.[ \t]*(?:packages|"packages")[ \t]*\][ \t]*(?:#.*)?$/;

/** The index after the last entry of the table whose header is at `header`. */
function endOfTable(lines: readonly string[], header: number): number {
  let end = header + 1;
  for (let i = header + 1; i < lines.length; i++) {
    const line = lines[i]!.trim();
    if (line.startsWith("[")) break;
    if (line !== "" && !line.startsWith("#")) end = i + 1;
  }
  return end;
}

function packagesOf(text: string): Readonly<Record<string, unknown>> {
  const bootstrap = parseToml(text)["bootstrap"];
  const packages = (bootstrap as { packages?: unknown } | undefined)?.packages;
  return (packages ?? {}) as Readonly<Record<string, unknown>>;
}

/** A TOML document without `[bootstrap.packages]`, as JSON for comparison. */
function withoutPackages(text: string): string {
  const { bootstrap, ...rest } = parseToml(text);
  const { packages: _, ...others } = (bootstrap ?? {}) as Record<string, unknown>;
  return JSON.stringify([rest, others]);
}

/**
 * Adds packages, each with version `latest`, to the text of a config file; comments, order and line ends
 * are kept. The result is parsed and compared, to ensure that nothing else changed.
 *
 * @param path of the file, for messages.
 * @throws {MiseOciError} `config` if the table has a form to which lines cannot be added.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { addPackages } from "./add_packages.ts";
 *
 * const added = addPackages("[tools]\n", [{ manager: "apt", name: "libatomic1" }], "mise.toml");
 * assertEquals(added, '[tools]\n\n[bootstrap.packages]\n"apt:libatomic1" = "latest"\n');
 * ```
 */
export function addPackages(
  text: string,
  packages: readonly PackageRemedy[],
  path: string,
): string {
  // A byte order mark, as in fleet/toml_edit.ts.
  if (text.startsWith("\ufeff")) return `\ufeff${addPackages(text.slice(1), packages, path)}`;
  const present = packagesOf(text);
  const keys = [...new Set(packages.map(packageKey))].filter((key) => !Object.hasOwn(present, key));
  if (keys.length === 0) return text;
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = text.split(/\r?\n/);
  const added = keys.map((key) => `"${key}" = "latest"`);
  const header = lines.findIndex((line) => HEADER.test(line));
  if (header >= 0) lines.splice(endOfTable(lines, header), 0, ...added);
  else {
    while (lines.at(-1)?.trim() === "") lines.pop();
    lines.push(...(lines.length === 0 ? [] : [""]), "[bootstrap.packages]", ...added, "");
  }
  const result = lines.join(newline);
  if (!saysTheSame(text, result, keys)) {
    throw new MiseOciError(
      "config",
      `Cannot add packages to "${path}": its [bootstrap.packages] is not written as a table of lines`,
      { hint: `Add by hand: ${added.join(", ")}` },
    );
  }
  return result;
}

function saysTheSame(before: string, after: string, keys: readonly string[]): boolean {
  try {
    const expected = {
      ...packagesOf(before),
      ...Object.fromEntries(keys.map((k) => [k, "latest"])),
    };
    return withoutPackages(before) === withoutPackages(after) &&
      JSON.stringify(expected) === JSON.stringify(packagesOf(after));
  } catch {
    return false; // the added lines define a table twice
  }
}
