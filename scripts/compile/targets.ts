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
