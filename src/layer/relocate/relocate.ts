/**
 * Relocation: what installers baked into links and `#!` lines, translated from the host to the image
 * (spec.md, section 7). Pure; nothing here looks at the host.
 * @module
 */
import * as posix from "@std/path/posix";
import type { Relocation } from "../../plan/types.ts";
import { isWithin } from "../../paths.ts";

/** What relocation depends on. */
export interface RelocationMap {
  /** Host directories and where they are in the image, most specific first. */
  readonly rules: readonly Relocation[];
  /** Absolute image directories that are this layer's own. */
  readonly own: readonly string[];
  /** Finds the host directories in a text. */
  readonly pattern: RegExp;
}

/** Where mise installs a tool: `…/installs/<tool>/<version>`. No other path of a host looks like that. */
export const INSTALL = /^(.*\/installs\/)[^/]+\/[^/]+$/;

/** What a path may begin after: no part of a name, or an option such as `-L`, or `file://`. */
const BEFORE = "(?:(?<![\\w.~+@%/-])|(?<=(?<![\\w.~+@%/-])-[A-Z])|(?<=file://))";
/** What a directory's name may end before: `/data/node` is not in `/data/node2`. */
const AFTER = "(?![\\w.~+@%-])";

/** Orders rules so that the most specific host directory is found first; of equals the first counts. */
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
 * The rules for what is in files: directories that mise installs into, which no text names by chance, and the
 * layer's own. Another tool that is linked may be in `/usr/local/go`, of which documents speak.
 */
export function contentMap({ rules, own }: RelocationMap): RelocationMap {
  return relocationMap(
    rules.filter(({ host, image }) => INSTALL.test(host) || own.includes(image)),
    own,
  );
}

/**
 * The image path of a host path, `undefined` if no rule covers it.
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

/** A symbolic link on its way into the image. */
export interface Link {
  /** Absolute image path of the link. */
  readonly path: string;
  /** Absolute host directory the link is in. */
  readonly hostDirectory: string;
  /** Its target on the host. */
  readonly target: string;
}

/** What becomes of a link. */
export interface RelocatedLink {
  /** Its target in the image. */
  readonly target: string;
  /** Absolute image path it leads to, if no rule covers that: perhaps nothing is there. */
  readonly unknown?: string;
}

/**
 * Relocates a link: into the layer's own tree it becomes relative, into another relocated directory
 * absolute. A relative target that leads to the right place already stays as it is.
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

/** Longest `#!` line that Linux before 5.1 runs, without the newline. */
export const SHEBANG_LIMIT_OLD = 127;
/** Longest `#!` line that Linux runs, without the newline. */
export const SHEBANG_LIMIT = 255;

/** A rewritten beginning of a file. */
export interface RelocatedHead {
  /** Bytes that replace the first `replaced` bytes. */
  readonly bytes: Uint8Array;
  /** Number of bytes they replace. */
  readonly replaced: number;
  /** Length of the `#!` line in bytes. */
  readonly shebang: number;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The part of a file's beginning that relocation may rewrite: the `#!` line; also the next two of the form that
 * pip and uv write where a `#!` line would be too long or has a space (`#!/bin/sh`, `'''exec' /path/python "$0"
 * "$@"`, `' '''`). `undefined` if there is none, or it is not UTF-8.
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

/** The lines that pip and uv write instead of a `#!` line. */
const LONG_SHEBANG = /^#!\/bin\/sh\n'''exec' (["']?)(\/[^\s"']+)\1 "\$0" "\$@"\n' '''$/;

/** A `#!` line where the path now fits into one: as in a tool that was installed at a shorter path. */
function shortened(text: string): string {
  const path = LONG_SHEBANG.exec(text)?.[2];
  return path === undefined || path.length + 2 > SHEBANG_LIMIT_OLD ? text : `#!${path}`;
}

/** Relocates the `#!` line at the beginning of a file. `undefined` if nothing changes. */
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

/** Rebases every path in a text that begins at a word and names a relocated directory or what is in it. */
export function rebaseText(text: string, map: RelocationMap): string {
  return rebaseBy(text, map, () => true);
}

/**
 * The same for the content of a file, by the rules of {@linkcode contentMap}.
 *
 * @param installed Whether the layer's own directories count only where mise installs into them.
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
