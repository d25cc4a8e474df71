/**
 * Composes the config and manifest of the image from base and layers.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  digestOf,
  encodeImageConfig,
  encodeManifest,
  type ImageConfig,
  MediaType,
  type Platform,
} from "../oci/mod.ts";
import { type BuildPlan, composeImageConfig, settingsLikeBase } from "../plan/mod.ts";
import type { BaseImage } from "./base_image.ts";
import type { ComposedImage, Document, LayerRow, MadeLayer } from "./types.ts";

/** Creates a document from its bytes. */
export async function makeDocument(
  mediaType: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Document> {
  const digest = await digestOf(bytes);
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

function manifestAnnotations(base: BaseImage, plan: BuildPlan): Record<string, string> {
  const own = settingsLikeBase(base.config?.config, plan.config);
  return {
    ...(own.length === 0 ? {} : { [Annotation.ownSettings]: JSON.stringify(own) }),
    ...(base.reference === undefined ? {} : { [Annotation.baseName]: base.reference }),
    ...(base.digest === undefined ? {} : { [Annotation.baseDigest]: base.digest }),
    ...plan.config.annotations,
  };
}

function rows(base: BaseImage, layers: readonly MadeLayer[]): readonly LayerRow[] {
  const ofBase = base.layers.map(({ descriptor: { digest, size } }): LayerRow => ({
    kind: "base",
    name: base.name,
    digest,
    size,
    status: "base",
  }));
  const made = layers.map(({ plan, descriptor, status, reusedFrom }): LayerRow => ({
    kind: plan.kind,
    name: plan.name,
    ...(plan.version === undefined ? {} : { version: plan.version }),
    digest: descriptor.digest,
    size: descriptor.size,
    status,
    ...(reusedFrom === undefined ? {} : { reusedFrom }),
  }));
  return [...ofBase, ...made];
}

function platformOf({ os, architecture, variant }: ImageConfig): Platform {
  return { architecture, os, ...(variant === undefined ? {} : { variant }) };
}

/** Composes the image. The same input gives the same bytes. */
export async function composeImage(
  plan: BuildPlan,
  base: BaseImage,
  layers: readonly MadeLayer[],
): Promise<ComposedImage> {
  const config = composeImageConfig({
    ...(base.config === undefined ? {} : { base: base.config }),
    baseName: base.name,
    config: plan.config,
    layers: layers.map(({ diffId, plan: { createdBy } }) => ({ diffId, createdBy })),
    platform: plan.platform,
  });
  const descriptors = [...base.layers, ...layers].map(({ descriptor }) => descriptor);
  if (config.diffIds.length !== descriptors.length) {
    throw new MiseOciError(
      "invalid",
      `Cannot write the image: ${descriptors.length} layers and ${config.diffIds.length} diff IDs`,
    );
  }
  const configDocument = await makeDocument(MediaType.config, encodeImageConfig(config));
  const annotations = manifestAnnotations(base, plan);
  const manifest = await makeDocument(
    MediaType.manifest,
    encodeManifest({
      config: configDocument.descriptor,
      layers: descriptors,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    }),
  );
  return {
    manifest,
    config: configDocument,
    imageConfig: config,
    ...(plan.config.annotations === undefined ? {} : { annotations: plan.config.annotations }),
    layers: descriptors,
    platform: platformOf(config),
    rows: rows(base, layers),
  };
}
