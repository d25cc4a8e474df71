/**
 * The compression of layers as users write it: `gzip`, `zstd:19`, `none`.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { Compression } from "./media_type.ts";

/** A compression with an optional level. */
export interface CompressionChoice {
  /** The format. */
  readonly kind: Compression;
  /** The format's own level; absent means its default. */
  readonly level?: number;
}

/** A compression whose level is known. */
export interface ResolvedCompression {
  /** The format. */
  readonly kind: Compression;
  /** The format's own level; 0 for `none`. */
  readonly level: number;
}

/** The levels of each format, and its default level; `undefined` for a format without levels. */
export const COMPRESSION_LEVELS: Readonly<
  Record<
    Compression,
    { readonly min: number; readonly max: number; readonly preset: number } | undefined
  >
> = {
  gzip: { min: 1, max: 9, preset: 5 },
  zstd: { min: 1, max: 19, preset: 3 },
  none: undefined,
};

/** Every format, the default first. */
export const COMPRESSIONS: readonly [Compression, ...Compression[]] = Object.keys(
  COMPRESSION_LEVELS,
) as [Compression, ...Compression[]];

/**
 * Checks a compression and fills in its level.
 *
 * @throws {MiseOciError} `usage` for a level that the format does not have.
 */
export function resolveCompression({ kind, level }: CompressionChoice): ResolvedCompression {
  const { min, max, preset } = COMPRESSION_LEVELS[kind] ?? { min: 0, max: 0, preset: 0 };
  const resolved = level ?? preset;
  if (Number.isInteger(resolved) && resolved >= min && resolved <= max) {
    return { kind, level: resolved };
  }
  throw new MiseOciError("usage", `Invalid level "${level}" for compression "${kind}"`, {
    hint: kind === "none"
      ? 'Compression "none" has no level'
      : `Levels of ${kind} are ${min} to ${max}; the default is ${preset}`,
  });
}

/**
 * Parses `gzip`, `zstd` or `none`, with a level for the first two: `zstd:19`.
 *
 * @throws {MiseOciError} `usage` naming the formats or the range of levels.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseCompression } from "./compression.ts";
 *
 * assertEquals(parseCompression("zstd:19"), { kind: "zstd", level: 19 });
 * ```
 */
export function parseCompression(text: string): CompressionChoice {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const levelText = colon < 0 ? undefined : text.slice(colon + 1);
  const kind = COMPRESSIONS.find((known) => known === name);
  const fail = (why: string, hint: string): never => {
    throw new MiseOciError("usage", `Cannot use compression ${JSON.stringify(text)}: ${why}`, {
      hint,
    });
  };
  if (kind === undefined) {
    return fail(
      "there is no such format",
      `Write ${COMPRESSIONS.slice(0, -1).join(", ")} or ${COMPRESSIONS.at(-1)}, such as zstd:3`,
    );
  }
  if (levelText === undefined) return { kind };
  const range = COMPRESSION_LEVELS[kind];
  if (range === undefined) return fail(`${kind} has no levels`, `Write ${kind} alone`);
  const { min, max } = range;
  const level = /^[0-9]{1,2}$/.test(levelText) ? Number(levelText) : NaN;
  if (!(level >= min && level <= max)) {
    return fail(
      `${JSON.stringify(levelText)} is not a level of ${kind}`,
      `Levels of ${kind} are ${min} to ${max}`,
    );
  }
  return { kind, level };
}
