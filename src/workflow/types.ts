/**
 * What commands ask of workflows and get back.
 * @module
 */
import type { CompressionChoice, Digest, Platform, Reference } from "../oci/mod.ts";
import type { Copy } from "../plan/project.ts";
import type { Owner } from "../plan/types.ts";
import type { Reporter } from "../ui/reporter.ts";
import type { AskedProject } from "./ask_ahead.ts";

/** What every workflow needs of its surroundings. */
export interface WorkflowContext {
  /** Where events go. */
  readonly reporter: Reporter;
  /** Aborted on SIGINT, SIGTERM and SIGHUP; everything running stops and cleans up. */
  readonly signal: AbortSignal;
  /** A project that mise has been asked about already. */
  readonly asked?: AskedProject;
}

/** Which project, and how to ask mise about it. Shared by build, run and push. */
export interface ProjectRequest {
  /** Absolute directory (`-C`). */
  readonly directory: string;
  /** mise environment (`-E`). */
  readonly miseEnv?: string;
  /** mise executable (`--mise`, `MISE_OCI_MISE`); default: `mise` on PATH. */
  readonly misePath?: string;
  /** Takes global and system config too. */
  readonly includeGlobal: boolean;
  /** Runs `mise install` first. */
  readonly install: boolean;
  /** Answers yes to what mise asks (`-y`). */
  readonly yes?: boolean;
}

/** What is done about commands that do not start in the image: `warn` is the default. */
export type CheckMode = "warn" | "strict" | "off";

/** The flags of `build`, parsed; also of `run` and `push` when they build. */
export interface BuildRequest extends ProjectRequest {
  /** Absolute directory of the image layout (`-o`). */
  readonly output?: string;
  /** A file that gets the image as well (`--output-archive`). */
  readonly archive?: ArchiveRequest;
  /** Base image (`--from`). */
  readonly from?: string;
  /** Name of the image (`-t`). */
  readonly tag?: string;
  /** `--mount-point`. */
  readonly mountPoint?: string;
  /** `--copy`, host paths absolute. */
  readonly copies: readonly Copy[];
  /** `--owner`. */
  readonly owner?: Owner;
  /** Embeds mise unless `--no-mise`. */
  readonly embedMise: boolean;
  /** Embeds the compiled mise-oci (`--embed-self`). */
  readonly embedSelf?: boolean;
  /** Uses the cache of built layers and, when pushing, layers of the registry. */
  readonly useCache: boolean;
  /** `--compression`; default: `[oci]`'s, else gzip. */
  readonly compression?: CompressionChoice;
  /** `--platform`. */
  readonly platform?: Platform;
  /** Several platforms, in place of `platform`: one image each, and an index. */
  readonly platforms?: readonly Platform[];
  /** mise executables for other platforms (`--mise-binary`), absolute. */
  readonly miseBinaries?: readonly MiseBinary[];
  /** `--pull`: whether a tag is looked up although the cache knows it. */
  readonly pull: "always" | "missing" | "never";
  /** `--allow-env`. */
  readonly allowEnv: readonly string[];
  /** `--drop-env`. */
  readonly dropEnv: readonly string[];
  /** Whether commands that do not start are warnings, an error, or not looked for. */
  readonly check?: CheckMode;
  /** Adds missing packages to the config file and builds with them (`--fix`). */
  readonly fix?: boolean;
  /** `--strict-env`. */
  readonly strictEnv: boolean;
  /** `-j`; default: the number of cores. */
  readonly jobs?: number;
}

/** A mise executable for a platform. */
export interface MiseBinary {
  /** What it runs on. */
  readonly platform: Platform;
  /** Absolute path of the file. */
  readonly path: string;
}

/** An archive that a build writes. */
export interface ArchiveRequest {
  /** Absolute path of the file. */
  readonly path: string;
  /** What other programs call its format (`--format`). */
  readonly format: "oci-archive" | "docker-archive";
}

/** One row of the layer table. */
export interface LayerRow {
  /** `base`, `tool`, `mise`, `config`, … */
  readonly kind: string;
  /** What it is: a tool's name, the base's reference. */
  readonly name: string;
  /** The tool's version. */
  readonly version?: string;
  /** Digest of the blob. */
  readonly digest: Digest;
  /** Compressed size in bytes. */
  readonly size: number;
  /** Where its bytes came from. */
  readonly status: "built" | "cached" | "reused" | "base";
  /** Image that a reused layer was found in. */
  readonly reusedFrom?: string;
}

/** One image of several that a build made. */
export interface BuiltImage {
  /** Its platform. */
  readonly platform: Platform;
  /** Digest of its manifest. */
  readonly digest: Digest;
  /** Its layers, bottom first. */
  readonly layers: readonly LayerRow[];
}

/** What a build made. */
export interface BuildResult {
  /** The layout's directory, if one was asked for. */
  readonly output?: string;
  /** The archive, if one was asked for. */
  readonly archive?: ArchiveRequest;
  /** Digest of the image manifest; of several images, of their index. */
  readonly digest: Digest;
  /** Name in the layout. */
  readonly tag?: string;
  /** The image's platform; of several, the first one's. */
  readonly platform: Platform;
  /** The layers, bottom first; of several images, the first one's. */
  readonly layers: readonly LayerRow[];
  /** The images by platform, if there are several. */
  readonly images?: readonly BuiltImage[];
}

/** A build whose layout nobody asked for: the workflow chooses a place and removes it. */
export type TransientBuild = Omit<BuildRequest, "output" | "archive" | "tag">;

/** The image that `run` and `push` work on: one that is there, or one to be built. */
export type ImageRequest =
  | {
    readonly kind: "layout";
    /** Absolute directory of an image layout (`--image-dir`). */
    readonly directory: string;
    /** Which of its images (`--platform`); default: the host's, or the only one. */
    readonly platform?: Platform;
    /** Whether commands that do not start are warnings, an error, or not looked for. */
    readonly check?: CheckMode;
  }
  | { readonly kind: "build"; readonly build: TransientBuild };

/** Program that uploads (`--tool`); `auto` is `native`, the built-in client. */
export type PushTool = "auto" | "native" | "skopeo" | "crane";

/** What a push attaches to its images. */
export interface AttestRequest {
  /** Format of the bill of materials; none if absent. */
  readonly sbom?: "cyclonedx" | "spdx";
  /** Whether it says how the image was built. */
  readonly provenance: boolean;
  /** Absolute path of the private key that signs all of it. */
  readonly sign?: string;
}

/** The same as flags say it; what they leave out, `[_.oci]` says. */
export type AttestFlags = { readonly [K in keyof AttestRequest]?: AttestRequest[K] | false };

/** A document that was attached to an image. */
export interface AttachedDocument {
  /** Digest of the manifest or index that it is about. */
  readonly subject: Digest;
  /** Digest of its own manifest. */
  readonly digest: Digest;
  /** What it is: a media type. */
  readonly artifactType: string;
}

/** The flags of `push`, parsed. */
export interface PushRequest {
  /** Absolute working directory, for mise's settings. */
  readonly directory: string;
  /** What is pushed. */
  readonly image: ImageRequest;
  /** Where to; its text named the registry host. */
  readonly destination: Reference;
  /** Image whose tool layers are reused (`--cache-from`), in the destination's repository. */
  readonly cacheFrom?: Reference;
  /** Makes the tag an index with one entry per platform, others' entries kept. */
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
  /** Digest that the reference now names: the manifest's, or the index's. */
  readonly digest: Digest;
  /** Digest of the image manifest; of several images, of their index. */
  readonly manifestDigest: Digest;
  /** The images by platform, if several were pushed. */
  readonly images?: readonly PushedImage[];
  /** The destination in full. */
  readonly reference: string;
  /** Blobs sent, found there already, and mounted from another repository; absent with another tool. */
  readonly blobs?: {
    readonly uploaded: number;
    readonly present: number;
    readonly mounted: number;
    /** Bytes of the blobs sent. */
    readonly uploadedBytes: number;
  };
  /** The layers, bottom first, if the image was built. */
  readonly layers?: readonly LayerRow[];
  /** What was attached, if anything was asked for. */
  readonly attached?: readonly AttachedDocument[];
}

/** A container engine, or the first of podman and docker that is there. */
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
  /** Keeps the loaded image. */
  readonly keep: boolean;
  /** More arguments for the engine's `run`. */
  readonly engineArgs: readonly string[];
  /** What to run; empty: the image's own entrypoint and command. */
  readonly command: readonly string[];
}

/** How a run ended. */
export interface RunResult {
  /** The container's exit code. */
  readonly exitCode: number;
}

/** The flags of `load`, parsed. */
export interface LoadRequest {
  /** Absolute directory of the image layout. */
  readonly directory: string;
  /** Which of its images. */
  readonly platform?: Platform;
  /** Name in the engine; default: the layout's. */
  readonly tag?: string;
  /** Which engine takes it. */
  readonly engine: EngineChoice;
}

/** What a load did. */
export interface LoadResult {
  /** The engine that has the image now. */
  readonly engine: "podman" | "docker";
  /** Its name there, or its id if it has none. */
  readonly image: string;
  /** Digest of the image manifest. */
  readonly digest: Digest;
}
