/**
 * One image, wherever it is.
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
  /** The image config; with an assumed platform if it names none. */
  readonly config: ImageConfig;
  /** The config's bytes, as they are stored. */
  readonly configBytes: Uint8Array<ArrayBuffer>;
  /** What the image runs on: by the index that names it, else by its config. */
  readonly platform: Platform;
  /** Its name in the index of its place. */
  readonly tag?: string;
  /** Where the bytes of its layers are. */
  readonly source: BlobSource;
}

/** Which image of several is meant. */
export interface ImageSelector {
  /** Name in the index. */
  readonly tag?: string;
  /** Digest of a manifest or index. */
  readonly digest?: Descriptor["digest"];
  /** What the image must run on. Default: the only one there is, else `host`. */
  readonly platform?: Platform;
}

/** How an image is searched. */
export interface ResolveOptions extends ImageSelector {
  /** The platform of this machine: decides between several if none is asked for. */
  readonly host?: Platform;
  /** Receives what is odd about the image and no error. */
  readonly warn?: (text: string) => void;
}

/** An image with the way to it. */
export interface ResolvedImage extends Image {
  /**
   * From what the place names (an index, or the manifest itself) to the image's manifest, which comes
   * last.
   */
  readonly path: readonly [Descriptor, ...Descriptor[]];
}
