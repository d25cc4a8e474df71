/**
 * Requests and results of push, run and load.
 * @module
 */
import type { BuiltImage, LayerRow, TransientBuild } from "../build/types.ts";
import type { CheckMode } from "../check/report/report_problems.ts";
import type { Digest, ImageSource, Platform, Reference } from "../oci/mod.ts";

/** An image that exists (`--image`). */
export interface NamedImageRequest {
  /** Tells it from a build. */
  readonly kind: "image";
  /** Where it is. */
  readonly source: ImageSource;
  /** Absolute directory that relative paths start at. */
  readonly directory: string;
  /** Which of its images (`--platform`); default: the host's, or the only one. */
  readonly platform?: Platform;
  /** Whether commands that do not start are warnings or an error, or are not checked. */
  readonly check?: CheckMode;
}

/** The image that `run` and `push` work on: one that exists, or one to be built. */
export type ImageRequest =
  | NamedImageRequest
  | { readonly kind: "build"; readonly build: TransientBuild };

/** Program that uploads (`--tool`); `auto` is `native`, the built-in client. */
export type PushTool = "auto" | "native" | "skopeo" | "crane";

/** What a push attaches to its images. */
export interface AttestRequest {
  /** Format of the bill of materials; none if absent. */
  readonly sbom?: "cyclonedx" | "spdx";
  /** Whether a provenance statement is attached. */
  readonly provenance: boolean;
  /** Absolute path of the private key that signs all of it. */
  readonly sign?: string;
}

/** The same from flags; missing values come from `[_.oci]`. */
export type AttestFlags = { readonly [K in keyof AttestRequest]?: AttestRequest[K] | false };

/** A document that was attached to an image. */
export interface AttachedDocument {
  /** Digest of its subject, a manifest or index. */
  readonly subject: Digest;
  /** Digest of its own manifest. */
  readonly digest: Digest;
  /** Its type: a media type. */
  readonly artifactType: string;
}

/** The flags of `push`, parsed. */
export interface PushRequest {
  /** Absolute working directory, for mise's settings. */
  readonly directory: string;
  /** What is pushed. */
  readonly image: ImageRequest;
  /** The destination; its text contained the registry host. */
  readonly destination: Reference;
  /** Further destinations of the same image. */
  readonly also?: readonly Reference[];
  /** Image whose tool layers are reused (`--cache-from`), in the destination's repository. */
  readonly cacheFrom?: Reference;
  /** Makes the tag an index with one entry per platform, and keeps existing entries. */
  readonly updateIndex: boolean;
  /** Who uploads. */
  readonly tool: PushTool;
  /** What is attached to the images. */
  readonly attest?: AttestFlags;
  /** `-j`; default: the workflow's own. */
  readonly jobs?: number;
}

/** One image of several that were pushed; without layers if it was not built now. */
export type PushedImage = Omit<BuiltImage, "layers"> & Partial<Pick<BuiltImage, "layers">>;

/** What a push did. */
export interface PushResult {
  /** Digest that the reference now names, of a manifest or an index. */
  readonly digest: Digest;
  /** Digest of the image manifest; with several images, of their index. */
  readonly manifestDigest: Digest;
  /** The images by platform, if several were pushed. */
  readonly images?: readonly PushedImage[];
  /** The destination in full. */
  readonly reference: string;
  /** Blobs sent, already present, and mounted from another repository; absent with another tool. */
  readonly blobs?: {
    readonly uploaded: number;
    readonly present: number;
    readonly mounted: number;
    /** Bytes of the blobs sent. */
    readonly uploadedBytes: number;
  };
  /** The layers, bottom first, if the image was built. */
  readonly layers?: readonly LayerRow[];
  /** The other destinations that it was pushed to. */
  readonly also?: readonly Pick<PushResult, "digest" | "reference" | "blobs">[];
  /** The attached documents, if any were requested. */
  readonly attached?: readonly AttachedDocument[];
}

/** A container engine, or the first of podman and docker that is installed. */
export type EngineChoice = "auto" | "podman" | "docker";

/** The flags of `run`, parsed. */
export interface RunRequest {
  /** What runs. */
  readonly image: ImageRequest;
  /** Which engine runs it. */
  readonly engine: EngineChoice;
  /** Keeps stdin open (`-i`). */
  readonly interactive: boolean;
  /** Gives the container a terminal (`-t`). */
  readonly tty: boolean;
  /** `NAME=VALUE`, or `NAME` for the value of this process's own environment. */
  readonly env: readonly string[];
  /** `HOST:CONTAINER[:OPTIONS]` as the engine takes it, a relative host path made absolute. */
  readonly volumes: readonly string[];
  /** Working directory in the container (`-w`). */
  readonly workdir?: string;
  /** Name of the container; default: a unique one. */
  readonly name?: string;
  /** Keeps the loaded image. */
  readonly keep: boolean;
  /** More arguments for the engine's `run`. */
  readonly engineArgs: readonly string[];
  /** The command to run; if empty, the image's own entrypoint and command. */
  readonly command: readonly string[];
}

/** How a run ended. */
export interface RunResult {
  /** The container's exit code. */
  readonly exitCode: number;
}

/** The flags of `load`, parsed. */
export interface LoadRequest {
  /** Where the image is. */
  readonly source: ImageSource;
  /** Absolute directory that relative paths start at. */
  readonly directory: string;
  /** Which of its images. */
  readonly platform?: Platform;
  /** Name in the engine; default: the one it has. */
  readonly tag?: string;
  /** Which engine takes it. */
  readonly engine: EngineChoice;
}

/** What a load did. */
export interface LoadResult {
  /** The engine that has the image now. */
  readonly engine: "podman" | "docker";
  /** Its name in the engine, or its id if it has none. */
  readonly image: string;
  /** Digest of the image manifest. */
  readonly digest: Digest;
}
