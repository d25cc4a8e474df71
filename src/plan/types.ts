/**
 * The description of an image to build, as data: no I/O, no clock, and of the host only paths. It
 * is what `--dry-run` prints, golden tests compare and cache keys are computed from.
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
 * Something that goes into a layer. `imagePath` is absolute, without `.`, `..`, or a trailing
 * slash.
 *
 * - `tree`: the file or directory at `hostPath`, which may be a link. The *contents* of a directory
 *   appear at `imagePath`, without the paths that match `exclude`.
 * - `file`: one regular file (links followed), with the given mode.
 * - `content`: generated text or bytes.
 * - `absent`: a whiteout, which removes what lower layers have at that path.
 * - `directory`: an empty directory.
 * - `link`: a symbolic link.
 *
 * `owner` applies to the entries and the directories created for them; the default is the layer's.
 * With `home`, an image directory, it applies only from there on: `/home` itself belongs to no
 * user.
 */
export type LayerSource =
  | {
    readonly type: "tree";
    readonly hostPath: string;
    readonly imagePath: string;
    readonly exclude?: readonly string[];
    /** Patterns of the tree's `.dockerignore`, in file order. */
    readonly ignore?: readonly string[];
    /** Permission bits, if `hostPath` is a file; by default 0755 or 0644. */
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
    /** Encoding of `content`; by default it is text. */
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
  /** The packages; without a version, the newest in the base's sources. */
  readonly packages: readonly { readonly name: string; readonly version?: string }[];
}

/** A host directory and its image directory: paths below `host` are rebased to `image`. */
export interface Relocation {
  /** Absolute host directory. */
  readonly host: string;
  /** Absolute image directory. */
  readonly image: string;
}

/**
 * How the files of a layer are treated, set by its planner. Code that builds and examines layers uses these
 * policies instead of the kind. Absent policies are `false`.
 */
export interface LayerPolicies {
  /** Keep modes, owners and whiteouts as they are on disk, without normalization. */
  readonly keepsAttributes?: boolean;
  /** The trees are mise installs: files that package managers keep for themselves are left out. */
  readonly isInstall?: boolean;
  /** The files were published by others: apparent credentials in them are examples. */
  readonly isPublished?: boolean;
  /** Search every text for credentials, not only files that usually contain them. */
  readonly searchesTexts?: boolean;
  /** It is above all layers without this policy, and nothing hides its files. */
  readonly isTop?: boolean;
  /** It rarely depends on the base's contents, so it can be built while the base is pulled. */
  readonly precedesBase?: boolean;
}

/** One layer to build: its bytes depend only on this, the files it names, and the compression. */
export interface LayerPlan {
  /**
   * The kind of layer, one lower-case word chosen by its planner in `src/plan/layers/`. It is used in tables,
   * messages, the annotation `dev.mise.layer.kind`, and at the beginning of `createdBy`.
   */
  readonly kind: string;
  /** Its name in tables: a tool's short name, `mise`, `config`, an image path. */
  readonly name: string;
  /** The tool's or mise's version. */
  readonly version?: string;
  /** Default owner of the entries. */
  readonly owner: Owner;
  /** Contents; later sources replace earlier ones at the same path. */
  readonly sources: readonly LayerSource[];
  /** Host directories to rebase in links and `#!` lines, including the layer's own tree. */
  readonly relocations: readonly Relocation[];
  /**
   * Globs of paths, relative to a tree source, that are left out with everything below them; a glob
   * without a slash matches names at every depth.
   */
  readonly exclude: readonly string[];
  /** How its files are treated. */
  readonly policies: LayerPolicies;
  /** Packages to install, if it is a packages layer. */
  readonly packages?: PackageChoice;
  /**
   * `created_by` of the layer's history entry: `mise-oci: KIND` or `mise-oci: KIND NAME`. `inspect`
   * reads kind and name here if a client has dropped the annotations.
   */
  readonly createdBy: string;
  /** Annotations of the layer's descriptor. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Changes to the base image's config. */
export interface ConfigPlan {
  /** RFC 3339 time; the workflow reads the clock. */
  readonly created: string;
  /** Variables in order of application, later wins; PATH is separate. */
  readonly env: readonly (readonly [name: string, value: string])[];
  /** Directories prepended to the inherited PATH. */
  readonly path: readonly string[];
  /** Variables applied last, which nothing overrides. */
  readonly fixedEnv: readonly (readonly [name: string, value: string])[];
  /** Override of Entrypoint. */
  readonly entrypoint?: readonly string[];
  /** Override of Cmd. */
  readonly cmd?: readonly string[];
  /** Override of User. */
  readonly user?: string;
  /** Override of WorkingDir. */
  readonly workdir?: string;
  /** Labels added to the base's, later wins. */
  readonly labels: Readonly<Record<string, string>>;
  /** Annotations of the manifest, and of the index that names several. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Ports added to the base's: `8080/tcp`. */
  readonly expose?: readonly string[];
  /** Volumes added to the base's. */
  readonly volumes?: readonly string[];
  /** Override of StopSignal. */
  readonly stopSignal?: string;
  /** Override of Healthcheck. */
  readonly healthcheck?: Healthcheck;
}

/** The plan of one image for one platform. */
export interface BuildPlan {
  /** Target platform. */
  readonly platform: Platform;
  /** The base image. */
  readonly from: BaseSource;
  /** The base as the user wrote it. */
  readonly fromText: string;
  /** Name in the layout's index. */
  readonly tag?: string;
  /** Image directory of mise's data. */
  readonly mountPoint: string;
  /** How layers are compressed. */
  readonly compression: CompressionPlan;
  /** The layers above the base, bottom first. */
  readonly layers: readonly LayerPlan[];
  /**
   * Tools that are not installed, `node@24.11.0`; a build needs them unless their layers are
   * reused.
   */
  readonly missing?: readonly string[];
  /** The image config. */
  readonly config: ConfigPlan;
  /** Values that no file of the image may contain; never printed. */
  readonly declared?: readonly DeclaredSecret[];
  /** Patterns of names and image paths that may be in the image although they look like secrets. */
  readonly allowed?: readonly string[];
  /** Warnings for the user, one sentence each, without secrets. */
  readonly warnings: readonly string[];
  /** Details for verbose output. */
  readonly notes?: readonly string[];
}
