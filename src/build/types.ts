/**
 * What a build takes and returns.
 * @module
 */
import type { MountPoint } from "../oci/image_path.ts";
import type { CompressionChoice, Digest, Platform } from "../oci/mod.ts";
import type { Copy } from "../plan/project.ts";
import type { Owner } from "../plan/types.ts";
import type { CheckMode } from "../check/report_problems.ts";
import type { WorkflowContext } from "../context.ts";
import type { AskedProject } from "./ask_ahead.ts";

/** The surroundings of a build. */
export interface BuildContext extends WorkflowContext {
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
  /** Installs only what the lock file has (`--locked`). */
  readonly locked?: boolean;
  /** Tools that the image does not get (`--without`). */
  readonly without?: readonly string[];
  /** Answers yes to what mise asks (`-y`). */
  readonly yes?: boolean;
}

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
  readonly mountPoint?: MountPoint;
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
