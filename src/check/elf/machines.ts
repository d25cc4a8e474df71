/**
 * Differences between architectures: which programs a kernel can start, and where loaders search.
 * @module
 */

/** Architectures whose programs a kernel for another architecture can also start. */
const COMPATIBLE: Readonly<Record<string, readonly string[]>> = {
  amd64: ["386"],
  arm64: ["arm"],
};

/** Whether a kernel for `architecture` starts programs for `program`. */
export function startsOn(program: string, architecture: string): boolean {
  return program === architecture || (COMPATIBLE[architecture]?.includes(program) ?? false);
}

/** Debian's multiarch names. */
const MULTIARCH: Readonly<Record<string, string>> = {
  "386": "i386-linux-gnu",
  amd64: "x86_64-linux-gnu",
  arm: "arm-linux-gnueabihf",
  arm64: "aarch64-linux-gnu",
  loong64: "loongarch64-linux-gnu",
  ppc64le: "powerpc64le-linux-gnu",
  riscv64: "riscv64-linux-gnu",
  s390x: "s390x-linux-gnu",
};

/** The kernel's name of an architecture, used for `$PLATFORM` and in musl's file names. */
const MACHINE: Readonly<Record<string, string>> = {
  "386": "i386",
  amd64: "x86_64",
  arm: "armhf",
  arm64: "aarch64",
  ppc64le: "powerpc64le",
  riscv64: "riscv64",
  s390x: "s390x",
};

/** uname's name of an architecture. */
export function machineName(architecture: string): string {
  return MACHINE[architecture] ?? architecture;
}

/** glibc's built-in directories, in builds of Debian and of other distributions. */
export function glibcDirectories(architecture: string, bits: 32 | 64): readonly string[] {
  const multiarch = MULTIARCH[architecture];
  const ofDebian = multiarch === undefined ? [] : [`/lib/${multiarch}`, `/usr/lib/${multiarch}`];
  const wide = bits === 64 ? ["/lib64", "/usr/lib64"] : [];
  return [...ofDebian, ...wide, "/lib", "/usr/lib"];
}

/** Possible values of `$LIB`. */
export function libNames(architecture: string, bits: 32 | 64): readonly string[] {
  const multiarch = MULTIARCH[architecture];
  const names = [bits === 64 ? "lib64" : "lib", "lib"];
  return multiarch === undefined ? names : [`lib/${multiarch}`, ...names];
}

/** Whether Linux's loaders accept an OS ABI: System V, Linux, and ARM's own. */
export function isLinuxAbi(osAbi: number): boolean {
  return osAbi === 0 || osAbi === 3 || osAbi === 64 || osAbi === 97;
}
