/**
 * Requests and results of `inspect` and `diff`.
 * @module
 */
import type { FileChange, ImageComparison, LayerChange, LayerDescription } from "../inspect/mod.ts";
import type { PackageChange } from "../attest/compare_packages.ts";
import type {
  ContainerConfig,
  Descriptor,
  Digest,
  HistoryEntry,
  ImageSource,
  Platform,
} from "../oci/mod.ts";

export type { FileChange, LayerChange, LayerDescription };

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
  /** Absolute path of the page to write (`--html`); `-` to return it as the document. */
  readonly html?: string;
  /** The document to return as stored: the manifest or index (`--raw`), or the config. */
  readonly document?: "manifest" | "config";
}

/** The content of an image's documents besides its layers. */
export interface ImageDetails {
  /** Media type of the manifest. */
  readonly mediaType: string;
  /** The index that the argument names, if it names one. */
  readonly index?: {
    readonly digest: Digest;
    readonly mediaType: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  /** Every image that the argument names. */
  readonly images: readonly { readonly platform: Platform; readonly digest: Digest }[];
  /** Annotations of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  /** How a container runs. */
  readonly config: ContainerConfig;
  /** The history, oldest first, with the entries that have no layer. */
  readonly history: readonly HistoryEntry[];
}

/** The contents of an image. */
export interface InspectResult {
  /** The image's name for messages. */
  readonly name: string;
  /** Digest of the manifest. */
  readonly digest: Digest;
  /** What it runs on. */
  readonly platform: Platform;
  /** Every platform of the image; the other fields describe one of them. */
  readonly platforms: readonly Platform[];
  /** RFC 3339 time of the build, if the image has one. */
  readonly created?: string;
  /** The layers, bottom first. */
  readonly layers: readonly LayerDescription[];
  /** Other content of the documents. */
  readonly details?: ImageDetails;
  /** The text of the requested document or page. */
  readonly document?: string;
  /** What is attached to the image in its registry, including signatures. */
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
  /** Whether the files of tools with different versions are compared too (`--files`). */
  readonly files: boolean;
  /** Reads layers that are not cached yet, to compare the packages (`--packages`). */
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
  /** Packages that differ; absent if layers are not cached. */
  readonly packages?: readonly PackageChange[];
}
