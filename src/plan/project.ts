/**
 * A project as mise sees it: the input of the plan. `src/mise` makes it, nothing here does I/O.
 * @module
 */
import type { DeclaredSecret } from "../secrets.ts";
import type { CompressionChoice } from "../oci/compression.ts";
import type { MountPoint } from "../oci/image_path.ts";
import type { NamedBase } from "../oci/image_source.ts";

/** How mise resolved a tool, as it notes it beside the tool's versions. */
export interface BackendManifest {
  /** Full backend: `npm:prettier`. */
  readonly full: string;
  /** Options of the backend, such as where its executables are. */
  readonly opts?: Readonly<Record<string, unknown>>;
}

/** A plugin of mise that installs tools and says what they need. */
export interface Plugin {
  /** The name of its directory among mise's plugins. */
  readonly name: string;
  /** Absolute host directory of its sources, links followed. */
  readonly hostPath: string;
}

/** What a tool is made of that has no directory of its own; places are relative to the mount point. */
export interface ToolParts {
  /** Trees of the host, each without the paths of `exclude`, relative to it; without `place`, that of the tool. */
  readonly trees: readonly {
    readonly hostPath: string;
    readonly place?: string;
    readonly exclude?: readonly string[];
  }[];
  /** Texts by place. */
  readonly files?: Readonly<Record<string, string>>;
  /** Empty directories. */
  readonly directories?: readonly string[];
  /** Directories of executables, if they are not below the tool's own. */
  readonly path?: readonly string[];
  /** Where host directories that the tool's variables name are in the image. */
  readonly moved?: Readonly<Record<string, string>>;
}

/** One tool of the project. */
export interface Tool {
  /** mise's name of it, the key in `[tools]`: `node`, `npm:prettier`. */
  readonly short: string;
  /** mise's full backend: `core:node`, `npm:prettier`, `aqua:jqlang/jq`. */
  readonly backend: string;
  /** Exact version. */
  readonly version: string;
  /** Absolute host directory of the install, as mise gives it. */
  readonly installPath: string;
  /** The same as `MISE_DATA_DIR` spells it, if it is not plain: files of the tool may have it so. */
  readonly writtenPath?: string;
  /** `<tool>/<version>` as mise lays it out: the last two components of `installPath`. */
  readonly installDir: string;
  /** Whether mise has it installed. */
  readonly installed: boolean;
  /** Absolute host directories of its executables, in mise's order. */
  readonly binPaths: readonly string[];
  /** `installPath` with all links followed, once the workflow has looked. */
  readonly realInstallPath?: string;
  /** Directories of executables below the install, links followed; `""` is the install itself. */
  readonly binDirs?: readonly string[];
  /** What mise keeps beside the versions of the tool, in `.mise.backend.toml`. */
  readonly backendManifest?: BackendManifest;
  /** What it is made of, if not of its install directory. */
  readonly parts?: ToolParts;
  /** The plugin that it is of. */
  readonly plugin?: Plugin;
  /** Config file that asks for it. */
  readonly source?: string;
  /** Whether only tasks ask for it: then it is in the image, but neither on PATH nor in mise's config. */
  readonly ofTask?: true;
  /** What that file asks for: `24`, `latest`, `prefix:1.2`. */
  readonly requested?: string;
}

/** One variable of the project's environment. */
export interface EnvVariable {
  /** Name. */
  readonly name: string;
  /** Value; may be a secret, never printed. */
  readonly value: string;
  /** File it comes from: one of the project's config files, or a `.env` or script that one names. */
  readonly source?: string;
  /** Tool that sets it (`JAVA_HOME`, `GOROOT`), as mise names its backend. */
  readonly tool?: string;
  /** Whether mise marks it as a secret. */
  readonly redacted: boolean;
}

/** `[[oci.copy]]` or `--copy`: something of the host put into the image as a layer of its own. */
export interface Copy {
  /** Absolute host path. */
  readonly host: string;
  /** Absolute image path, without a trailing slash. */
  readonly image: string;
  /** Whether the image path was written with a trailing slash: what is copied must be a directory. */
  readonly directory?: boolean;
  /** Patterns of its `.dockerignore`, in their order; the workflow reads them. */
  readonly ignore?: readonly string[];
}

/** One entry of `[bootstrap.packages]`: a package of the base image's own package manager. */
export interface SystemPackage {
  /** Package manager, the part before the colon: `apt`, `apk`, or one that no image can have. */
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

/** A package as the config names it: `apt:libatomic1`. */
export function packageKey({ manager, name }: Pick<SystemPackage, "manager" | "name">): string {
  return `${manager}:${name}`;
}

/** One whole-file entry of `[dotfiles]`. */
export interface Dotfile {
  /** Where it goes, as mise shows it: absolute, or below `~/`. */
  readonly target: string;
  /** How mise puts it there; `content` is text of the config file itself, `absent` removes it. */
  readonly mode: "copy" | "symlink" | "symlink-each" | "template" | "content" | "absent";
  /** Permission bits of the file, if the entry gives them. */
  readonly permissions?: number;
  /** Absolute host path of the file or directory; absent for `content` and `absent`. */
  readonly hostPath?: string;
  /** The text: of `content` as it is written, of `template` as mise renders it. */
  readonly content?: string;
  /** Globs, relative to a directory at `hostPath`, that are left out. */
  readonly exclude: readonly string[];
  /** Config file that declares it. */
  readonly source: string;
}

/** Docker's `HEALTHCHECK`: not part of the OCI specification, but docker and podman read it. */
export interface Healthcheck {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`. */
  readonly test: readonly string[];
  /** Nanoseconds between two checks. */
  readonly interval?: number;
  /** Nanoseconds until a check counts as failed. */
  readonly timeout?: number;
  /** Nanoseconds in which failures do not count. */
  readonly startPeriod?: number;
  /** Failures in a row that make a container unhealthy. */
  readonly retries?: number;
}

/** What flags of one build say in place of `[oci]`: `env`, `labels` and `annotations` name by name. */
export type OciOverrides = Partial<
  Pick<OciSection, "env" | "labels" | "annotations" | "entrypoint" | "cmd" | "user" | "workdir">
>;

/** The section with what the flags say. */
export function overrideOci(oci: OciSection, overrides: OciOverrides = {}): OciSection {
  return {
    ...oci,
    ...overrides,
    env: { ...oci.env, ...overrides.env },
    labels: { ...oci.labels, ...overrides.labels },
    annotations: { ...oci.annotations, ...overrides.annotations },
  };
}

/** An entry of `[_.oci] verify`: who must have signed which bases and layer stores. */
export interface VerifyRule {
  /** Repository, `*` for a part of it and `**` for all below: `ghcr.io/acme/*`. */
  readonly from: string;
  /** Absolute path of the public key. */
  readonly key: string;
}

/** A layer store, as `[_.oci] store` names it. */
export interface StoreSetting {
  /** Its repository: `ghcr.io/acme/mise-layers`. */
  readonly ref: string;
  /** Whether layers that it lacks are written to it after a push. */
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
  /** Where mise's data directory is in the image. */
  readonly mountPoint?: MountPoint;
  /** Copies, least specific file first. */
  readonly copy: readonly Copy[];
  /** Image-only variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Annotations of the manifest, and of the index that names several. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Ports that the image says it listens on: `8080/tcp`. */
  readonly expose?: readonly string[];
  /** Absolute image paths that engines mount a volume at. */
  readonly volumes?: readonly string[];
  /** Signal that stops a container: `SIGINT`, or a number. */
  readonly stopSignal?: string;
  /** How an engine finds out whether a container works. */
  readonly healthcheck?: Healthcheck;
  /** Variables baked in although they look like secrets. */
  readonly allowEnv: readonly string[];
  /** Variables left out of the image. */
  readonly dropEnv: readonly string[];
  /** asdf plugins whose tools are packed although their scripts may write anywhere. */
  readonly allowPlugins?: readonly string[];
  /** Tools that are left out of the image, with their variables. */
  readonly without?: readonly string[];
  /** How layers are compressed. */
  readonly compression?: CompressionChoice;
  /** Absolute host paths of CA certificates in PEM form. */
  readonly ca?: readonly string[];
  /** Whether the image has the tools of tasks. */
  readonly taskTools?: boolean;
  /** Whether the image has a link from where the tools are on the host to where they are in the image. */
  readonly hostLinks?: boolean;
  /** How many layers the image may have, its base's included; tools share some if they are more. */
  readonly maxLayers?: number;
  /** Globs of paths below a tool that are left out of its layer. */
  readonly exclude?: readonly string[];
  /** Bases that must be signed; those of all files count. */
  readonly verify?: readonly VerifyRule[];
  /** Bill of materials that a push attaches; `false` for none. */
  readonly sbom?: "cyclonedx" | "spdx" | false;
  /** Whether a push attaches provenance. */
  readonly provenance?: boolean;
  /** Absolute path of the key that a push signs with. */
  readonly sign?: string;
  /** The layer store. */
  readonly store?: StoreSetting;
}

/** The settings of mise that matter to a build. */
export interface MiseSettings {
  /** `oci.default_from`. */
  readonly defaultFrom?: string;
  /** `oci.default_mount_point`. */
  readonly defaultMountPoint?: string;
  /** `oci.insecure_registries`. */
  readonly insecureRegistries: readonly string[];
  /** `url_replacements`, in order: what mise replaces in every URL, and by what. */
  readonly urlReplacements?: readonly (readonly [string, string])[];
  /** `install_layout` (mise 2026.10 and later): how directories of installs are named. */
  readonly installLayout?: string;
  /** `offline`: mise asks no server. */
  readonly offline?: boolean;
}

/** A project as mise sees it. */
export interface Project {
  /** Absolute directory the project was read in. */
  readonly directory: string;
  /** Absolute path of the mise executable that was asked. */
  readonly misePath: string;
  /** Its version, `2026.9.15`. */
  readonly miseVersion: string;
  /** Absolute paths of the config files in scope, least specific first. */
  readonly configFiles: readonly string[];
  /** The tools, in the project's order. */
  readonly tools: readonly Tool[];
  /** The environment without PATH: project variables in mise's order, then the tools' own. */
  readonly env: readonly EnvVariable[];
  /** Variables that mise marks as secret and the image does not get: those of the global config. */
  readonly secrets?: readonly DeclaredSecret[];
  /** The merged `[oci]` tables. */
  readonly oci: OciSection;
  /** The settings that matter. */
  readonly settings: MiseSettings;
  /** `[bootstrap.packages]`, least specific file first. */
  readonly packages?: readonly SystemPackage[];
  /** `[dotfiles]`, as mise merges them. */
  readonly dotfiles?: readonly Dotfile[];
  /** What the user should know, one sentence each. */
  readonly warnings: readonly string[];
}
