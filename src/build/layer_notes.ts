/**
 * What the cache keeps with a built layer: what its bytes took from other tools, and what the user should
 * hear about it again.
 * @module
 */
import type { RelocatedText } from "../layer/mod.ts";

/** Notes on a cached layer. */
export interface LayerNotes {
  /** Texts that relocation looked at. */
  readonly texts: readonly RelocatedText[];
  /** What the user should know, one sentence each. */
  readonly warnings: readonly string[];
}

function isText(value: unknown): value is RelocatedText {
  if (typeof value !== "object" || value === null) return false;
  const { kind, before, after } = value as Record<string, unknown>;
  return (kind === "shebang" || kind === "venv") && typeof before === "string" &&
    typeof after === "string";
}

/** Parses the notes of a cache entry; `undefined` if they are none, which makes the entry a miss. */
export function maybeParseNotes(value: unknown): LayerNotes | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { texts, warnings } = value as Record<string, unknown>;
  if (!Array.isArray(texts) || !texts.every(isText)) return undefined;
  if (!Array.isArray(warnings) || !warnings.every((text) => typeof text === "string")) {
    return undefined;
  }
  return { texts, warnings };
}
