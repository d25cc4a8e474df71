/**
 * A base image of one layer in a cache.
 * @module
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { MediaType, parseDiffId, parseDigest } from "../../src/oci/mod.ts";
import type { Cache } from "../../src/store/mod.ts";
import type { BaseImage } from "../../src/build/base/base_image.ts";

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Puts an archive into a cache, gzipped, and gives the base image that has it as its only layer. */
export async function cacheBase(cache: Cache, archive: Uint8Array): Promise<BaseImage> {
  const blob = new Uint8Array(gzipSync(archive));
  const digest = parseDigest(sha256(blob));
  const writer = await cache.create();
  await writer.write(blob);
  await writer.commit({ digest, size: blob.length });
  const descriptor = { mediaType: MediaType.layerGzip, digest, size: blob.length };
  return { name: "base", layers: [{ descriptor, diffId: parseDiffId(sha256(archive)) }] };
}
