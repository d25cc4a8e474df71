/**
 * The config layer: makes the tools available to mise and login shells in the image, and creates
 * the directories that the image's user needs.
 * @module
 */
import { stringify } from "@std/toml";
import { Annotation } from "../../oci/mod.ts";
import type { Project, Tool } from "../project.ts";
import type { ConfigPlan, LayerPlan, LayerSource, Owner } from "../types.ts";

/** Image path of mise's system config directory. */
export const MISE_CONFIG_DIR = "/etc/mise";
/** Variable with the directories whose config files mise trusts: the working directory of the image. */
export const TRUSTED_PATHS = "MISE_TRUSTED_CONFIG_PATHS";
/** Image path of the script that login shells read. */
const PROFILE_SCRIPT = "/etc/profile.d/mise-oci.sh";

const ROOT: Owner = { uid: 0, gid: 0 };

/** Input of the config layer; some of it depends on the base. */
export interface ConfigLayerInput {
  /** The tools. */
  readonly project: Pick<Project, "tools"> & { readonly oci: Pick<Project["oci"], "hostLinks"> };
  /** Image directory of the tools, without `/installs`. */
  readonly mountPoint: string;
  /** Owner of entries that belong to no user. */
  readonly owner: Owner;
  /** Variables and PATH, for login shells. */
  readonly config: Pick<ConfigPlan, "env" | "path" | "fixedEnv">;
  /** Whether to add the profile script; `scratch` has no login shells. */
  readonly login: boolean;
  /**
   * Directories to create for the image's user, with their owners: working directory, home, `/tmp`.
   */
  readonly directories: readonly {
    readonly path: string;
    readonly owner: Owner;
    readonly mode?: number;
  }[];
  /** Files owned by root that the base lacks: its user database. */
  readonly files?: readonly { readonly path: string; readonly content: string }[];
}

/** The tool's backend for `[tool_alias]`; `undefined` if mise finds the tool by its name. */
function maybeAlias({ short, backend }: Tool): string | undefined {
  const isOwn = short.includes(":") || backend === "" || backend.startsWith("core:");
  return isOwn || backend === short ? undefined : backend;
}

/**
 * Encodes mise's config file. A tool with several versions gets a list, in the project's order. A
 * name that is not its backend's gets an alias, so that mise needs neither the project's config nor
 * its registry.
 */
export function encodeMiseConfig(tools: readonly Tool[]): string {
  const versions = new Map<string, string[]>();
  const aliases: Record<string, string> = {};
  for (const tool of tools.filter(({ ofTask }) => ofTask !== true)) {
    const { short, version } = tool;
    versions.set(short, [...versions.get(short) ?? [], version]);
    const alias = maybeAlias(tool);
    if (alias !== undefined) aliases[short] = alias;
  }
  const table = Object.fromEntries(
    [...versions].map(([short, list]) => [short, list.length === 1 ? list[0] : list]),
  );
  const alias = Object.keys(aliases).length === 0 ? {} : { tool_alias: aliases };
  return `${stringify({ tools: table, ...alias }).trim()}\n`;
}

/**
 * Encodes the file that mise keeps beside the versions of a tool, without which it does not
 * recognize them.
 */
function encodeBackendManifest({ short, backend, backendManifest }: Tool): string {
  const { full = backend, opts } = backendManifest ?? {};
  return `${
    stringify({
      short,
      full,
      // Derived from the name, because mise's own value for a tool can differ between platforms.
      explicit_backend: short.includes(":"),
      ...(opts === undefined ? {} : { opts }),
    }).trim()
  }\n`;
}

function shellQuote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

/**
 * The script for login shells, which reset PATH (`/etc/profile`, `login`, `su -`): prepends the
 * tools' directories and sets the image's variables unless they are set.
 */
function encodeProfile({ env, path, fixedEnv }: ConfigLayerInput["config"]): string {
  const lines = ["# Made by mise-oci: login shells have the tools and the variables of the image."];
  // Prepended in reverse, so that the first directory comes first.
  for (const directory of path.toReversed()) {
    const quoted = shellQuote(directory);
    lines.push(
      `case ":$PATH:" in *:${quoted}:*) ;; *) PATH=${quoted}"\${PATH:+:$PATH}" ;; esac`,
    );
  }
  lines.push("export PATH");
  const variables = new Map([...env.filter(([name]) => name !== "PATH"), ...fixedEnv]);
  for (const [name, value] of variables) {
    // Names that a shell cannot set come only from the container's environment.
    if (!/^[A-Za-z_]\w*$/.test(name)) continue;
    lines.push(`[ -n "\${${name}+x}" ] || export ${name}=${shellQuote(value)}`);
  }
  return `${lines.join("\n")}\n`;
}

/**
 * Links from mise's install directories on the host to the image's, for programs with a compiled-in
 * prefix; none where both are the same.
 */
function hostLinks({ project, mountPoint }: ConfigLayerInput): readonly LayerSource[] {
  if (project.oci.hostLinks !== true) return [];
  const target = `${mountPoint}/installs`;
  const roots = project.tools.flatMap((
    { installPath, writtenPath = installPath, realInstallPath = installPath, installDir },
  ) =>
    [installPath, writtenPath, realInstallPath]
      .filter((path) => path.endsWith(`/installs/${installDir}`))
      .map((path) => path.slice(0, -installDir.length - 1))
  );
  return [...new Set(roots)].filter((root) => root !== target).sort()
    .map((imagePath) => ({ type: "link", imagePath, target }));
}

/** Plans the config layer, the topmost. */
export function planConfigLayer(input: ConfigLayerInput): LayerPlan {
  const { project, mountPoint, owner, config, login, directories, files = [] } = input;
  const byDirectory = new Map(
    project.tools.map((tool) => [tool.installDir.slice(0, tool.installDir.lastIndexOf("/")), tool]),
  );
  const manifests = [...byDirectory].map(([directory, tool]): LayerSource => ({
    type: "content",
    content: encodeBackendManifest(tool),
    imagePath: `${mountPoint}/installs/${directory}/.mise.backend.toml`,
    mode: 0o644,
  }));
  const hasVariables = config.path.length > 0 || config.env.length > 0;
  const profile: LayerSource = {
    type: "content",
    content: encodeProfile(config),
    imagePath: PROFILE_SCRIPT,
    mode: 0o644,
    // Root sources it at login.
    owner: ROOT,
  };
  return {
    kind: "config",
    name: "config",
    owner,
    sources: [
      {
        type: "content",
        content: encodeMiseConfig(project.tools),
        imagePath: `${MISE_CONFIG_DIR}/config.toml`,
        mode: 0o644,
      },
      ...manifests,
      ...hostLinks(input),
      ...(login && hasVariables ? [profile] : []),
      ...directories.map(({ path, owner, mode }): LayerSource => ({
        type: "directory",
        imagePath: path,
        owner,
        home: path,
        ...(mode === undefined ? {} : { mode }),
      })),
      ...files.map(({ path, content }): LayerSource => ({
        type: "content",
        content,
        imagePath: path,
        mode: 0o644,
        owner: ROOT,
      })),
    ],
    relocations: [],
    exclude: [],
    policies: { isTop: true },
    createdBy: `mise-oci: ${MISE_CONFIG_DIR}/config.toml`,
    annotations: { [Annotation.layerKind]: "config" },
  };
}
