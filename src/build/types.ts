/**
 * Input and output of a build.
 * @module
 */
import type { MountPoint } from "../oci/image_path.ts";
import type { NamedBase } from "../oci/image_source.ts";
import type { TreeLists } from "../layer/tree/tree_lists.ts";
import type {
  CompressionChoice,
  Descriptor,
  DiffId,
  Digest,
  ImageConfig,
  Platform,
  Reference,
} from "../oci/mod.ts";
import type { MiseContext } from "../mise/context.ts";
import type { Copy, OciOverrides, Project } from "../plan/project.ts";
import type { BuildPlan, LayerPlan, Owner } from "../plan/types.ts";
import type { Cache } from "../store/cache.ts";
import type { CheckMode } from "../check/report/report_problems.ts";
import type { WorkflowContext } from "../context.ts";
import type { BaseImage } from "./base/base_image.ts";

/** The platforms for which a project is read. */
export interface PlatformRequest {
  /** The platform, if another than this machine's is requested. */
  readonly platform?: Platform;
  /** The same for several. */
  readonly platforms?: readonly Platform[];
}

/** The project to read from mise. */
export type AheadRequest = ProjectRequest & PlatformRequest;

/** The consumer of a project. */
export interface Taker {
  /** Receives the messages of mise, as if it had been run only now. */
  readonly context: MiseContext;
  /** Whether a project with missing tools cannot be used, because they would now be installed. */
  readonly whole: boolean;
}

/** A project that is being read. Dispose of it, so that no mise process keeps running. */
export interface AskedProject extends AsyncDisposable {
  /**
   * The project for the platform of a request, if it matches and was not taken before, since it may change
   * later.
   */
  take(request: AheadRequest, taker: Taker): Promise<Project | undefined>;
}

/** The context of a build. */
export interface BuildContext extends WorkflowContext {
  /** A project that is already being read. */
  readonly asked?: AskedProject;
}

/** The project, and how to run mise for it. Shared by build, run and push. */
export interface ProjectRequest {
  /** Absolute directory (`-C`). */
  readonly directory: string;
  /** mise environment (`-E`). */
  readonly miseEnv?: string;
  /** mise executable (`--mise`, `MISE_OCI_MISE`); default: `mise` on PATH. */
  readonly misePath?: string;
  /** Whether to include the global and system config. */
  readonly includeGlobal: boolean;
  /** Whether to run `mise install` first. */
  readonly install: boolean;
  /** Whether to install only what the lock file contains (`--locked`). */
  readonly locked?: boolean;
  /** Tools to leave out of the image (`--without`). */
  readonly without?: readonly string[];
  /** With `install`: the tools to install, `NAME@VERSION`; default: all missing ones. */
  readonly installOnly?: readonly string[];
  /** Whether to answer mise's prompts with yes (`-y`). */
  readonly yes?: boolean;
}

/** The flags of `build`, parsed; also of `run` and `push` when they build. */
export interface BuildRequest extends ProjectRequest {
  /** Absolute directory of the image layout (`-o`). */
  readonly output?: string;
  /** An archive to write (`--output-archive`). */
  readonly archive?: ArchiveRequest;
  /** Base image (`--from`). */
  readonly from?: NamedBase;
  /** Name of the image (`-t`). */
  readonly tag?: string;
  /** Values of `--env`, `--label`, `--entrypoint` and others, which override `[oci]`. */
  readonly overrides?: OciOverrides;
  /** `--mount-point`. */
  readonly mountPoint?: MountPoint;
  /** `--copy`, host paths absolute. */
  readonly copies: readonly Copy[];
  /** `--owner`. */
  readonly owner?: Owner;
  /** Whether to embed mise; false with `--no-mise`. */
  readonly embedMise: boolean;
  /** Whether to embed the compiled mise-oci (`--embed-self`). */
  readonly embedSelf?: boolean;
  /** Whether to use cached layers and, when pushing, layers of the registry. */
  readonly useCache: boolean;
  /** `--compression`; default: `[oci]`'s, else gzip. */
  readonly compression?: CompressionChoice;
  /** `--platform`. */
  readonly platform?: Platform;
  /** Several platforms, in place of `platform`: one image each, and an index. */
  readonly platforms?: readonly Platform[];
  /** mise executables for other platforms (`--mise-binary`), absolute. */
  readonly miseBinaries?: readonly MiseBinary[];
  /** `--pull`: whether a tag is resolved although its digest is cached. */
  readonly pull: "always" | "missing" | "never";
  /** `--allow-env`. */
  readonly allowEnv: readonly string[];
  /** `--drop-env`. */
  readonly dropEnv: readonly string[];
  /** Whether commands that do not start cause warnings or an error, or are not checked. */
  readonly check?: CheckMode;
  /** Whether to add missing packages to the config file and build with them (`--fix`). */
  readonly fix?: boolean;
  /** Whether to record the packages in the new layers, for a bill of materials. */
  readonly listPackages?: boolean;
  /** Repository of the layer store (`--store`, `MISE_OCI_STORE`); default: `[_.oci] store`. */
  readonly store?: Reference;
  /** Whether to add missing layers to the store (`--store-push`). */
  readonly storePush?: boolean;
  /** `--strict-env`. */
  readonly strictEnv: boolean;
  /** `-j`; default: the number of cores. */
  readonly jobs?: number;
}

/** A mise executable for a platform. */
export interface MiseBinary {
  /** The platform it runs on. */
  readonly platform: Platform;
  /** Absolute path of the file. */
  readonly path: string;
}

/** An archive that a build writes. */
export interface ArchiveRequest {
  /** Absolute path of the file, or `-` for standard output. */
  readonly path: string;
  /** The usual name of its format (`--format`). */
  readonly format: "oci-archive" | "docker-archive";
}

/** One row of the layer table. */
export interface LayerRow {
  /** `base`, `tool`, `mise`, `config`, … */
  readonly kind: string;
  /** Its name: a tool's name, the base's reference. */
  readonly name: string;
  /** The tool's version. */
  readonly version?: string;
  /** Digest of the blob. */
  readonly digest: Digest;
  /** Compressed size in bytes. */
  readonly size: number;
  /** Where its bytes came from. */
  readonly status: "built" | "cached" | "reused" | "base";
  /** The image that contained a reused layer. */
  readonly reusedFrom?: string;
}

/** One of several images made by a build. */
export interface BuiltImage {
  /** Its platform. */
  readonly platform: Platform;
  /** Digest of its manifest. */
  readonly digest: Digest;
  /** Its layers, bottom first. */
  readonly layers: readonly LayerRow[];
}

/** The result of a build. */
export interface BuildResult {
  /** The layout's directory, if one was requested. */
  readonly output?: string;
  /** The archive, if one was requested. */
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

/** A build without a requested layout: the workflow chooses a directory and removes it. */
export type TransientBuild = Omit<BuildRequest, "output" | "archive" | "tag">;

/** The input that determines an image. The output is part of it only so that copies exclude it. */
export type ImageInput = TransientBuild & Pick<BuildRequest, "tag" | "output" | "archive">;

/** A project with its plan. */
export interface PlannedImage {
  /** The project as read from mise, links resolved. */
  readonly project: Project;
  readonly plan: BuildPlan;
  /** Trees of its tools that are already listed, or being listed. */
  readonly lists?: TreeLists;
}

/** A layer of the image, its blob in the cache (unless it was reused from a registry). */
export interface MadeLayer {
  /** Its plan. */
  readonly plan: LayerPlan;
  /** Its blob, with annotations. */
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
  /** Where its bytes came from. */
  readonly status: Exclude<LayerRow["status"], "base">;
  /** The image it was reused from. */
  readonly reusedFrom?: string;
}

/** Options for building an image into the cache. */
export interface BuildInCacheOptions {
  /** Receives blobs, and contains layers built earlier. */
  readonly cache: Cache;
  /** Whether cached layers are used; otherwise everything is built again. */
  readonly useCache: boolean;
  /** The flags and options. */
  readonly request: ImageInput;
  /** Whether the base's layers may stay in their registry, since a push mounts them. */
  readonly lazyBase?: boolean;
}

/** A complete image that is not written anywhere yet. */
export interface ImageInCache extends PlannedImage {
  readonly base: BaseImage;
  /** Manifest, config and rows. */
  readonly image: ComposedImage;
}

/** A document of the image that is small enough for memory: its manifest or config. */
export interface Document {
  /** Its descriptor. */
  readonly descriptor: Descriptor;
  /** Its canonical bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An image of one platform: its documents are here, the blobs of its layers in the cache. */
export interface ComposedImage {
  /** The image manifest. */
  readonly manifest: Document;
  /** The image config. */
  readonly config: Document;
  /** The image config, parsed. */
  readonly imageConfig: ImageConfig;
  /** The user's annotations, which an index gets as well. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Layers, bottom first, including the base's. */
  readonly layers: readonly Descriptor[];
  /** The image's platform, from its config. */
  readonly platform: Platform;
  /** Rows of the layer table. */
  readonly rows: readonly LayerRow[];
}
