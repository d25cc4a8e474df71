// Programs keep their versions between NUL bytes.
// deno-lint-ignore-file no-control-regex
/**
 * Programs that carry their version in their bytes, by the name of the file: runtimes and command line
 * tools that no package manager may know of. The patterns are those that scanners look for.
 * @module
 */
import type { RandomAccess } from "../../check/random_access.ts";
import { formatPurl, splitName } from "../purl.ts";
import { binaryText } from "./elf_sections.ts";
import type { FoundPackage } from "./found.ts";

/** How one program is known. */
interface Classifier {
  /** The file's name. */
  readonly file: RegExp;
  /** Name of the package. */
  readonly name: string;
  /** Type of its package URL; default `generic`. */
  readonly type?: "golang";
  /** Module or path of its package URL; default the name. */
  readonly path?: string;
  /** Patterns with the version as first group; the first that is found counts. May use the file's match. */
  readonly patterns: (match: RegExpExecArray) => readonly RegExp[];
}

const VERSION = "[0-9]+\\.[0-9]+\\.[0-9]+";

function one(file: RegExp, name: string, ...patterns: readonly RegExp[]): Classifier {
  return { file, name, patterns: () => patterns };
}

/** CPython keeps its version between two NUL bytes, beginning with what the file's name says. */
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
  // What is common comes first: a pattern that is not found costs a look at all of the file.
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

/** Whether a file has the name of a program for Windows, such as the launchers that Python's installers bring. */
export function isWindows(path: string): boolean {
  return path.endsWith(".exe");
}

/** A program for Windows, of which only the name is known unless it says more than is read here. */
function windowsProgram(file: string, access: RandomAccess): readonly FoundPackage[] {
  if (binaryText(access.read(0, 2)) !== "MZ" || access.size > WINDOW) return [];
  const text = binaryText(access.read(0, access.size));
  if (text.includes([..."VS_VERSION_INFO"].join("\0"))) return [];
  const name = file.slice(0, -".exe".length);
  return [{ ecosystem: "generic", name, purl: formatPurl({ type: "generic", name }) }];
}

/** Whether a file has the name of a program that is known. */
export function mayBeClassified(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return CLASSIFIERS.some(({ file }) => file.test(name));
}

const WINDOW = 4 * 1024 * 1024;
/** No version lies further from what makes it known. */
const OVERLAP = 4096;

/** The first match of the first pattern that has one, in windows: files of 100 MB are not kept in memory. */
function maybeFirst(access: RandomAccess, patterns: readonly RegExp[]): string | undefined {
  for (const pattern of patterns) {
    for (let offset = 0; offset < access.size; offset += WINDOW) {
      const version = pattern.exec(binaryText(access.read(offset, WINDOW + OVERLAP)))?.[1];
      if (version !== undefined) return version;
    }
  }
  return undefined;
}

/** The program that a file is; none if it is not known, or says no version. */
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
