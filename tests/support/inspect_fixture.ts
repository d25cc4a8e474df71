/**
 * Images made of a few words, for the tests of this folder.
 * @module
 */
import { createHash } from "node:crypto";
import {
  Annotation,
  type Descriptor,
  type HistoryEntry,
  type ImageConfig,
  MediaType,
  parseDiffId,
  parseDigest,
} from "../../src/oci/mod.ts";
import type { Documents } from "../../src/inspect/describe.ts";

/** One layer in words. */
export interface FakeLayer {
  /** What its blob and tar are made of. */
  readonly content: string;
  /** Only for a blob that differs although the content does not. */
  readonly blob?: string;
  /** Size of the blob. Default 100. */
  readonly size?: number;
  /** Annotations. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** `created_by`. Default: no history entry at all. */
  readonly createdBy?: string;
}

function hash(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

/** The layer of a tool. */
export function toolLayer(
  short: string,
  version: string,
  content = `${short}${version}`,
): FakeLayer {
  return {
    content,
    annotations: {
      [Annotation.layerKind]: "tool",
      [Annotation.toolShort]: short,
      [Annotation.toolVersion]: version,
    },
    createdBy: `mise-oci: tool ${short}@${version}`,
  };
}

/** An image of such layers. */
export function fakeImage(
  layers: readonly FakeLayer[],
  config: Partial<ImageConfig> = {},
  annotations?: Readonly<Record<string, string>>,
): Documents {
  const history = layers.flatMap(({ createdBy }): HistoryEntry[] =>
    createdBy === undefined ? [] : [{ created_by: createdBy }]
  );
  const descriptors = layers.map((
    { content, blob = content, size = 100, annotations },
  ): Descriptor => ({
    mediaType: MediaType.layerGzip,
    digest: parseDigest(hash(`blob ${blob}`)),
    size,
    ...(annotations === undefined ? {} : { annotations }),
  }));
  const image: ImageConfig = {
    os: "linux",
    architecture: "amd64",
    history,
    ...config,
    diffIds: layers.map(({ content }) => parseDiffId(hash(content))),
  };
  return {
    manifest: {
      config: {
        mediaType: MediaType.config,
        digest: parseDigest(hash(JSON.stringify(image))),
        size: 10,
      },
      layers: descriptors,
      ...(annotations === undefined ? {} : { annotations }),
    },
    config: image,
  };
}
