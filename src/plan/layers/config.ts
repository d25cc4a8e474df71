/**
 * The config layer: what makes mise and login shells in the image know the image's tools, and the
 * directories that its user needs.
 * @module
 */
import { stringify } from "@std/toml";
import { Annotation } from "../../oci/mod.ts";
import type { Project, Tool } from "../project.ts";
import type { ConfigPlan, LayerPlan, LayerSource, Owner } from "../types.ts";

/** Image path of mise's system config directory. */
export const MISE_CONFIG_DIR = "/etc/mise";
/** Where mise uses config files without a question: the working directory of the image. */
export const TRUSTED_PATHS = "MISE_TRUSTED_CONFIG_PATHS";
/** Image path of the script that login shells read. */
export const PROFILE_SCRIPT = "/etc/profile.d/mise-oci.sh";

const ROOT: Owner = { uid: 0, gid: 0 };

/** What the config layer needs besides the project; the base decides some of it. */
export interface ConfigLayerInput {
  /** The tools. */
  readonly project: Pick<Project, "tools"> & { readonly oci: Pick<Project["oci"], "hostLinks"> };
  /** Image directory of the tools, without `/installs`. */
  readonly mountPoint: string;
  /** Owner of what belongs to no user. */
  readonly owner: Owner;
  /** Variables and PATH, for login shells. */
  readonly config: Pick<ConfigPlan, "env" | "path" | "fixedEnv">;
  /** Whether the image may have login shells: `scratch` has none. */
  readonly login: boolean;
  /** Directories made for the image's user, each with its owner: the working directory, a home, `/tmp`. */
  readonly directories: readonly {
    readonly path: string;
    readonly owner: Owner;
    readonly mode?: number;
  }[];
  /** Files of root that the base lacks: its user database. */
  readonly files?: readonly { readonly path: string; readonly content: string }[];
}

/** The name that a tool's backend has in `[tool_alias]`; `undefined` if mise knows the tool by itself. */
function maybeAlias({ short, backend }: Tool): string | undefined {
  const isOwn = short.includes(":") || backend === "" || backend.startsWith("core:");
  return isOwn || backend === short ? undefined : backend;
}

/**
 * The text of the config file. A tool with several versions gets a list, in the project's order; a name
 * that is not its backend's gets an alias, so that mise needs neither the project's config nor a registry.
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

/** What mise keeps beside the versions of a tool: without it, mise cannot tell whose versions they are. */
function encodeBackendManifest({ short, backend, backendManifest }: Tool): string {
  const { full = backend, opts } = backendManifest ?? {};
  return `${
    stringify({
      short,
      full,
      // mise notes it differently on two platforms for the same tool.
      explicit_backend: short.includes(":"),
      ...(opts === undefined ? {} : { opts }),
    }).trim()
  }\n`;
}

function shellQuote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

/**
 * The script for login shells, which set PATH anew (`/etc/profile`, `login`, `su -`): puts the tools'
 * directories back in front of it, and sets the image's variables where they are unset.
 */
export function encodeProfile({ env, path, fixedEnv }: ConfigLayerInput["config"]): string {
  const lines = ["# Made by mise-oci: login shells have the tools and the variables of the image."];
  // The first directory must come first in the end.
  for (const directory of path.toReversed()) {
    const quoted = shellQuote(directory);
    lines.push(
      `case ":$PATH:" in *:${quoted}:*) ;; *) PATH=${quoted}"\${PATH:+:$PATH}" ;; esac`,
    );
  }
  lines.push("export PATH");
  const variables = new Map([...env.filter(([name]) => name !== "PATH"), ...fixedEnv]);
  for (const [name, value] of variables) {
    // A name that no shell can set is left to the container's own environment.
    if (!/^[A-Za-z_]\w*$/.test(name)) continue;
    lines.push(`[ -n "\${${name}+x}" ] || export ${name}=${shellQuote(value)}`);
  }
  return `${lines.join("\n")}\n`;
}

/**
 * Links from where mise installs tools on the host to where they are in the image, for programs with a
 * compiled-in prefix; none where both are the same.
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
    // Root reads it when it logs in.
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
