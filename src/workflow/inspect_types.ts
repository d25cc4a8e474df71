/**
 * What `inspect` and `diff` ask of workflows and get back.
 * @module
 */
import type { FileChange, ImageComparison, LayerChange, LayerFacts } from "../inspect/mod.ts";
import type { PackageChange } from "../attest/compare_packages.ts";
import type { Descriptor, Digest, ImageSource, Platform } from "../oci/mod.ts";

export type { FileChange, LayerChange, LayerFacts };

/** What both commands take. */
interface LookRequest {
  /** Absolute working directory. */
  readonly directory: string;
  /** Which image of several. */
  readonly platform?: Platform;
}

/** The flags of `inspect`, parsed. */
export interface InspectRequest extends LookRequest {
  /** Which image. */
  readonly source: ImageSource;
  /** Absolute path of the page to write (`--html`). */
  readonly html?: string;
}

/** What an image is made of. */
export interface InspectResult {
  /** The image as people name it. */
  readonly name: string;
  /** Digest of the manifest. */
  readonly digest: Digest;
  /** What it runs on. */
  readonly platform: Platform;
  /** Every platform that the image is there for; the rest is about one of them. */
  readonly platforms: readonly Platform[];
  /** RFC 3339 time of the build, if the image says. */
  readonly created?: string;
  /** The layers, bottom first. */
  readonly layers: readonly LayerFacts[];
  /** What is attached to the image in its registry, signatures among them. */
  readonly referrers?: readonly Descriptor[];
  /** The page that was written. */
  readonly html?: string;
}

/** The flags of `diff`, parsed. */
export interface DiffRequest extends LookRequest {
  /** The image before. */
  readonly a: ImageSource;
  /** The image after. */
  readonly b: ImageSource;
  /** Whether the files of tools with another version are compared too (`--files`). */
  readonly files: boolean;
  /** Reads layers that are not known yet to compare the packages (`--packages`). */
  readonly packages: boolean;
}

/** A layer with its files that differ, if they were compared. */
export interface DiffLayer extends LayerChange {
  /** By path. */
  readonly files?: readonly FileChange[];
}

/** How two images differ. */
export interface DiffResult extends Omit<ImageComparison, "layers"> {
  /** The image before. */
  readonly a: { readonly name: string; readonly digest: Digest };
  /** The image after. */
  readonly b: { readonly name: string; readonly digest: Digest };
  /** The layers of B bottom first, then those that only A has. */
  readonly layers: readonly DiffLayer[];
  /** Packages that differ; absent if layers are not known. */
  readonly packages?: readonly PackageChange[];
}
