/**
 * Requests and results of push, run and load.
 * @module
 */
import type { BuiltImage, LayerRow, TransientBuild } from "../build/types.ts";
import type { CheckMode } from "../check/report/report_problems.ts";
import type { Digest, ImageSource, Platform, Reference } from "../oci/mod.ts";

/** An existing image (`--image`). */
export interface NamedImageRequest {
  /** Distinguishes it from a build. */
  readonly kind: "image";
  /** Its source. */
  readonly source: ImageSource;
  /** Absolute base directory of relative paths. */
  readonly directory: string;
  /** The platform (`--platform`); default: the host's, or the only one. */
  readonly platform?: Platform;
  /** Whether commands that do not start cause warnings or an error, or are not checked. */
  readonly check?: CheckMode;
}

/** The image for `run` and `push`: an existing one, or one to build. */
export type ImageRequest =
  | NamedImageRequest
  | { readonly kind: "build"; readonly build: TransientBuild };

/** Program that uploads (`--tool`); `auto` is `native`, the built-in client. */
export type PushTool = "auto" | "native" | "skopeo" | "crane";

/** What to attach to the images of a push. */
export interface AttestRequest {
  /** Format of the bill of materials; none if absent. */
  readonly sbom?: "cyclonedx" | "spdx";
  /** Whether to attach a provenance statement. */
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
  /** Its artifact type, a media type. */
  readonly artifactType: string;
}

/** The flags of `push`, parsed. */
export interface PushRequest {
  /** Absolute working directory, for mise's settings. */
  readonly directory: string;
  /** The image to push. */
  readonly image: ImageRequest;
  /** The destination; its text contained the registry host. */
  readonly destination: Reference;
  /** Further destinations of the same image. */
  readonly also?: readonly Reference[];
  /** Image whose tool layers can be reused (`--cache-from`), in the destination's repository. */
  readonly cacheFrom?: Reference;
  /** Whether the tag becomes an index with one entry per platform, keeping existing entries. */
  readonly updateIndex: boolean;
  /** Program that uploads. */
  readonly tool: PushTool;
  /** What to attach to the images. */
  readonly attest?: AttestFlags;
  /** `-j`; default: the workflow's own. */
  readonly jobs?: number;
}

/** One of several pushed images; without layers if it was not built by this push. */
export type PushedImage = Omit<BuiltImage, "layers"> & Partial<Pick<BuiltImage, "layers">>;

/** The result of a push. */
export interface PushResult {
  /** The digest that the reference now names, of a manifest or an index. */
  readonly digest: Digest;
  /** Digest of the image manifest; with several images, of their index. */
  readonly manifestDigest: Digest;
  /** The images by platform, if several were pushed. */
  readonly images?: readonly PushedImage[];
  /** The full reference of the destination. */
  readonly reference: string;
  /**
   * Number of blobs sent, already present, and mounted from another repository; absent with another tool.
   */
  readonly blobs?: {
    readonly uploaded: number;
    readonly present: number;
    readonly mounted: number;
    /** Total size of the blobs sent, in bytes. */
    readonly uploadedBytes: number;
  };
  /** The layers, bottom first, if the image was built. */
  readonly layers?: readonly LayerRow[];
  /** The results for the other destinations. */
  readonly also?: readonly Pick<PushResult, "digest" | "reference" | "blobs">[];
  /** The attached documents, if any were requested. */
  readonly attached?: readonly AttachedDocument[];
}

/** A container engine, or the first of podman and docker that is installed. */
export type EngineChoice = "auto" | "podman" | "docker";

/** The flags of `run`, parsed. */
export interface RunRequest {
  /** The image to run. */
  readonly image: ImageRequest;
  /** The engine. */
  readonly engine: EngineChoice;
  /** Whether to keep stdin open (`-i`). */
  readonly interactive: boolean;
  /** Whether to give the container a terminal (`-t`). */
  readonly tty: boolean;
  /** `NAME=VALUE`, or `NAME` for the value in this process's environment. */
  readonly env: readonly string[];
  /** `HOST:CONTAINER[:OPTIONS]`, with an absolute host path. */
  readonly volumes: readonly string[];
  /** Working directory in the container (`-w`). */
  readonly workdir?: string;
  /** Name of the container; default: a unique one. */
  readonly name?: string;
  /** Whether to keep the loaded image. */
  readonly keep: boolean;
  /** Additional arguments for the engine's `run`. */
  readonly engineArgs: readonly string[];
  /** The command to run; if empty, the image's own entrypoint and command. */
  readonly command: readonly string[];
}

/** The result of a run. */
export interface RunResult {
  /** The container's exit code. */
  readonly exitCode: number;
}

/** The flags of `load`, parsed. */
export interface LoadRequest {
  /** The source of the image. */
  readonly source: ImageSource;
  /** Absolute base directory of relative paths. */
  readonly directory: string;
  /** The platform of the image. */
  readonly platform?: Platform;
  /** Name in the engine; default: its present name. */
  readonly tag?: string;
  /** The engine. */
  readonly engine: EngineChoice;
}

/** The result of a load. */
export interface LoadResult {
  /** The engine that was used. */
  readonly engine: "podman" | "docker";
  /** Its name in the engine, or its id if it has none. */
  readonly image: string;
  /** Digest of the image manifest. */
  readonly digest: Digest;
}
