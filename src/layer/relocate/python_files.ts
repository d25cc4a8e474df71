/**
 * Files of Python environments, besides `pyvenv.cfg`, that contain the place of their install. Pure.
 * @module
 */

/** Whether a file is the list of files installed by a Python package. */
export function isInstallRecord(path: string): boolean {
  return path.endsWith(".dist-info/RECORD");
}

const encoder = new TextEncoder();
/** Files outside of the packages' directory, mainly scripts, come first because the list is sorted. */
const OUTSIDE = /^(?:\.\.\/[^\n]*\n)+/;
const HASHED = /^(\.\.\/[^\n]*?),sha256=[^,\n]*,\d*(\r?)$/gm;

/**
 * Removes hash and size of scripts from a list of installed files, because their `#!` lines are rewritten
 * and differ between hosts anyway. Both are optional (Python packaging, "Recording installed projects").
 *
 * @param head The first bytes of the list.
 * @returns `undefined` if nothing changes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { maybeNormalizeRecord } from "./python_files.ts";
 *
 * const record = "../../../bin/pip,sha256=cpV0,232\npip/a.py,sha256=Pd_q,9\n";
 * const changed = maybeNormalizeRecord(new TextEncoder().encode(record));
 * assertEquals(new TextDecoder().decode(changed?.bytes), "../../../bin/pip,,\n");
 * assertEquals(changed?.replaced, 33);
 * ```
 */
export function maybeNormalizeRecord(
  head: Uint8Array,
): { readonly bytes: Uint8Array; readonly replaced: number } | undefined {
  const before = OUTSIDE.exec(new TextDecoder().decode(head))?.[0];
  if (before === undefined) return undefined;
  const after = before.replace(HASHED, "$1,,$2");
  if (after === before) return undefined;
  return { bytes: encoder.encode(after), replaced: encoder.encode(before).length };
}

/** Whether a path is that of cached bytecode. */
export function isBytecode(path: string): boolean {
  return path.endsWith(".pyc");
}

/**
 * The source of a file in `__pycache__` (PEP 3147).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { maybeSource } from "./python_files.ts";
 *
 * assertEquals(maybeSource("lib/__pycache__/m.cpython-312.opt-1.pyc"), "lib/m.py");
 * assertEquals(maybeSource("lib/m.pyc"), undefined);
 * ```
 */
export function maybeSource(path: string): string | undefined {
  const match = /^(.*\/)?__pycache__\/([^/]+?)\.[^./]+(?:\.opt-[^./]+)?\.pyc$/.exec(path);
  return match === null ? undefined : `${match[1] ?? ""}${match[2]}.py`;
}
