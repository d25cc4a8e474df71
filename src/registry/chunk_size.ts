/**
 * How much of a blob goes into one request: a default, and what each registry has taught since.
 * @module
 */
import type { RegistryClient } from "./transport.ts";

/**
 * 64 MiB: bodies are streamed, so that this is no memory. Long enough that the time between chunks
 * does not count, and short enough for proxies that take no more than 100 MB at once.
 */
export const DEFAULT_CHUNK_BYTES: number = 64 * 1024 * 1024;
/** Registries that take less than this are not worth speaking to. */
const LEAST_CHUNK_BYTES = 256 * 1024;

/** The sizes learnt, for as long as the client lives: it belongs to one registry. */
const learnt = new WeakMap<RegistryClient, number>();

/** What {@linkcode chunkBytes} chooses from. */
export interface ChunkLimits {
  /** What the registry demands at least. */
  readonly minChunkBytes: number;
  /** What is used where nothing was learnt. Default {@linkcode DEFAULT_CHUNK_BYTES}. */
  readonly preferred?: number | undefined;
}

/** The length of the next chunk. */
export function chunkBytes(client: RegistryClient, limits: ChunkLimits): number {
  const { minChunkBytes, preferred = DEFAULT_CHUNK_BYTES } = limits;
  return Math.max(learnt.get(client) ?? preferred, minChunkBytes);
}

/** Learns that a body of so many bytes is too long. False if there is no shorter one to try. */
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
