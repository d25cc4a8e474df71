/**
 * Relocation: translates paths that installers stored in links and `#!` lines from the host to the image
 * (spec.md, section 7). Pure; does not access the host.
 * @module
 */
import * as posix from "@std/path/posix";
import type { Relocation } from "../../plan/types.ts";
import { isWithin } from "../../paths.ts";

/** Input of relocation. */
export interface RelocationMap {
  /** Host directories and their image directories, most specific first. */
  readonly rules: readonly Relocation[];
  /** Absolute image directories of this layer's own trees. */
  readonly own: readonly string[];
  /** Matches the host directories in a text. */
  readonly pattern: RegExp;
}

/** An install directory of mise: `…/installs/<tool>/<version>`. No other host path has this form. */
export const INSTALL = /^(.*\/installs\/)[^/]+\/[^/]+$/;

/** What can precede a path: no part of a name, but an option such as `-L`, or `file://`. */
const BEFORE = "(?:(?<![\\w.~+@%/-])|(?<=(?<![\\w.~+@%/-])-[A-Z])|(?<=file://))";
/** What cannot follow a directory: `/data/node` is not in `/data/node2`. */
const AFTER = "(?![\\w.~+@%-])";

/**
 * Orders rules so that the most specific host directory matches first; of duplicates, the first one wins.
 */
export function relocationMap(
  rules: readonly Relocation[],
  own: readonly string[],
): RelocationMap {
  const byHost = new Map<string, Relocation>();
  for (const rule of rules) if (!byHost.has(rule.host)) byHost.set(rule.host, rule);
  const sorted = [...byHost.values()].sort((a, b) => b.host.length - a.host.length);
  const hosts = sorted.map(({ host }) => host.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`${BEFORE}(?:${hosts.join("|")})${AFTER}`, "g");
  return { rules: sorted, own, pattern };
}

/**
 * The rules for file contents: mise's install directories, which no text contains by chance, and the
 * layer's own. Other linked tools may be in directories such as `/usr/local/go`, which documents mention.
 */
export function contentMap({ rules, own }: RelocationMap): RelocationMap {
  return relocationMap(
    rules.filter(({ host, image }) => INSTALL.test(host) || own.includes(image)),
    own,
  );
}

/**
 * The image path of a host path; `undefined` if no rule covers it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { maybeRebase, relocationMap } from "./relocate.ts";
 *
 * const map = relocationMap([{ host: "/d/node/24", image: "/mise/node/24" }], []);
 * assertEquals(maybeRebase("/d/node/24/bin/node", map), "/mise/node/24/bin/node");
 * assertEquals(maybeRebase("/d/node/24.1/bin/node", map), undefined);
 * ```
 */
export function maybeRebase(path: string, map: RelocationMap): string | undefined {
  const normal = withoutSlash(posix.normalize(path));
  const rule = map.rules.find(({ host }) => isWithin(normal, host));
  return rule === undefined ? undefined : rule.image + normal.slice(rule.host.length);
}

/** A symbolic link to relocate. */
export interface Link {
  /** Absolute image path of the link. */
  readonly path: string;
  /** Absolute host directory of the link. */
  readonly hostDirectory: string;
  /** Its target on the host. */
  readonly target: string;
}

/** The result of relocating a link. */
export interface RelocatedLink {
  /** Its target in the image. */
  readonly target: string;
  /** Absolute image path that it leads to if no rule covers it, and nothing may exist there. */
  readonly unknown?: string;
}

/**
 * Relocates a link: a target in the layer's own tree becomes relative, one in another relocated directory
 * absolute. A relative target that is already correct is unchanged.
 */
export function relocateLink(link: Link, map: RelocationMap): RelocatedLink {
  const { path, target } = link;
  const directory = posix.dirname(path);
  const absolute = target.startsWith("/");
  const onHost = absolute ? target : posix.join(link.hostDirectory, target);
  const inImage = absolute ? posix.normalize(target) : posix.join(directory, target);
  const rebased = maybeRebase(onHost, map);
  if (rebased === undefined) return { target, unknown: inImage };
  if (!absolute && rebased === withoutSlash(inImage)) return { target };
  if (!map.own.some((root) => isWithin(rebased, root))) return { target: rebased };
  return { target: posix.relative(directory, rebased) || "." };
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** Maximum length of a `#!` line before Linux 5.1, without the newline. */
export const SHEBANG_LIMIT_OLD = 127;
/** Maximum length of a `#!` line in Linux, without the newline. */
export const SHEBANG_LIMIT = 255;

/** A rewritten start of a file. */
export interface RelocatedHead {
  /** Bytes that replace the first `replaced` bytes. */
  readonly bytes: Uint8Array;
  /** Number of bytes to replace. */
  readonly replaced: number;
  /** Length of the `#!` line in bytes. */
  readonly shebang: number;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The part of a file's start that relocation may rewrite: the `#!` line, and the second line that pip adds
 * if the `#!` line would be too long (`#!/bin/sh` then `'''exec' /path/python "$0" "$@"`). `undefined` if
 * there is none, or it is not UTF-8.
 */
export function maybeShebang(head: Uint8Array): string | undefined {
  if (head[0] !== 0x23 || head[1] !== 0x21) return undefined;
  const first = lineEnd(head, 0);
  const second = startsWith(head, first + 1, "'''exec' ") ? lineEnd(head, first + 1) : first;
  const end = second > first && startsWith(head, second + 1, "' '''\n") ? second + 6 : second;
  try {
    return decoder.decode(head.subarray(0, end));
  } catch {
    return undefined;
  }
}

/** The lines that pip and uv write instead of a long `#!` line. */
const LONG_SHEBANG = /^#!\/bin\/sh\n'''exec' (["']?)(\/[^\s"']+)\1 "\$0" "\$@"\n' '''$/;

/** Uses a plain `#!` line if the path is now short enough, so that the host's path makes no difference. */
function shortened(text: string): string {
  const path = LONG_SHEBANG.exec(text)?.[2];
  return path === undefined || path.length + 2 > SHEBANG_LIMIT_OLD ? text : `#!${path}`;
}

/** Relocates the `#!` line of a file; `undefined` if nothing changes. */
export function maybeRelocateShebang(
  head: Uint8Array,
  map: RelocationMap,
): RelocatedHead | undefined {
  const text = maybeShebang(head);
  if (text === undefined) return undefined;
  const rewritten = rebaseText(text, map);
  if (rewritten === text) return undefined;
  const bytes = encoder.encode(shortened(rewritten));
  return { bytes, replaced: encoder.encode(text).length, shebang: lineEnd(bytes, 0) };
}

/** Rebases every path in a text that starts at a word boundary and is in a relocated directory. */
export function rebaseText(text: string, map: RelocationMap): string {
  return rebaseBy(text, map, () => true);
}

/**
 * The same for the content of a file, with the rules of {@linkcode contentMap}.
 *
 * @param installed Whether the layer's own directories are only rebased if mise installs into them.
 */
export function rebaseContent(text: string, map: RelocationMap, installed = false): string {
  return rebaseBy(
    text,
    map,
    ({ host, image }) => INSTALL.test(host) || (!installed && map.own.includes(image)),
  );
}

function rebaseBy(
  text: string,
  map: RelocationMap,
  applies: (rule: Relocation) => boolean,
): string {
  if (map.rules.length === 0) return text;
  return text.replace(map.pattern, (host) => {
    const rule = map.rules.find((candidate) => candidate.host === host);
    return rule === undefined || !applies(rule) ? host : rule.image;
  });
}

function lineEnd(bytes: Uint8Array, from: number): number {
  const end = bytes.indexOf(0x0a, from);
  return end < 0 ? bytes.length : end;
}

function startsWith(bytes: Uint8Array, from: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[from + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}
