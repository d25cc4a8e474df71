/**
 * `~/` in paths: mise writes it for the home directory in answers and messages, and people write it where no
 * shell expands it.
 * @module
 */
/** The home directory, as mise finds it. */
export function homeDirectory(env: (name: string) => string | undefined): string | undefined {
  return env("HOME") || env("USERPROFILE") || undefined;
}

/**
 * A path with `~` or `~/` at its beginning replaced by the home directory.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { expandHome } from "./home.ts";
 *
 * assertEquals(expandHome("~/p/mise.toml", "/home/me"), "/home/me/p/mise.toml");
 * assertEquals(expandHome("~other/x", "/home/me"), "~other/x");
 * ```
 */
export function expandHome(path: string, home: string | undefined): string {
  if (home === undefined || path !== "~" && !path.startsWith("~/")) return path;
  return `${home.replace(/\/+$/, "")}${path.slice(1)}` || "/";
}

/**
 * A message of mise with its shortened paths in full. Quoted source lines (`2 │ host = "~/x"`) stay as the
 * file has them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { expandMessage } from "./home.ts";
 *
 * assertEquals(expandMessage("╭─[~/p/mise.toml:2:1]", "/root"), "╭─[/root/p/mise.toml:2:1]");
 * ```
 */
export function expandMessage(text: string, home: string | undefined): string {
  if (home === undefined || !text.includes("~/")) return text;
  const prefix = home.replace(/\/+$/, "");
  return text.split("\n").map((line) =>
    /^\s*\d+\s*[│|]/.test(line)
      ? line
      : line.replace(/(^|[\s"'`([{=:,])~(?=\/)/g, (_, before: string) => `${before}${prefix}`)
  ).join("\n");
}
