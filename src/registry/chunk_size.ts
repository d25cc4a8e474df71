/**
 * The length of a chunk in one request: a default, and limits learnt from each registry.
 * @module
 */
import type { RegistryClient } from "./transport.ts";

/**
 * 64 MiB: bodies are streamed, so this uses no memory. Long enough that the time between chunks does not
 * matter, and short enough for proxies with a limit of 100 MB per request.
 */
export const DEFAULT_CHUNK_BYTES: number = 64 * 1024 * 1024;
/** A registry with a smaller limit is treated as broken. */
const LEAST_CHUNK_BYTES = 256 * 1024;

/** The sizes learnt during the life of the client, which belongs to one registry. */
const learnt = new WeakMap<RegistryClient, number>();

/** Input of {@linkcode chunkBytes}. */
export interface ChunkLimits {
  /** The registry's minimum. */
  readonly minChunkBytes: number;
  /** The length if nothing was learnt. Default {@linkcode DEFAULT_CHUNK_BYTES}. */
  readonly preferred?: number | undefined;
}

/** The length of the next chunk. */
export function chunkBytes(client: RegistryClient, limits: ChunkLimits): number {
  const { minChunkBytes, preferred = DEFAULT_CHUNK_BYTES } = limits;
  return Math.max(learnt.get(client) ?? preferred, minChunkBytes);
}

/** Records that a body of this length is too long. Returns false if there is no shorter one to try. */
export function learnSmallerChunk(
  client: RegistryClient,
  refused: { readonly bytes: number; readonly minChunkBytes: number },
): boolean {
  const { bytes, minChunkBytes } = refused;
  const half = Math.floor(bytes / 2);
  if (half < Math.max(LEAST_CHUNK_BYTES, minChunkBytes)) return false;
  learnt.set(client, Math.min(half, learnt.get(client) ?? Infinity));
  client.log(1, `Registry "${client.registry}" takes no ${bytes} bytes at once, trying ${half}`);
  return true;
}
