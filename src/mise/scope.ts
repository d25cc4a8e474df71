/**
 * Decides which config files belong to the project (spec, section 2, "Scope").
 * @module
 */
import { isWithin } from "../paths.ts";
import { basename, dirname, isAbsolute, join, resolve } from "@std/path";
import type { ListedTool } from "./answers.ts";
import type { Session } from "./ask.ts";
import type { ConfigFile } from "./config_file.ts";
import type { MiseContext } from "./context.ts";

/** The places of config that is not the project's; every path also with links resolved. */
export interface OutsidePlaces {
  /** The user's home, whose config belongs to the user. */
  readonly homes: ReadonlySet<string>;
  /** Directories of the global and system config. */
  readonly directories: readonly string[];
  /** Individual global and system config files. */
  readonly files: ReadonlySet<string>;
}

async function withRealPath(paths: readonly (string | undefined)[]): Promise<readonly string[]> {
  const all = await Promise.all(paths.map(async (path) => {
    if (path === undefined || path === "") return [];
    const real = await Deno.realPath(path).catch(() => path);
    return real === path ? [path] : [path, real];
  }));
  return all.flat();
}

/**
 * Finds the places of config that is not the project's, as mise does (its documentation,
 * "Configuration").
 */
export async function findOutsidePlaces(context: Pick<MiseContext, "env">): Promise<OutsidePlaces> {
  const env = (name: string): string | undefined => context.env(name) || undefined;
  const home = env("HOME") ?? env("USERPROFILE");
  const tilde = (path: string | undefined): string | undefined =>
    home !== undefined && path?.startsWith("~/") ? join(home, path.slice(2)) : path;
  const xdg = env("XDG_CONFIG_HOME") ?? (home === undefined ? undefined : join(home, ".config"));
  const [homes, directories, files] = await Promise.all([
    withRealPath([home]),
    withRealPath([
      tilde(env("MISE_CONFIG_DIR")),
      xdg === undefined ? undefined : join(xdg, "mise"),
      tilde(env("MISE_SYSTEM_CONFIG_DIR")) ?? "/etc/mise",
    ]),
    withRealPath(
      [env("MISE_GLOBAL_CONFIG_FILE"), env("MISE_CONFIG_FILE"), env("MISE_SYSTEM_CONFIG_FILE")]
        .map(tilde),
    ),
  ]);
  return { homes: new Set(homes), directories, files: new Set(files) };
}

/**
 * The directory that a config file applies to: `/p` for `/p/mise.toml`, `/p/.mise/config.toml` and
 * `/p/.config/mise/conf.d/x.toml`.
 */
export function configRoot(path: string): string {
  const directory = dirname(path);
  const match = /^(.*?)(?:\/\.config\/mise|\/\.config|\/\.mise|\/mise)(?:\/(conf\.d|tasks))?$/.exec(
    directory.replaceAll("\\", "/"),
  );
  if (match === null) return directory;
  const inMiseDirectory = /\/mise(?:\/|$)/.test(directory) && !/\/\.config(?:\/|$)/.test(directory);
  const named = /^config(?:\..+)?\.toml$/.test(basename(path)) || match[2] !== undefined;
  return inMiseDirectory && !named ? directory : match[1] || "/";
}

/** Whether a config file belongs to the user or the system rather than the project. */
export function isOutside(path: string, places: OutsidePlaces): boolean {
  return places.files.has(path) || places.homes.has(configRoot(path)) ||
    places.directories.some((directory) => isWithin(path, directory));
}

/**
 * The root of the monorepo that contains the most specific file, if a file sets `monorepo_root =
 * true`. Config above it is not the project's.
 *
 * @param files Config files, most specific first.
 */
export function maybeMonorepoRoot(files: readonly ConfigFile[]): string | undefined {
  const root = files.find(({ table }) =>
    table["monorepo_root"] === true || table["experimental_monorepo_root"] === true
  );
  return root === undefined ? undefined : configRoot(root.path);
}

const CONFIG_NAME = /^(?:\.?(?:mise|rtx)|config)(?:\..+)?\.toml$/;

/**
 * Whether a row of `mise config ls` is a config file, since the list also contains the files that
 * `[env]` reads.
 */
export function isConfigFile(
  row: { readonly path: string; readonly tools: readonly string[] },
  context: Pick<MiseContext, "env">,
): boolean {
  if (row.tools.length > 0) return true;
  const name = basename(row.path);
  const named = ["MISE_OVERRIDE_CONFIG_FILENAMES", "MISE_DEFAULT_CONFIG_FILENAME"]
    .flatMap((variable) => (context.env(variable) ?? "").split(":"));
  return CONFIG_NAME.test(name) || name.endsWith(".tool-versions") || named.includes(name) ||
    (basename(dirname(row.path)) === "conf.d" && name.endsWith(".toml")) ||
    ["MISE_GLOBAL_CONFIG_FILE", "MISE_CONFIG_FILE", "MISE_SYSTEM_CONFIG_FILE"]
      .some((variable) => context.env(variable) === row.path);
}

/** Variables of mise that name data directories. */
const DATA_VARIABLES = ["MISE_DATA_DIR", "MISE_INSTALLS_DIR"];

/**
 * The data directories whose variables are not normalized (relative, with `..`), as absolute paths;
 * mise would repeat the original spelling in every path.
 *
 * @param directory Absolute directory in which mise runs.
 */
export function dataDirectories(
  directory: string,
  context: Pick<MiseContext, "env">,
): Readonly<Record<string, string>> {
  return Object.fromEntries(DATA_VARIABLES.flatMap((name) => {
    const written = context.env(name) || "~";
    if (written.startsWith("~") || written === resolve(written)) return [];
    const path = isAbsolute(written) ? written : `${directory}/${written}`;
    try {
      // Resolve links first, as the system does for "..".
      return [[name, Deno.realPathSync(path)]];
    } catch {
      return [[name, resolve(path)]];
    }
  }));
}

/**
 * The session with the variables that override tool versions cleared (mise ignores empty ones); `undefined` if
 * there are none.
 */
export function withoutOverrides(
  session: Session,
  tools: readonly Pick<ListedTool, "override">[],
): Session | undefined {
  const names = new Set(tools.flatMap(({ override }) => override === undefined ? [] : [override]));
  if (names.size === 0) return undefined;
  session.context.detail(
    1,
    `Ignoring ${[...names].join(", ")}: an image has the versions that the project asks for`,
  );
  return {
    ...session,
    env: { ...session.env, ...Object.fromEntries([...names].map((n) => [n, ""])) },
  };
}
