/**
 * Looks up layers in the local cache by their cache key.
 * @module
 */
import type { RelocatedText, RelocationMap } from "../layer/mod.ts";
import { relocatesAlike } from "../layer/relocate/dependencies.ts";
import type { Descriptor } from "../oci/mod.ts";
import type { CompressionPlan, LayerPlan } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import type { MadeLayer } from "./types.ts";

/** Options of looking up cached layers. */
export interface CachedOptions {
  readonly cache: Cache;
  readonly compression: CompressionPlan;
  /** Called with warnings about it. */
  readonly warn: (plan: LayerPlan, text: string) => void;
  /** Cache keys of layers built by this run. */
  readonly built: ReadonlySet<string>;
  /** Whether only these layers are looked up. */
  readonly builtOnly: boolean;
}

/** The layer of a cache key, if relocation would give the same texts now. */
export async function maybeCachedLayer(
  { plan, fingerprint, relocations }: {
    readonly plan: LayerPlan;
    readonly fingerprint: string;
    readonly relocations: RelocationMap;
  },
  { cache, warn, built, builtOnly }: CachedOptions,
): Promise<MadeLayer | undefined> {
  const isBuilt = built.has(fingerprint);
  if (builtOnly && !isBuilt) return undefined;
  const cached = await cache.getLayer(fingerprint);
  const notes = maybeParseNotes(cached?.notes);
  if (cached === undefined || notes === undefined) return undefined;
  if (!relocatesAlike(notes.texts, relocations)) return undefined;
  const { descriptor, diffId } = cached;
  for (const text of notes.warnings) warn(plan, text);
  const status = isBuilt ? "built" : "cached";
  return { plan, descriptor: withAnnotations(descriptor, plan), diffId, status };
}

/** A blob with the annotations of this layer: equal blobs can be different layers. */
export function withAnnotations(descriptor: Descriptor, plan: LayerPlan): Descriptor {
  const { mediaType, digest, size } = descriptor;
  return { mediaType, digest, size, annotations: plan.annotations };
}

/** Notes on a cached layer. */
export interface LayerNotes {
  /** Texts processed by relocation. */
  readonly texts: readonly RelocatedText[];
  /** Warnings, one sentence each. */
  readonly warnings: readonly string[];
}

function isText(value: unknown): value is RelocatedText {
  if (typeof value !== "object" || value === null) return false;
  const { kind, before, after } = value as Record<string, unknown>;
  return (kind === "shebang" || kind === "venv" || kind === "content") &&
    typeof before === "string" && typeof after === "string";
}

/** Parses the notes of a cache entry; `undefined` if they are invalid, which makes the entry a miss. */
export function maybeParseNotes(value: unknown): LayerNotes | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { texts, warnings } = value as Record<string, unknown>;
  if (!Array.isArray(texts) || !texts.every(isText)) return undefined;
  if (!Array.isArray(warnings) || !warnings.every((text) => typeof text === "string")) {
    return undefined;
  }
  return { texts, warnings };
}
