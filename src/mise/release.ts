/**
 * Names, URLs and checksums of the files in mise's releases. No network access here.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Digest, isDigest, parseDigest, type Platform } from "../oci/mod.ts";
import type { MiseSettings } from "../plan/project.ts";

/** URL of mise's releases; each version has a directory. */
const RELEASES = "https://github.com/jdx/mise/releases/download";

/** mise's names of the architectures it is released for. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  amd64: "x64",
  arm64: "arm64",
  arm: "armv7",
};

/** The executable of a release for a platform. */
export interface MiseRelease {
  /** The version, `2026.9.15`. */
  readonly version: string;
  /** Name of the file, `mise-v2026.9.15-linux-arm64`. */
  readonly file: string;
  /** URL of the file. */
  readonly url: URL;
  /** URL of the list of checksums. */
  readonly sums: URL;
}

/**
 * Applies the first of mise's `url_replacements` that matches a URL: a substring, or `regex:` with
 * an expression (`$1`, `${name}` in the replacement). Like mise, skips a replacement whose result
 * is not a URL.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { replaceUrl } from "./release.ts";
 *
 * const url = new URL("https://github.com/jdx/mise/x");
 * assertEquals(replaceUrl(url, [["github.com", "mirror.example"]]).href, "https://mirror.example/jdx/mise/x");
 * ```
 */
export function replaceUrl(
  url: URL,
  replacements: NonNullable<MiseSettings["urlReplacements"]>,
): URL {
  for (const [from, to] of replacements) {
    const text = from.startsWith("regex:")
      ? maybeReplaceExpression(url.href, from.slice("regex:".length), to)
      : url.href.replaceAll(from, () => to);
    if (text !== undefined && text !== url.href && URL.canParse(text)) return new URL(text);
  }
  return url;
}

function maybeReplaceExpression(text: string, source: string, to: string): string | undefined {
  let expression: RegExp;
  try {
    expression = new RegExp(source.replaceAll("(?P<", "(?<"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const replacement = to.replace(
    /\$\{(\w+)\}/g,
    (_, name: string) => /^\d+$/.test(name) ? `$${name}` : `$<${name}>`,
  );
  return text.replace(expression, replacement);
}

/**
 * The executable of a release for a platform.
 *
 * @param options `libc: "musl"` selects mise's static build.
 * @returns `undefined` for a platform that mise is not released for.
 */
export function maybeMiseRelease(
  version: string,
  platform: Platform,
  options: {
    readonly libc?: string | undefined;
    readonly replacements?: MiseSettings["urlReplacements"];
  },
): MiseRelease | undefined {
  const architecture = ARCHITECTURES[platform.architecture];
  if (architecture === undefined || platform.os !== "linux") return undefined;
  const libc = options.libc === "musl" ? "-musl" : "";
  const file = `mise-v${version}-linux-${architecture}${libc}`;
  const at = (name: string): URL =>
    replaceUrl(new URL(`${RELEASES}/v${version}/${name}`), options.replacements ?? []);
  return { version, file, url: at(file), sums: at("SHASUMS256.txt") };
}

/**
 * The checksum of a file in a list in the format of `sha256sum`.
 *
 * @throws {MiseOciError} `invalid` if the list does not contain the file.
 */
export function parseChecksum(list: string, { file, sums }: MiseRelease): Digest {
  for (const line of list.split(/\r?\n/)) {
    const [, hex = "", name] = /^([0-9A-Fa-f]{64}) [ *](?:\.\/)?(\S+)$/.exec(line) ?? [];
    const digest = `sha256:${hex.toLowerCase()}`;
    if (name === file && isDigest(digest)) return parseDigest(digest);
  }
  throw new MiseOciError("invalid", `Cannot find the checksum of "${file}" in ${sums.href}`);
}
