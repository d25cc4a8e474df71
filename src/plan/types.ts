/**
 * What is to be built, as data: no I/O, no clock, nothing of the host but paths. `--dry-run` prints it,
 * golden tests compare it, cache keys are made of it.
 * @module
 */
import type { BaseSource, Compression, ManagerName, Platform } from "../oci/mod.ts";
import type { DeclaredSecret } from "../secrets.ts";
import type { Healthcheck } from "./project.ts";

/** Numeric owner of the entries of a layer. */
export interface Owner {
  /** User id, 0 to 2^32-1. */
  readonly uid: number;
  /** Group id, 0 to 2^32-1. */
  readonly gid: number;
}

/** How layers are compressed. */
export interface CompressionPlan {
  /** The format. */
  readonly kind: Compression;
  /** The format's own level; absent for `none`. */
  readonly level?: number;
}

/**
 * Something that goes into a layer. `imagePath` is absolute, without `.`, `..`, or a trailing slash.
 *
 * - `tree`: what `hostPath` is (its root followed if it is a link); a directory's *contents* appear at
 *   `imagePath`, without what the globs of `exclude` name.
 * - `file`: one regular file (links followed), with the given mode.
 * - `content`: text made by the program.
 * - `absent`: a whiteout: what layers below have there is not in the image.
 * - `directory`: an empty directory, mode 0755.
 * - `link`: a symbolic link.
 *
 * `owner` is that of the entries and of the directories made for them, if it is not the layer's; with
 * `home`, an image directory, only of those from there on: `/home` itself is nobody's home.
 */
export type LayerSource =
  | {
    readonly type: "tree";
    readonly hostPath: string;
    readonly imagePath: string;
    readonly exclude?: readonly string[];
    /** Patterns of the tree's `.dockerignore`, in its order. */
    readonly ignore?: readonly string[];
    /** Permission bits of `hostPath`, if that is a file; by default 0755 or 0644. */
    readonly mode?: number;
    readonly owner?: Owner;
    readonly home?: string;
  }
  | { readonly type: "absent"; readonly imagePath: string }
  | { readonly type: "link"; readonly imagePath: string; readonly target: string }
  | {
    readonly type: "file";
    readonly hostPath: string;
    readonly imagePath: string;
    readonly mode: number;
  }
  | {
    readonly type: "content";
    readonly content: string;
    /** How `content` stands for bytes; by default it is text. */
    readonly encoding?: "base64";
    readonly imagePath: string;
    readonly mode: number;
    readonly owner?: Owner;
    readonly home?: string;
  }
  | {
    readonly type: "directory";
    readonly imagePath: string;
    /** Permission bits; by default 0755. */
    readonly mode?: number;
    readonly owner?: Owner;
    readonly home?: string;
  };

/** The system packages of an image. */
export interface PackageChoice {
  /** Package manager of the base. */
  readonly manager: ManagerName;
  /** The packages; without a version the newest that the base's sources have. */
  readonly packages: readonly { readonly name: string; readonly version?: string }[];
}

/** A host directory and where its content is in the image: paths below `host` are rebased to `image`. */
export interface Relocation {
  /** Absolute host directory. */
  readonly host: string;
  /** Absolute image directory. */
  readonly image: string;
}

/**
 * How the files of a layer are treated. Its planner decides; code that builds and examines layers uses these and
 * never the kind. What is absent is `false`.
 */
export interface LayerPolicies {
  /** Modes, owners and whiteouts are as they are on disk, in place of normal modes and the layer's owner. */
  readonly keepsAttributes?: boolean;
  /** Its trees are installs of mise: what package managers keep for themselves is left out. */
  readonly isInstall?: boolean;
  /** Its files were published by others: what looks like a credential in them is an example. */
  readonly isPublished?: boolean;
  /** Every text in it is searched for credentials, not only files that are known for them. */
  readonly searchesTexts?: boolean;
  /** It is above all layers that are not, and what it holds is what the image has. */
  readonly isTop?: boolean;
  /** It rarely depends on what the base holds, so that it can be built while the base is pulled. */
  readonly precedesBase?: boolean;
}

/** One layer to be built: a pure function of this, the files it names, and the compression. */
export interface LayerPlan {
  /**
   * What the layer is for, one lower-case word: tables, messages and the annotation `dev.mise.layer.kind` have
   * it. Its planner in `src/plan/layers/` chooses it; the history of the image (`createdBy`) begins with it.
   */
  readonly kind: string;
  /** Its name in the table: a tool's short name, `mise`, `config`, an image path. */
  readonly name: string;
  /** The tool's or mise's version. */
  readonly version?: string;
  /** Owner of every entry. */
  readonly owner: Owner;
  /** What goes in, later sources replacing earlier ones at the same path. */
  readonly sources: readonly LayerSource[];
  /** Host directories that links and `#!` lines may name; the layer's own tree is among them. */
  readonly relocations: readonly Relocation[];
  /**
   * Globs of paths, relative to any tree source, that are left out with everything below them; one
   * without a slash names files and directories at every depth.
   */
  readonly exclude: readonly string[];
  /** How its files are treated. */
  readonly policies: LayerPolicies;
  /** What the package manager is to install, of a packages layer. */
  readonly packages?: PackageChoice;
  /**
   * `created_by` of the layer's history entry: `mise-oci: KIND` or `mise-oci: KIND NAME`. Clients that copy images
   * may drop annotations; `inspect` then reads kind and name here.
   */
  readonly createdBy: string;
  /** Annotations of the layer's descriptor. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** What is laid over the base image's config. */
export interface ConfigPlan {
  /** RFC 3339 time; the workflow reads the clock, the plan does not. */
  readonly created: string;
  /** Environment in order of application, later wins; PATH is separate. */
  readonly env: readonly (readonly [name: string, value: string])[];
  /** Directories put before the inherited PATH. */
  readonly path: readonly string[];
  /** Variables applied last, which nothing shadows. */
  readonly fixedEnv: readonly (readonly [name: string, value: string])[];
  /** Overrides of the base's settings. */
  readonly entrypoint?: readonly string[];
  /** Override of Cmd. */
  readonly cmd?: readonly string[];
  /** Override of User. */
  readonly user?: string;
  /** Override of WorkingDir. */
  readonly workdir?: string;
  /** Labels, later wins, over the base's. */
  readonly labels: Readonly<Record<string, string>>;
  /** Annotations of the manifest, and of the index that names several. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Ports beside the base's: `8080/tcp`. */
  readonly expose?: readonly string[];
  /** Volumes beside the base's. */
  readonly volumes?: readonly string[];
  /** Override of StopSignal. */
  readonly stopSignal?: string;
  /** Override of Healthcheck. */
  readonly healthcheck?: Healthcheck;
}

/** Everything about one image of one platform. */
export interface BuildPlan {
  /** What the image runs on. */
  readonly platform: Platform;
  /** The base image. */
  readonly from: BaseSource;
  /** The base as the user wrote it. */
  readonly fromText: string;
  /** Name in the layout's index. */
  readonly tag?: string;
  /** Where mise's data directory is in the image. */
  readonly mountPoint: string;
  /** How layers are compressed. */
  readonly compression: CompressionPlan;
  /** The layers above the base, bottom first. */
  readonly layers: readonly LayerPlan[];
  /** Tools that are not installed, `node@24.11.0`; building needs them unless their layers are reused. */
  readonly missing?: readonly string[];
  /** The image config. */
  readonly config: ConfigPlan;
  /** Values that no file of the image may hold; never printed. */
  readonly declared?: readonly DeclaredSecret[];
  /** What may be in the image though it looks like a secret: patterns of names and image paths. */
  readonly allowed?: readonly string[];
  /** What the user should know, one sentence each, without secrets. */
  readonly warnings: readonly string[];
  /** What is worth a line of detail. */
  readonly notes?: readonly string[];
}
