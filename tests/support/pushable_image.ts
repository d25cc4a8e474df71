/**
 * Images in memory, ready to be pushed.
 * @module
 */
import {
  type Digest,
  encodeImageConfig,
  encodeManifest,
  type Manifest,
  MediaType,
  parseDiffId,
  type Platform,
} from "../../src/oci/mod.ts";
import type { PushableImage } from "../../src/registry/push.ts";
import type { BlobSource } from "../../src/store/ports.ts";
import { digestOf } from "./faultreg/mod.ts";

/** A source of blobs in memory; it does not verify what it gives. */
export function memoryBlobs(blobs: ReadonlyMap<Digest, Uint8Array>): BlobSource {
  return {
    size: (digest) => Promise.resolve(blobs.get(digest)?.length),
    open: (digest, range) => {
      const bytes = blobs.get(digest);
      if (bytes === undefined) return Promise.reject(new Error(`no blob ${digest}`));
      const part = bytes.slice(range?.start ?? 0, range?.end);
      let at = 0;
      return Promise.resolve(
        new ReadableStream<Uint8Array<ArrayBuffer>>({
          // Odd pieces: nothing may depend on how a store cuts a blob.
          pull: (controller) => {
            if (at < part.length) controller.enqueue(part.slice(at, at += 50_021));
            else controller.close();
          },
        }),
      );
    },
  };
}

/** What {@linkcode pushableImage} may be told. */
export interface PushableImageOptions {
  /** Default linux/amd64. */
  readonly platform?: Platform;
  /** Changes the manifest. */
  readonly edit?: (manifest: Manifest) => Manifest;
}

/** An image of the given layers; the same for the same layers and platform. */
export function pushableImage(
  layers: readonly Uint8Array[],
  options: PushableImageOptions = {},
): PushableImage & { readonly configBytes: Uint8Array } {
  const { platform = { os: "linux", architecture: "amd64" }, edit } = options;
  const configBytes = encodeImageConfig({
    ...platform,
    diffIds: layers.map((bytes) => parseDiffId(digestOf(bytes))),
  });
  const config = {
    mediaType: MediaType.config,
    digest: digestOf(configBytes),
    size: configBytes.length,
  };
  const plain: Manifest = {
    config,
    layers: layers.map((bytes) => ({
      mediaType: MediaType.layerGzip,
      digest: digestOf(bytes),
      size: bytes.length,
    })),
  };
  const manifest = edit?.(plain) ?? plain;
  const bytes = encodeManifest(manifest);
  return {
    manifest: {
      descriptor: { mediaType: MediaType.manifest, digest: digestOf(bytes), size: bytes.length },
      bytes,
    },
    config,
    layers: manifest.layers,
    source: memoryBlobs(
      new Map([
        [config.digest, configBytes],
        ...layers.map((layer) => [digestOf(layer), layer] as const),
      ]),
    ),
    configBytes,
  };
}
