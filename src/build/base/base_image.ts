/**
 * The base image, from any source: its manifest and config are parsed, and its layers are verified.
 * @module
 */
import type { EntryReader } from "../../check/facts/collected_content.ts";
import { MiseOciError } from "../../errors.ts";
import {
  type Descriptor,
  type DiffId,
  type Digest,
  formatPlatform,
  type ImageConfig,
  type Manifest,
  maybeLayerCompression,
  toOciMediaType,
} from "../../oci/mod.ts";
import type { BuildPlan } from "../../plan/mod.ts";
import type { BlobSink, BlobSource } from "../../store/ports.ts";

export interface BaseLayer {
  /** Its descriptor, with OCI's media type. */
  readonly descriptor: Descriptor;
  /** Its diff ID. */
  readonly diffId: DiffId;
}

export interface BaseImage {
  /** The base's name for messages. */
  readonly name: string;
  /** Its full reference, for the manifest's annotation; absent for bases without one. */
  readonly reference?: string;
  /** Digest of its manifest; absent for `scratch`. */
  readonly digest?: Digest;
  /** Its config; absent for `scratch`. */
  readonly config?: ImageConfig;
  /** Its layers, bottom first. */
  readonly layers: readonly BaseLayer[];
  /** Fetches a layer that may not be in the cache; absent if all of them are. */
  readonly open?: (layer: BaseLayer) => Promise<ReadableStream<Uint8Array>>;
  /** Returns an additional reader for a layer that is read. */
  readonly alsoRead?: (layer: BaseLayer) => LayerReading;
}

/** A reader that receives the entries of a layer read for another purpose. */
export interface LayerReading extends Disposable {
  /** Receives the entries. */
  readonly reader: EntryReader;
  /** Stores the result; called once the whole layer was read and verified. */
  keep(): Promise<void>;
}

/** The base `scratch`. */
export const SCRATCH: BaseImage = { name: "scratch", layers: [] };

/**
 * Pairs the layers of a manifest with the diff IDs of its config.
 *
 * @throws {MiseOciError} `invalid` if their numbers differ, `unsupported` for a layer with an unknown media
 * type.
 */
export function pairLayers(
  name: string,
  image: { readonly manifest: Manifest; readonly config: ImageConfig },
): readonly BaseLayer[] {
  const { layers } = image.manifest;
  const { diffIds } = image.config;
  if (layers.length !== diffIds.length) {
    throw new MiseOciError(
      "invalid",
      `Cannot use base image ${
        JSON.stringify(name)
      }: its manifest has ${layers.length} layers and ` +
        `its config has ${diffIds.length} diff IDs`,
      { hint: "The image is broken; build or push it again, or use another one" },
    );
  }
  return layers.map((descriptor, i) => {
    const diffId = diffIds[i];
    if (diffId === undefined || maybeLayerCompression(descriptor.mediaType) === undefined) {
      throw new MiseOciError(
        "unsupported",
        `Cannot use base image ${JSON.stringify(name)}: layer ${descriptor.digest} is a ` +
          `${JSON.stringify(descriptor.mediaType)}, not a file system layer`,
      );
    }
    return {
      descriptor: { ...descriptor, mediaType: toOciMediaType(descriptor.mediaType) },
      diffId,
    };
  });
}

/** Copies a blob from one store to another, verified. */
export async function copyBlob(
  source: BlobSource,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  sink: BlobSink,
): Promise<void> {
  if (await sink.has(digest, size)) return;
  const writer = await sink.create();
  try {
    for await (const chunk of await source.open(digest)) await writer.write(chunk);
    await writer.commit({ digest, size });
  } finally {
    await writer.abort();
  }
}

/** @throws {MiseOciError} `unsupported` if the base is for another platform than the image. */
export function checkBasePlatform(name: string, config: ImageConfig, plan: BuildPlan): void {
  const { os, architecture } = plan.platform;
  if (config.os === os && config.architecture === architecture) return;
  throw new MiseOciError(
    "unsupported",
    `Cannot use base image ${JSON.stringify(name)}: it is for ${
      formatPlatform(config)
    }, the image for ${formatPlatform(plan.platform)}`,
    { hint: "Name a base for that platform, or another --platform" },
  );
}
