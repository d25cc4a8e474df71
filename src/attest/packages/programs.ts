/**
 * Packages compiled into a program: Go's build information, and the dependency lists of `cargo auditable`.
 * @module
 */
import { inflateSync } from "node:zlib";
import type { RandomAccess } from "../../check/elf/random_access.ts";
import { formatPurl } from "../purl.ts";
import { binaryText, type ElfLayout, maybeReadElfLayout } from "./elf_sections.ts";
import type { FoundPackage } from "./found.ts";
import { goModule } from "./languages.ts";

/** Size limit of build information. */
const MAX_TEXT = 16 * 1024 * 1024;
/** `\xff Go buildinf:`, aligned to 16 bytes (Go, debug/buildinfo). */
const GO_MAGIC = new Uint8Array([0xff, ...new TextEncoder().encode(" Go buildinf:")]);
const GO_HEADER = 32;

/** The packages in an ELF file; empty if it has none or is damaged. */
export function readProgramPackages(access: RandomAccess): readonly FoundPackage[] {
  const elf = maybeReadElfLayout(access);
  if (elf === undefined) return [];
  return [...goPackages(access, elf), ...cargoPackages(access, elf)];
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array, at: number): boolean {
  return prefix.every((byte, i) => bytes[at + i] === byte);
}

/** The offset of Go's build information in the file. */
function maybeGoInfo(access: RandomAccess, elf: ElfLayout): number | undefined {
  const section = elf.sections.get(".go.buildinfo");
  const data = elf.segments.find(({ writable }) => writable);
  const ranges = section !== undefined ? [section] : elf.sections.size === 0 && data ? [data] : [];
  for (const { offset, size } of ranges) {
    const bytes = access.read(
      offset,
      Math.min(size, section === undefined ? 1024 * 1024 : size, MAX_TEXT),
    );
    for (let at = 0; at + GO_HEADER <= bytes.length; at += 16) {
      if (startsWith(bytes, GO_MAGIC, at)) return offset + at;
    }
  }
  return undefined;
}

/** Reads a string that follows its length (a varint), and returns where it ends. */
function maybeVarintText(
  access: RandomAccess,
  start: number,
): { readonly text: string; readonly end: number } | undefined {
  const head = access.read(start, 10);
  let length = 0;
  for (let i = 0; i < head.length; i++) {
    const byte = head[i] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte >= 0x80) continue;
    if (length > MAX_TEXT) return undefined;
    const from = start + i + 1;
    const bytes = access.read(from, length);
    if (bytes.length < length) return undefined;
    return { text: binaryText(bytes), end: from + length };
  }
  return undefined;
}

/** Reads a string through a pointer, the format before Go 1.18. */
function maybePointedText(
  access: RandomAccess,
  elf: ElfLayout,
  pointerAt: number,
): string | undefined {
  const number = (at: number): number => {
    const bytes = access.read(at, 8);
    if (bytes.length < 8) return Infinity;
    const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
    return Number(view.getBigUint64(0, elf.little));
  };
  const fileOffset = (address: number): number => {
    const found = elf.segments.find((one) =>
      address >= one.address && address < one.address + one.size
    );
    return found === undefined ? Infinity : found.offset + address - found.address;
  };
  const header = fileOffset(number(pointerAt));
  if (header === Infinity) return undefined;
  const start = fileOffset(number(header));
  const length = number(header + 8);
  if (start === Infinity || length > MAX_TEXT) return undefined;
  return binaryText(access.read(start, length));
}

/** Go's version and module information. */
function maybeGoTexts(
  access: RandomAccess,
  elf: ElfLayout,
): { readonly version: string; readonly modules: string } | undefined {
  const at = maybeGoInfo(access, elf);
  if (at === undefined) return undefined;
  const flags = access.read(at + 15, 1)[0] ?? 0;
  const pointerSize = access.read(at + 14, 1)[0];
  if ((flags & 2) !== 0) {
    const version = maybeVarintText(access, at + GO_HEADER);
    const modules = version === undefined ? undefined : maybeVarintText(access, version.end);
    return version === undefined
      ? undefined
      : { version: version.text, modules: modules?.text ?? "" };
  }
  if (pointerSize !== 8) return undefined;
  const version = maybePointedText(access, elf, at + 16);
  const modules = maybePointedText(access, elf, at + 24);
  return version === undefined ? undefined : { version, modules: modules ?? "" };
}

interface GoModule {
  readonly path: string;
  readonly version: string;
}

/** Parses the module information (Go, runtime/debug.BuildInfo). */
function parseGoModules(text: string): {
  readonly path: string;
  readonly main: GoModule | undefined;
  readonly dependencies: readonly GoModule[];
  readonly settings: ReadonlyMap<string, string>;
} {
  // There is a marker of 16 bytes before and after.
  const inner = text.length >= 33 && text.at(-17) === "\n" ? text.slice(16, -16) : "";
  const decoded = new TextDecoder().decode(Uint8Array.from(inner, (char) => char.charCodeAt(0)));
  let path = "";
  let main: GoModule | undefined;
  const dependencies: GoModule[] = [];
  const settings = new Map<string, string>();
  for (const line of decoded.split("\n")) {
    const [kind, first = "", version = ""] = line.split("\t");
    if (kind === "path") path = first;
    else if (kind === "mod") main = { path: first, version };
    else if (kind === "dep") dependencies.push({ path: first, version });
    else if (kind === "=>") {
      const last = dependencies.pop();
      // A module replaced by a local directory keeps its path.
      const local = /^[./]/.test(first);
      if (last !== undefined) dependencies.push({ path: local ? last.path : first, version });
    } else if (kind === "build") {
      const equals = first.indexOf("=");
      if (equals > 0) settings.set(first.slice(0, equals), first.slice(equals + 1));
    }
  }
  return { path, main, dependencies, settings };
}

const DEVEL = "(devel)";

/** The version of a main module that Go calls `(devel)`: from the linker flags, or the commit. */
function mainVersion(settings: ReadonlyMap<string, string>): string | undefined {
  const flags = settings.get("-ldflags") ?? "";
  const stated =
    /[.\w/-]*\.[a-zA-Z0-9]*(?:[vV]er(?:sion)?|[tT]ag)=(?:\S+\/)*v?(\d+\.\d+\.\d+[-\w]*)/.exec(
      flags,
    );
  if (stated !== null) return `v${stated[1]}`;
  const revision = settings.get("vcs.revision");
  const time = settings.get("vcs.time");
  if (revision === undefined || time === undefined) return undefined;
  return `v0.0.0-${time.replace(/\D/g, "").slice(0, 14)}-${revision.slice(0, 12)}`;
}

function goPackages(access: RandomAccess, elf: ElfLayout): readonly FoundPackage[] {
  const texts = maybeGoTexts(access, elf);
  if (texts === undefined) return [];
  const { path, main, dependencies, settings } = parseGoModules(texts.modules);
  const own = main === undefined || main.path === "command-line-arguments"
    ? { path, version: DEVEL }
    : main;
  const modules = own.path === "" ? dependencies : [own, ...dependencies];
  const found = modules.map((one) => {
    const version = one.version === DEVEL
      ? one === own ? mainVersion(settings) : undefined
      : one.version;
    return goModule(one.path, version === "" ? undefined : version);
  });
  const [goVersion = ""] = texts.version.split(" ");
  if (!/^go\d/.test(goVersion)) return found;
  return [...found, {
    ecosystem: "golang",
    name: "stdlib",
    version: goVersion,
    purl: formatPurl({ type: "golang", name: "stdlib", version: goVersion.slice(2) }),
    licenses: ["BSD-3-Clause"],
  }];
}

/** Run-time dependencies recorded by `cargo auditable` (its PARSING.md). */
function cargoPackages(access: RandomAccess, { sections }: ElfLayout): readonly FoundPackage[] {
  const section = sections.get(".dep-v0");
  if (section === undefined || section.size > MAX_TEXT) return [];
  try {
    const packed = access.read(section.offset, section.size);
    const text = new TextDecoder().decode(inflateSync(packed, { maxOutputLength: MAX_TEXT }));
    const { packages } = JSON.parse(text) as { readonly packages: readonly unknown[] };
    return packages.flatMap((one): readonly FoundPackage[] => {
      const { name, version, kind = "runtime" } = one as Readonly<Record<string, unknown>>;
      if (typeof name !== "string" || typeof version !== "string" || kind !== "runtime") return [];
      return [{
        ecosystem: "cargo",
        name,
        version,
        purl: formatPurl({ type: "cargo", name, version }),
      }];
    });
  } catch {
    return []; // damaged, or in another format
  }
}
