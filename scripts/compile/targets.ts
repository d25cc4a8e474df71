/**
 * What the executable is compiled for.
 * @module
 */

/** Platforms by the name in `--target` and in the file's name, with Rust's name for Deno. */
export const TARGETS = {
  "linux-amd64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "macos-amd64": "x86_64-apple-darwin",
  "macos-arm64": "aarch64-apple-darwin",
  "windows-amd64": "x86_64-pc-windows-msvc",
} as const;

/** A platform that Deno has a runtime for. */
export type Target = keyof typeof TARGETS;

/** Every target, in the order of the table. */
export const ALL_TARGETS: readonly Target[] = Object.keys(TARGETS) as Target[];

/** The target of a machine. @throws {RangeError} for one that Deno does not compile for. */
export function targetOf({ os, arch }: { readonly os: string; readonly arch: string }): Target {
  const name = `${os === "darwin" ? "macos" : os}-${arch === "aarch64" ? "arm64" : "amd64"}`;
  const found = ALL_TARGETS.find((target) => target === name);
  if (found === undefined) throw new RangeError(`No executable can be made for ${os} ${arch}`);
  return found;
}

/** The targets that `--target` names: nothing means the host's. @throws {RangeError} listing them. */
export function parseTargets(names: readonly string[], host: () => Target): readonly Target[] {
  if (names.length === 0) return [host()];
  return [
    ...new Set(names.flatMap((name): readonly Target[] => {
      if (name === "all") return ALL_TARGETS;
      const found = ALL_TARGETS.find((target) => target === name);
      if (found !== undefined) return [found];
      throw new RangeError(
        `No target "${name}": choose ${ALL_TARGETS.join(", ")} or all`,
      );
    })),
  ];
}

/** The file name of a target's executable. */
export function executableName(target: Target): string {
  return `mise-oci-${target}${target.startsWith("windows") ? ".exe" : ""}`;
}

/** How the files of each platform begin: offset of a byte to its value (ELF, Mach-O, PE). */
const BEGINNINGS: Readonly<Record<Target, Readonly<Record<number, number>>>> = {
  "linux-amd64": { 0: 0x7f, 1: 0x45, 18: 0x3e },
  "linux-arm64": { 0: 0x7f, 1: 0x45, 18: 0xb7 },
  "macos-amd64": { 0: 0xcf, 3: 0xfe, 4: 0x07 },
  "macos-arm64": { 0: 0xcf, 3: 0xfe, 4: 0x0c },
  "windows-amd64": { 0: 0x4d, 1: 0x5a },
};

/**
 * Whether a file is a program of the target: a runtime of another platform, named by `DENORT_BIN`, gives
 * one of that platform.
 *
 * @param start the first 20 bytes of the file, or more.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { isProgramOf } from "./targets.ts";
 *
 * const start = new TextEncoder().encode("MZ");
 * assertEquals(isProgramOf("windows-amd64", start), true);
 * assertEquals(isProgramOf("linux-amd64", start), false);
 * ```
 */
export function isProgramOf(target: Target, start: Uint8Array): boolean {
  return Object.entries(BEGINNINGS[target]).every(([at, byte]) => start[Number(at)] === byte);
}
