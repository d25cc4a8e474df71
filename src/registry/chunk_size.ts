/**
 * How much of a blob goes into one request: a default, and what each registry has taught since.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { RegistryClient } from "./transport.ts";

/**
 * 8 MiB. Measured against docker-registry on one machine, 500 MB took 3.4 s in chunks of 1 MiB, 2.0 s
 * in chunks of 4 to 8 MiB, 1.8 s of 16 MiB, 2.3 s of 32 MiB; each chunk is in memory about three times.
 */
export const DEFAULT_CHUNK_BYTES: number = 8 * 1024 * 1024;
/** Registries that take less than this are not worth speaking to. */
const LEAST_CHUNK_BYTES = 256 * 1024;
/** Registries that want more than this cannot be served from memory. */
const MOST_CHUNK_BYTES = 512 * 1024 * 1024;

/** The sizes learnt, for as long as the client lives: it belongs to one registry. */
const learnt = new WeakMap<RegistryClient, number>();

/** What {@linkcode chunkBytes} chooses from. */
export interface ChunkLimits {
  /** What the registry demands at least. */
  readonly minChunkBytes: number;
  /** What is used where nothing was learnt. Default {@linkcode DEFAULT_CHUNK_BYTES}. */
  readonly preferred?: number | undefined;
}

/** The length of the next chunk. @throws {MiseOciError} `unsupported` if the registry wants more than fits in memory. */
export function chunkBytes(client: RegistryClient, limits: ChunkLimits): number {
  const { minChunkBytes, preferred = DEFAULT_CHUNK_BYTES } = limits;
  if (minChunkBytes > MOST_CHUNK_BYTES) {
    throw new MiseOciError(
      "unsupported",
      `Registry "${client.registry}" takes only chunks of at least ${minChunkBytes} bytes`,
      { hint: "Push with --tool skopeo" },
    );
  }
  return Math.max(learnt.get(client) ?? preferred, minChunkBytes);
}

/** Learns that a body of so many bytes is too long. False if there is no shorter one to try. */
export function learnSmallerChunk(
  client: RegistryClient,
  refused: { readonly bytes: number; readonly minChunkBytes: number },
): boolean {
  const half = Math.floor(refused.bytes / 2);
  if (half < Math.max(LEAST_CHUNK_BYTES, refused.minChunkBytes)) return false;
  learnt.set(client, Math.min(half, learnt.get(client) ?? Infinity));
  client.log(
    1,
    `Registry "${client.registry}" takes no ${refused.bytes} bytes at once, trying ${half}`,
  );
  return true;
}

/** Whether a blob may be sent in one request although it was meant for chunks. */
export function fitsInMemory(bytes: number): boolean {
  return bytes <= MOST_CHUNK_BYTES;
}
