/**
 * Reads the origin and checksum of tools from `mise.lock`.
 * @module
 */
import { parse } from "@std/toml";
import type { Platform } from "../oci/mod.ts";

/** A tool in a lock file, for one platform. */
export interface LockedTool {
  /** mise's name for it. */
  readonly short: string;
  /** Exact version. */
  readonly version: string;
  /** mise's full backend, if recorded. */
  readonly backend?: string;
  /** Download URL. */
  readonly url?: string;
  /** Checksum of the download, in mise's form `sha256:…`. */
  readonly checksum?: { readonly algorithm: string; readonly value: string };
}

/** The lock file entry of a tool, if any. */
export function maybeLock(
  locked: readonly LockedTool[],
  { short, version }: Pick<LockedTool, "short" | "version">,
): LockedTool | undefined {
  return locked.find((one) => one.short === short && one.version === version);
}

type Table = Readonly<Record<string, unknown>>;

function maybeTable(value: unknown): Table | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Table
    : undefined;
}

function maybeText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** mise's names for a platform, the most specific first. */
function platformNames({ os, architecture, variant }: Platform): readonly string[] {
  const arch: Readonly<Record<string, string>> = { amd64: "x64", arm64: "arm64", "386": "x86" };
  const name = `${os === "darwin" ? "macos" : os}-${arch[architecture] ?? architecture}`;
  return variant === undefined ? [name] : [`${name}-${variant}`, name];
}

function platformTable(entry: Table, platform: Platform): Table | undefined {
  const nested = maybeTable(entry["platforms"]);
  for (const name of platformNames(platform)) {
    const found = maybeTable(nested?.[name]) ?? maybeTable(entry[`platforms.${name}`]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Removes credentials and signatures from a URL, including those in its query. */
function plainUrl(text: string): string | undefined {
  try {
    const url = new URL(text);
    url.username = "";
    url.password = "";
    if (/token|signature|secret|credential|password|key=/i.test(url.search)) url.search = "";
    return url.href;
  } catch {
    return undefined;
  }
}

function parseChecksum(text: string | undefined): LockedTool["checksum"] {
  const found = /^(sha1|sha256|sha512|blake3|md5):([0-9a-f]+)$/.exec(text ?? "");
  return found === null ? undefined : { algorithm: found[1] ?? "", value: found[2] ?? "" };
}

/**
 * The tools in a lock file; empty if it is not TOML, which mise itself reports.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseLockFile } from "./lock_file.ts";
 *
 * const text = '[[tools.jq]]\nversion = "1.7.1"\nbackend = "aqua:jqlang/jq"\n';
 * const platform = { os: "linux", architecture: "amd64" };
 * assertEquals(parseLockFile(text, platform), [
 *   { short: "jq", version: "1.7.1", backend: "aqua:jqlang/jq" },
 * ]);
 * ```
 */
export function parseLockFile(text: string, platform: Platform): readonly LockedTool[] {
  let document: Table;
  try {
    document = parse(text);
  } catch {
    return [];
  }
  return Object.entries(maybeTable(document["tools"]) ?? {}).flatMap(([short, value]) => {
    const entries: readonly unknown[] = Array.isArray(value) ? value : [value];
    return entries.flatMap((one): readonly LockedTool[] => {
      const entry = maybeTable(one);
      const version = maybeText(entry?.["version"]);
      if (entry === undefined || version === undefined) return [];
      const own = platformTable(entry, platform);
      const backend = maybeText(entry["backend"]);
      const url = plainUrl(maybeText(own?.["url"]) ?? "");
      const checksum = parseChecksum(maybeText(own?.["checksum"]));
      return [{
        short,
        version,
        ...(backend === undefined ? {} : { backend }),
        ...(url === undefined ? {} : { url }),
        ...(checksum === undefined ? {} : { checksum }),
      }];
    });
  });
}
