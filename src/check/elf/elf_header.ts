/**
 * Detects the format of an executable from its first bytes: the ELF header (System V ABI, "ELF Header";
 * machine numbers of the psABIs), and the magic numbers of Mach-O and PE.
 * @module
 */
import { startsOn } from "./machines.ts";

/** The format of an executable. */
export type ExecutableFormat =
  | { readonly kind: "elf"; readonly architecture: string; readonly bits: 32 | 64 }
  | { readonly kind: "mach-o" }
  | { readonly kind: "pe" }
  | { readonly kind: "script" }
  | { readonly kind: "other" };

/** Number of bytes that {@linkcode parseExecutableFormat} needs. */
export const EXECUTABLE_HEADER_BYTES = 20;

const MACHINES: ReadonlyMap<number, string> = new Map([
  [0x03, "386"],
  [0x08, "mips"],
  [0x14, "ppc"],
  [0x15, "ppc64"],
  [0x16, "s390x"],
  [0x28, "arm"],
  [0x3e, "amd64"],
  [0xb7, "arm64"],
  [0xf3, "riscv64"],
  [0x102, "loong64"],
]);

const MACH_O = new Set([0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe]);

/**
 * Detects the format of an executable from its first {@linkcode EXECUTABLE_HEADER_BYTES} bytes, or fewer if
 * the file is shorter.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseExecutableFormat } from "./elf_header.ts";
 *
 * assertEquals(parseExecutableFormat(new TextEncoder().encode("#!/bin/sh\n")).kind, "script");
 * ```
 */
export function parseExecutableFormat(bytes: Uint8Array): ExecutableFormat {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 2 && view.getUint16(0) === 0x2321) return { kind: "script" };
  if (bytes.length >= 2 && view.getUint16(0) === 0x4d5a) return { kind: "pe" };
  if (bytes.length >= 4 && MACH_O.has(view.getUint32(0))) return { kind: "mach-o" };
  if (bytes.length < 20 || view.getUint32(0) !== 0x7f454c46) return { kind: "other" };
  const littleEndian = bytes[5] === 1;
  const machine = view.getUint16(18, littleEndian);
  const bits = bytes[4] === 1 ? 32 : 64;
  const known = MACHINES.get(machine) ?? `machine ${machine}`;
  const architecture = known === "ppc64" && littleEndian ? "ppc64le" : known;
  return { kind: "elf", architecture, bits };
}

/** Whether a file of this format can start in a Linux container of the architecture. */
export function runsOnLinux(format: ExecutableFormat, architecture: string): boolean {
  if (format.kind === "elf") return startsOn(format.architecture, architecture);
  return format.kind === "script" || format.kind === "other";
}

/** A description of a format. */
export function describeExecutableFormat(format: ExecutableFormat): string {
  switch (format.kind) {
    case "elf":
      return `an ELF executable for ${format.architecture}`;
    case "mach-o":
      return "a macOS executable";
    case "pe":
      return "a Windows executable";
    case "script":
      return "a script";
    case "other":
      return "not an executable";
  }
}
