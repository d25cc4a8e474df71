// Programs keep their versions between NUL bytes.
// deno-lint-ignore-file no-control-regex
/**
 * Recognizes programs by their file names and reads the version embedded in their bytes: runtimes and
 * command line tools that may not belong to any package. The patterns are those that scanners use.
 * @module
 */
import type { RandomAccess } from "../../check/elf/random_access.ts";
import { formatPurl, splitName } from "../purl.ts";
import { binaryText, maybeReadElfLayout, type Range } from "./elf_sections.ts";
import type { FoundPackage } from "./found.ts";

/** How to recognize one program. */
interface Classifier {
  /** Pattern of the file name. */
  readonly file: RegExp;
  /** Name of the package. */
  readonly name: string;
  /** Type of its package URL; default `generic`. */
  readonly type?: "golang";
  /** Module or path in its package URL; default: the name. */
  readonly path?: string;
  /**
   * Patterns with the version as the first group, in order of preference. May use the match of the file
   * name.
   */
  readonly patterns: (match: RegExpExecArray) => readonly RegExp[];
}

const VERSION = "[0-9]+\\.[0-9]+\\.[0-9]+";

function one(file: RegExp, name: string, ...patterns: readonly RegExp[]): Classifier {
  return { file, name, patterns: () => patterns };
}

/** CPython embeds its version between two NUL bytes, starting with the version in the file name. */
function python(file: RegExp): Classifier {
  return {
    file,
    name: "python",
    patterns: ([, version = ""]) => [
      new RegExp(`\\x00(${version.replaceAll(".", "\\.")}[-._a-zA-Z0-9]*)\\x00`),
    ],
  };
}

const CLASSIFIERS: readonly Classifier[] = [
  python(/^python([0-9]+(?:\.[0-9]+)+)$/),
  python(/^libpython([0-9]+(?:\.[0-9]+)+)[a-z]?\.so/),
  one(/^libpypy.*\.so/, "pypy", new RegExp(`\\[PyPy (${VERSION})`)),
  one(/^go$/, "go", /go([0-9]+\.[0-9]+(?:\.[0-9]+|beta[0-9]+|alpha[0-9]+|rc[0-9]+)?)\x00/),
  // The most common pattern first, because a pattern without a match scans the whole file.
  one(
    /^node$/,
    "node",
    new RegExp(`node\\.js\\/v(${VERSION})`),
    /\x00(?:node )?v((?:0|4|5|6)\.[0-9]+\.[0-9]+)\x00/,
  ),
  one(/^deno$/, "deno", new RegExp(`Deno/(${VERSION})`)),
  one(/^bun$/, "bun", new RegExp(`[Bb]un v?(${VERSION})`), new RegExp(`bun-(${VERSION})`)),
  one(
    /^(?:ruby|libruby\.so.*)$/,
    "ruby",
    /ruby ([0-9]+\.[0-9]+\.[0-9]+(?:(?:p|preview|rc|dev)[0-9]*)?) /,
  ),
  one(
    /^libstd-[0-9a-f]{16}\.so$/,
    "rust",
    /\(rustc version ([0-9]+(?:\.[0-9]+)?\.[0-9]+) \(\w+ \d{4}/,
  ),
  one(/^perl$/, "perl", new RegExp(`\\/usr\\/local\\/lib\\/perl\\d\\/(${VERSION})`)),
  one(
    /^java$/,
    "openjdk",
    /\x00openjdk\x00java\x00[0-9]+[.0-9]*\x00([0-9]+[^\x00]+)\x00/,
    /\x00[0-9]+[.0-9]*\x00+([0-9]+[^\x00]+)\x00+openjdk\x00java/,
  ),
  one(
    /^erlexec$/,
    "erlang",
    /\/src\/otp[-_](?:src_)?([0-9]+\.[0-9]+(?:\.[0-9]+){0,2}(?:-rc[0-9])?)\/erts\//,
  ),
  one(/^elixir$/, "elixir", /ELIXIR_VERSION=([0-9]+\.[0-9]+\.[0-9]+(?:-[a-z0-9]+(?:\.[0-9]+)?)?)/),
  one(/^dart$/, "dart", /\x00([0-9]+\.[0-9]+\.[0-9]+(?:-[0-9]+(?:\.[0-9]+)?\.beta)?) /),
  one(/^swipl$/, "swipl", new RegExp(`swipl-(${VERSION})\\/`)),
  one(/^busybox$/, "busybox", new RegExp(`BusyBox\\s+v(${VERSION})`)),
  one(/^bash$/, "bash", new RegExp(`@\\(#\\)Bash version (${VERSION})\\([0-9]\\) [a-z0-9]+ GNU`)),
  one(
    /^openssl$/,
    "openssl",
    /\x00OpenSSL ([0-9]+\.[0-9]+\.[0-9]+(?:[a-z]+|-alpha[0-9]|-beta[0-9]|-rc[0-9])?)/,
  ),
  one(/^curl$/, "curl", new RegExp(`curl/(${VERSION})`)),
  one(/^gcc$/, "gcc", new RegExp(`GCC: \\(GNU\\) (${VERSION})`)),
  one(/^zstd$/, "zstd", new RegExp(`\\x00v(${VERSION})\\x00`)),
  one(/^xz$/, "xz", new RegExp(`\\x00xz \\(XZ Utils\\) (${VERSION})\\x00`)),
  one(/^jq$/, "jq", /\x00([0-9]{1,3}\.[0-9]{1,3}(?:\.[0-9]+)?)\x00/),
  one(/^ffmpeg$/, "ffmpeg", /%s version ([0-9]+\.[0-9]+(?:\.[0-9]+)?)/),
  one(/^nginx$/, "nginx", new RegExp(`nginx version: [^\\/]+\\/(${VERSION})`)),
  one(/^redis-server$/, "redis", new RegExp(`[^\\d](${VERSION})(?:buildkitsandbox|\\w{12})-\\d+`)),
  one(/^postgres$/, "postgresql", /PostgreSQL ([0-9]+(?:\.[0-9]+)+)/),
  {
    ...one(
      /^helm$/,
      "helm",
      /\x00v([0-9]+\.[0-9]+\.[0-9]+(?:-(?:alpha|beta|rc)\.[0-9])?)\x00{2,}/,
      /\x00v([0-9]+\.[0-9]+\.[0-9]+(?:-(?:alpha|beta|rc)\.[0-9])?)\x00/,
      /@v([0-9]+\.[0-9]+\.[0-9]+(?:-(?:alpha|beta|rc)\.[0-9])?)\x00/,
    ),
    type: "golang",
    path: "helm.sh/helm",
  },
  {
    ...one(/^consul$/, "consul", /CONSUL_VERSION: (\d+\.\d+\.\d+)/, /\x00+v(\d+\.\d+\.\d+)\x00+/),
    type: "golang",
    path: "github.com/hashicorp/consul",
  },
  {
    ...one(/^vault$/, "github.com/hashicorp/vault", new RegExp(`revoke(${VERSION})`)),
    type: "golang",
  },
];

/** Whether a file is named like a Windows program, such as the launchers of Python's installers. */
export function isWindows(path: string): boolean {
  return /\.(?:exe|dll|bpl)$/i.test(path);
}

const WINDOW = 4 * 1024 * 1024;
const SECTION_BYTES = 40;

/** The resources of a Windows program (PE format); `undefined` for other files and .NET programs. */
function maybeResources(access: RandomAccess): Uint8Array | undefined {
  const number = (offset: number, bytes: 2 | 4): number => {
    const part = access.read(offset, bytes);
    const view = new DataView(part.buffer, part.byteOffset, part.length);
    return part.length < bytes
      ? 0
      : bytes === 2
      ? view.getUint16(0, true)
      : view.getUint32(0, true);
  };
  const start = number(0x3c, 4);
  if (binaryText(access.read(0, 2)) !== "MZ") return undefined;
  if (binaryText(access.read(start, 4)) !== "PE\0\0") return undefined;
  const optional = start + 24;
  // Entry 14 of the data directories is .NET's; its offset depends on the size of addresses.
  const isNet = number(optional + (number(optional, 2) === 0x20b ? 224 : 208), 4) !== 0;
  if (isNet) return undefined;
  const sections = optional + number(start + 20, 2);
  for (let i = 0; i < number(start + 6, 2); i++) {
    const at = sections + i * SECTION_BYTES;
    if (binaryText(access.read(at, 8)).replace(/\0+$/, "") !== ".rsrc") continue;
    return access.read(number(at + 20, 4), Math.min(number(at + 16, 4), WINDOW)).slice();
  }
  return new Uint8Array();
}

/**
 * Reads strings of a version resource, where each key is followed by padding to four bytes and the value.
 */
function versionStrings(resources: Uint8Array): (key: string) => string {
  const wide = new TextDecoder("utf-16le");
  const text = wide.decode(resources.subarray(0, resources.length & ~1));
  const start = text.indexOf("VS_VERSION_INFO\0");
  return (key) => {
    const at = start < 0 ? -1 : text.indexOf(`${key}\0`, start);
    if (at < 0) return "";
    const [value = ""] = text.slice(at + key.length + 1).replace(/^\0/, "").split("\0", 1);
    return value.trim().replace(/\s+/g, " ");
  };
}

/** Fields that can name a program; for Microsoft's, the product name is the least specific. */
const NAMES = ["ProductName", "FileDescription", "InternalName", "OriginalFilename"] as const;

/** Describes a Windows program by its version resource, or else by its file name. */
function windowsProgram(file: string, access: RandomAccess): readonly FoundPackage[] {
  const resources = maybeResources(access);
  if (resources === undefined) return [];
  const string = versionStrings(resources);
  const isMicrosoft = /microsoft/i.test(`${string("CompanyName")} ${string("ProductName")}`);
  const order = isMicrosoft ? [...NAMES.slice(1), NAMES[0]] : NAMES;
  const name = order.map(string).find((one) => one !== "") ?? file.replace(/\.(?:exe|dll)$/, "");
  // Drop text after the number: "10.0.1 (release)".
  const [version] = [string("ProductVersion"), string("FileVersion")].filter((one) => one !== "");
  const number = version === undefined
    ? {}
    : { version: /^\D*\d\S*/.exec(version)?.[0] ?? version };
  const purl = formatPurl({ type: "generic", name, ...number });
  return [{ ecosystem: "generic", name, ...number, purl }];
}

/** Whether a file has the name of a known program. */
export function mayBeClassified(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return CLASSIFIERS.some(({ file }) => file.test(name));
}

/** Overlap of windows, so that no match is cut in two. */
const OVERLAP = 4096;

/** The first window is small, because most versions are near the beginning of the searched part. */
const FIRST_WINDOW = 256 * 1024;

/** The first match in a part of a file, searched in windows, to limit memory use for large files. */
function maybeMatch(
  access: RandomAccess,
  pattern: RegExp,
  { offset, size }: Range,
): string | undefined {
  const end = Math.min(offset + size, access.size);
  let window = FIRST_WINDOW;
  for (let at = offset; at < end; at += window, window = WINDOW) {
    const length = Math.min(window + OVERLAP, end - at);
    const version = pattern.exec(binaryText(access.read(at, length)))?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}

/**
 * The first match of the first pattern that has one. Constants are searched first, because half of a large
 * runtime is code, which comes before them in the file.
 */
function maybeFirst(access: RandomAccess, patterns: readonly RegExp[]): string | undefined {
  const constants = maybeReadElfLayout(access)?.sections.get(".rodata");
  const parts = [...constants === undefined ? [] : [constants], { offset: 0, size: access.size }];
  for (const pattern of patterns) {
    for (const part of parts) {
      const version = maybeMatch(access, pattern, part);
      if (version !== undefined) return version;
    }
  }
  return undefined;
}

/** Identifies a program; empty if it is unknown or has no version. */
export function classifyProgram(path: string, access: RandomAccess): readonly FoundPackage[] {
  const file = path.slice(path.lastIndexOf("/") + 1);
  if (isWindows(file)) return windowsProgram(file, access);
  for (const classifier of CLASSIFIERS) {
    const match = classifier.file.exec(file);
    if (match === null) continue;
    const version = maybeFirst(access, classifier.patterns(match));
    if (version === undefined) continue;
    const { name, type = "generic", path: module = name } = classifier;
    return [{
      ecosystem: type,
      name,
      version,
      purl: formatPurl({ type, ...splitName(module), version }),
    }];
  }
  return [];
}
