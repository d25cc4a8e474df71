/**
 * What commands ask of workflows and get back.
 * @module
 */
import type { Compression, Digest, Platform } from "../oci/mod.ts";
import type { Copy } from "../plan/project.ts";
import type { Owner } from "../plan/types.ts";
import type { Reporter } from "../ui/reporter.ts";

/** What every workflow needs of its surroundings. */
export interface WorkflowContext {
  /** Where events go. */
  readonly reporter: Reporter;
  /** Aborted on SIGINT, SIGTERM and SIGHUP; everything running stops and cleans up. */
  readonly signal: AbortSignal;
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
}

/** The flags of `build`, parsed; also of `run` and `push` when they build. */
export interface BuildRequest extends ProjectRequest {
  /** Absolute directory of the image layout (`-o`). */
  readonly output: string;
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
  /** Uses the cache of built layers and, when pushing, layers of the registry. */
  readonly useCache: boolean;
  /** `--compression`. */
  readonly compression: Compression;
  /** Level of the compression; default: the format's. */
  readonly compressionLevel?: number;
  /** `--platform`. */
  readonly platform?: Platform;
  /** `--pull`: whether a tag is looked up although the cache knows it. */
  readonly pull: "always" | "missing" | "never";
  /** `--allow-env`. */
  readonly allowEnv: readonly string[];
  /** `--drop-env`. */
  readonly dropEnv: readonly string[];
  /** `--strict-env`. */
  readonly strictEnv: boolean;
  /** `-j`; default: the number of cores. */
  readonly jobs?: number;
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
}

/** What a build made. */
export interface BuildResult {
  /** The layout's directory. */
  readonly output: string;
  /** Digest of the image manifest. */
  readonly digest: Digest;
  /** Name in the layout. */
  readonly tag?: string;
  /** The image's platform. */
  readonly platform: Platform;
  /** The layers, bottom first. */
  readonly layers: readonly LayerRow[];
}
