/**
 * Keys and tags of a layer store's entries: a key is a hash of everything that determines the bytes of a
 * tool's layer (spec section 14).
 * @module
 */
import { formatPlatform, type Platform, sha256Hex } from "../oci/mod.ts";

/**
 * Everything that determines a layer and is known without the tool. Equal inputs give equal layers on every
 * machine.
 */
export interface StoreKeyInput {
  /** mise's full backend: `npm:prettier`, `core:node`. */
  readonly backend: string;
  /** Exact version. */
  readonly version: string;
  /** The tool's options in the config, as JSON. */
  readonly options: string;
  /** The lock file's entry for the tool and platform, as JSON; empty if there is none. */
  readonly lock: string;
  /** Target platform. */
  readonly platform: Platform;
  /** C library of the machine that installs the tool: `gnu`, `musl`. */
  readonly libc: string;
  /** Image directory of the layer's content. */
  readonly prefix: string;
  /** `uid:gid` of the entries. */
  readonly owner: string;
  /** Globs of excluded paths. */
  readonly excludes: readonly string[];
  /** Compression and level: `gzip:5`. */
  readonly compression: string;
  /** Version of the byte layout. */
  readonly layerFormat: string;
  /** Version of the relocation rules. */
  readonly relocationFormat: string;
  /** Directories of the base above the prefix, with link targets; they are not part of the layer. */
  readonly baseDirectories: readonly string[];
}

/** Image directories of other tools that a layer refers to, `/mise/installs/node/24.11.0`; sorted. */
export type LayerReferences = readonly string[];

/** Version of the key format. */
const SCHEME = 1;

/**
 * Computes the key of a layer: 32 hex digits.
 *
 * @param references to other tools. Without them, the result is the key for looking up a layer whose
 * references are unknown, which is also the key of a layer without references.
 *
 * @example
 * ```ts
 * import { assertEquals, assertNotEquals } from "@std/assert";
 * import { type StoreKeyInput, storeKey } from "./store_key.ts";
 *
 * const input: StoreKeyInput = {
 *   backend: "npm:prettier",
 *   version: "3.6.2",
 *   options: "",
 *   lock: "",
 *   platform: { os: "linux", architecture: "amd64" },
 *   libc: "gnu",
 *   prefix: "/mise/installs/npm-prettier/3.6.2",
 *   owner: "0:0",
 *   excludes: [],
 *   compression: "gzip:5",
 *   layerFormat: "3",
 *   relocationFormat: "3",
 *   baseDirectories: [],
 * };
 * assertEquals(await storeKey(input), await storeKey({ ...input }, []));
 * assertNotEquals(await storeKey(input), await storeKey({ ...input, owner: "1:1" }));
 * ```
 */
export async function storeKey(
  input: StoreKeyInput,
  references: LayerReferences = [],
): Promise<string> {
  const hash = await sha256Hex(JSON.stringify([
    SCHEME,
    input.backend,
    input.version,
    input.options,
    input.lock,
    formatPlatform(input.platform),
    input.libc,
    input.prefix,
    input.owner,
    input.excludes,
    input.compression,
    input.layerFormat,
    input.relocationFormat,
    input.baseDirectories,
    references,
  ]));
  return hash.slice(0, 32);
}

/** Maximum length of a name in a tag, which can have 128 characters in total (distribution-spec). */
const MAX_NAME = 40;

function tagPart(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9._]+/g, "-").replace(/^[.-]+|-+$/g, "");
  return plain.slice(0, MAX_NAME).replace(/-+$/, "") || "tool";
}

/** The tag of an entry: `<tool>-<version>-<os>-<arch>[-<variant>]-<key>`. */
export function storeTag(
  tool: { readonly short: string; readonly version: string },
  { os, architecture, variant }: Platform,
  key: string,
): string {
  const platform = [os, architecture, ...(variant === undefined ? [] : [variant])];
  return [tagPart(tool.short), tagPart(tool.version), ...platform.map(tagPart), key].join("-");
}
