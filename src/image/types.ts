/**
 * One image, from any source.
 * @module
 */
import type { Descriptor, ImageConfig, Manifest, Platform } from "../oci/mod.ts";
import type { BlobSource } from "../store/ports.ts";

/** An image whose documents were read and checked. */
export interface Image {
  /** Descriptor of the manifest. */
  readonly descriptor: Descriptor;
  /** The manifest. */
  readonly manifest: Manifest;
  /** The manifest's bytes, as they are stored. */
  readonly manifestBytes: Uint8Array<ArrayBuffer>;
  /** The image config; with an assumed platform if it has none. */
  readonly config: ImageConfig;
  /** The config's bytes, as they are stored. */
  readonly configBytes: Uint8Array<ArrayBuffer>;
  /** The platform of the image: from the index that lists it, or else from its config. */
  readonly platform: Platform;
  /** Its name in the index of its store. */
  readonly tag?: string;
  /** Where the bytes of its layers are. */
  readonly source: BlobSource;
}

/** Selects one of several images. */
export interface ImageSelector {
  /** Name in the index. */
  readonly tag?: string;
  /** Digest of a manifest or index. */
  readonly digest?: Descriptor["digest"];
  /** The platform. Default: the only one of the image, or else `host`. */
  readonly platform?: Platform;
}

/** How an image is searched. */
export interface ResolveOptions extends ImageSelector {
  /** The platform of this machine: used to choose between several if none is requested. */
  readonly host?: Platform;
  /** Receives warnings about the image. */
  readonly warn?: (text: string) => void;
}

/** An image with the way to it. */
export interface ResolvedImage extends Image {
  /**
   * The path from the entry of the store (an index, or the manifest itself) to the image's manifest, which is
   * last.
   */
  readonly path: readonly [Descriptor, ...Descriptor[]];
}
