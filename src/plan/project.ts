/**
 * A project as read from mise by `src/mise`: the input of the plan. No I/O here.
 * @module
 */
import type { DeclaredSecret } from "../secrets.ts";
import type { CompressionChoice } from "../oci/compression.ts";
import type { MountPoint } from "../oci/image_path.ts";
import type { NamedBase } from "../oci/image_source.ts";

/** How mise resolved a tool, as recorded beside the tool's versions. */
export interface BackendManifest {
  /** Full backend: `npm:prettier`. */
  readonly full: string;
  /** Options of the backend, such as where its executables are. */
  readonly opts?: Readonly<Record<string, unknown>>;
}

/** A mise plugin, which installs a tool and defines its environment. */
export interface Plugin {
  /** Name of its directory below mise's plugins. */
  readonly name: string;
  /** Absolute host directory of its sources, links resolved. */
  readonly hostPath: string;
}

/**
 * The contents of a tool that is not simply its install directory; places are relative to the mount
 * point.
 */
export interface ToolParts {
  /**
   * Host trees, each without the relative paths in `exclude`; without `place`, at the tool's own
   * directory.
   */
  readonly trees: readonly {
    readonly hostPath: string;
    readonly place?: string;
    readonly exclude?: readonly string[];
  }[];
  /** Contents of files, by place. */
  readonly files?: Readonly<Record<string, string>>;
  /** Empty directories. */
  readonly directories?: readonly string[];
  /** Directories of executables, if they are not below the tool's own. */
  readonly path?: readonly string[];
  /** The places of host directories that the tool's variables name. */
  readonly moved?: Readonly<Record<string, string>>;
}

/** One tool of the project. */
export interface Tool {
  /** mise's name for it, the key in `[tools]`: `node`, `npm:prettier`. */
  readonly short: string;
  /** mise's full backend: `core:node`, `npm:prettier`, `aqua:jqlang/jq`. */
  readonly backend: string;
  /** Exact version. */
  readonly version: string;
  /** Absolute host directory of the install, as mise gives it. */
  readonly installPath: string;
  /**
   * The same directory as spelled in `MISE_DATA_DIR`, if that is not normalized; the tool's files
   * may contain it.
   */
  readonly writtenPath?: string;
  /** `<tool>/<version>` in mise's layout: the last two components of `installPath`. */
  readonly installDir: string;
  /** Whether it is installed. */
  readonly installed: boolean;
  /** Absolute host directories of its executables, in mise's order. */
  readonly binPaths: readonly string[];
  /** `installPath` with all links resolved; set by the workflow. */
  readonly realInstallPath?: string;
  /**
   * Directories of executables relative to the install, links resolved; `""` is the install itself.
   */
  readonly binDirs?: readonly string[];
  /** The contents of `.mise.backend.toml` beside the versions of the tool. */
  readonly backendManifest?: BackendManifest;
  /** Its contents, if they are not its install directory. */
  readonly parts?: ToolParts;
  /** The plugin that installed it. */
  readonly plugin?: Plugin;
  /** Config file that requests it. */
  readonly source?: string;
  /**
   * Whether only tasks request it: then it is in the image, but neither on PATH nor in mise's
   * config.
   */
  readonly ofTask?: true;
  /** The requested version: `24`, `latest`, `prefix:1.2`. */
  readonly requested?: string;
}

/** One variable of the project's environment. */
export interface EnvVariable {
  /** Name. */
  readonly name: string;
  /** Value; may be a secret, never printed. */
  readonly value: string;
  /** The file that sets it: a config file of the project, or a `.env` or script named in one. */
  readonly source?: string;
  /** The backend of the tool that sets it (`JAVA_HOME`, `GOROOT`). */
  readonly tool?: string;
  /** Whether mise marks it as a secret. */
  readonly redacted: boolean;
}

/** `[[oci.copy]]` or `--copy`: a host file or directory in a layer of its own. */
export interface Copy {
  /** Absolute host path. */
  readonly host: string;
  /** Absolute image path, without a trailing slash. */
  readonly image: string;
  /** Whether the image path was written with a trailing slash, which requires a directory. */
  readonly directory?: boolean;
  /** Patterns of its `.dockerignore`, in file order; read by the workflow. */
  readonly ignore?: readonly string[];
}

/** One entry of `[bootstrap.packages]`: a package for the base image's package manager. */
export interface SystemPackage {
  /**
   * Package manager, the part before the colon: `apt`, `apk`, or one that images do not support.
   */
  readonly manager: string;
  /** Name of the package. */
  readonly name: string;
  /** Exact version, or `latest`. */
  readonly version: string;
  /** Architectures (`GOARCH`) it is for; all if absent. */
  readonly architectures?: readonly string[];
  /** Config file that declares it. */
  readonly source: string;
}

/** The key of a package in the config: `apt:libatomic1`. */
export function packageKey({ manager, name }: Pick<SystemPackage, "manager" | "name">): string {
  return `${manager}:${name}`;
}

/** One whole-file entry of `[dotfiles]`. */
export interface Dotfile {
  /** Its target as mise reports it: absolute, or below `~/`. */
  readonly target: string;
  /**
   * How mise installs it; `content` is text in the config file itself, `absent` removes the target.
   */
  readonly mode: "copy" | "symlink" | "symlink-each" | "template" | "content" | "absent";
  /** Permission bits of the file, if configured. */
  readonly permissions?: number;
  /** Absolute host path of the file or directory; absent for `content` and `absent`. */
  readonly hostPath?: string;
  /** The text: as written for `content`, as rendered by mise for `template`. */
  readonly content?: string;
  /** Globs of excluded paths, relative to the directory at `hostPath`. */
  readonly exclude: readonly string[];
  /** Config file that declares it. */
  readonly source: string;
}

/** Docker's `HEALTHCHECK`: not part of the OCI specification, but used by docker and podman. */
export interface Healthcheck {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`. */
  readonly test: readonly string[];
  /** Interval between checks, in nanoseconds. */
  readonly interval?: number;
  /** Timeout of a check, in nanoseconds. */
  readonly timeout?: number;
  /** Initial period in which failures do not count, in nanoseconds. */
  readonly startPeriod?: number;
  /** Number of consecutive failures that make a container unhealthy. */
  readonly retries?: number;
}

/**
 * Flags that override `[oci]` for one build; `env`, `labels` and `annotations` are merged by name.
 */
export type OciOverrides = Partial<
  Pick<OciSection, "env" | "labels" | "annotations" | "entrypoint" | "cmd" | "user" | "workdir">
>;

/** Applies the overrides to the section. */
export function overrideOci(oci: OciSection, overrides: OciOverrides = {}): OciSection {
  return {
    ...oci,
    ...overrides,
    env: { ...oci.env, ...overrides.env },
    labels: { ...oci.labels, ...overrides.labels },
    annotations: { ...oci.annotations, ...overrides.annotations },
  };
}

/** An entry of `[_.oci] verify`: the key that bases and layer stores must be signed with. */
export interface VerifyRule {
  /**
   * Repository pattern: `*` matches within a component, `**` everything below: `ghcr.io/acme/*`.
   */
  readonly from: string;
  /** Absolute path of the public key. */
  readonly key: string;
}

/** The layer store of `[_.oci] store`. */
export interface StoreSetting {
  /** Its repository: `ghcr.io/acme/mise-layers`. */
  readonly ref: string;
  /** Whether a push also writes layers that the store lacks. */
  readonly push: boolean;
}

/** The merged `[oci]` tables of the project's config files. */
export interface OciSection {
  /** Base image. */
  readonly from?: NamedBase;
  /** Name of the image. */
  readonly tag?: string;
  /** WorkingDir. */
  readonly workdir?: string;
  /** Entrypoint. */
  readonly entrypoint?: readonly string[];
  /** Cmd. */
  readonly cmd?: readonly string[];
  /** User. */
  readonly user?: string;
  /** Owner of layer entries. */
  readonly userId?: number;
  /** Group of layer entries; default `userId`. */
  readonly groupId?: number;
  /** Image directory of mise's data. */
  readonly mountPoint?: MountPoint;
  /** Copies, least specific file first. */
  readonly copy: readonly Copy[];
  /** Image-only variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Annotations of the manifest, and of the index that names several. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Exposed ports: `8080/tcp`. */
  readonly expose?: readonly string[];
  /** Absolute image paths of volumes. */
  readonly volumes?: readonly string[];
  /** Signal that stops a container: a name such as `SIGINT`, or a number. */
  readonly stopSignal?: string;
  /** Health check of containers. */
  readonly healthcheck?: Healthcheck;
  /** Variables to bake in although they look like secrets. */
  readonly allowEnv: readonly string[];
  /** Variables to leave out. */
  readonly dropEnv: readonly string[];
  /** asdf plugins whose tools are packed, although their scripts may write anywhere. */
  readonly allowPlugins?: readonly string[];
  /** Tools to leave out, together with their variables. */
  readonly without?: readonly string[];
  /** How layers are compressed. */
  readonly compression?: CompressionChoice;
  /** Absolute host paths of CA certificates in PEM form. */
  readonly ca?: readonly string[];
  /** Whether to include the tools of tasks. */
  readonly taskTools?: boolean;
  /** Whether to link the tools' host directories to their image directories. */
  readonly hostLinks?: boolean;
  /** Maximum number of layers, including the base's; if necessary, tools share a layer. */
  readonly maxLayers?: number;
  /** Globs of paths below a tool that are left out of its layer. */
  readonly exclude?: readonly string[];
  /** Signature rules for bases and layer stores, collected from all files. */
  readonly verify?: readonly VerifyRule[];
  /** Format of the bill of materials that a push attaches; `false` for none. */
  readonly sbom?: "cyclonedx" | "spdx" | false;
  /** Whether a push attaches provenance. */
  readonly provenance?: boolean;
  /** Absolute path of the key that a push signs with. */
  readonly sign?: string;
  /** The layer store. */
  readonly store?: StoreSetting;
}

/** The mise settings that affect a build. */
export interface MiseSettings {
  /** `oci.default_from`. */
  readonly defaultFrom?: string;
  /** `oci.default_mount_point`. */
  readonly defaultMountPoint?: string;
  /** `oci.insecure_registries`. */
  readonly insecureRegistries: readonly string[];
  /** `url_replacements`, in order: what mise replaces in URLs, and with what. */
  readonly urlReplacements?: readonly (readonly [string, string])[];
  /** `install_layout` (mise 2026.10 and later): how install directories are named. */
  readonly installLayout?: string;
  /** `offline`: mise makes no network requests. */
  readonly offline?: boolean;
}

/** A project as read from mise. */
export interface Project {
  /** Absolute directory in which mise was run. */
  readonly directory: string;
  /** Absolute path of the mise executable. */
  readonly misePath: string;
  /** Its version, `2026.9.15`. */
  readonly miseVersion: string;
  /** Absolute paths of the config files in scope, least specific first. */
  readonly configFiles: readonly string[];
  /** The tools, in the project's order. */
  readonly tools: readonly Tool[];
  /** The environment without PATH: the project's variables in mise's order, then the tools'. */
  readonly env: readonly EnvVariable[];
  /** Secret variables of the global config, which are not in the image. */
  readonly secrets?: readonly DeclaredSecret[];
  /** The merged `[oci]` tables. */
  readonly oci: OciSection;
  /** The settings that affect a build. */
  readonly settings: MiseSettings;
  /** `[bootstrap.packages]`, least specific file first. */
  readonly packages?: readonly SystemPackage[];
  /** `[dotfiles]`, as merged by mise. */
  readonly dotfiles?: readonly Dotfile[];
  /** Warnings for the user, one sentence each. */
  readonly warnings: readonly string[];
}
