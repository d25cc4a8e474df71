/**
 * Projects to build images of, with a mise of their own.
 * @module
 */
import { dirname, join } from "@std/path";
import { makeTempDir, removeTree, run, type RunResult } from "./command.ts";
import {
  fetchMise,
  installTools,
  makeMiseHome,
  miseEnv,
  type MiseHome,
  type ToolName,
  TOOLS,
  toolsToml,
} from "./tools.ts";
import { linkWarmCache } from "./warm_cache.ts";

/** Options of {@linkcode createMiseProject}. */
export interface MiseProjectOptions {
  /** Tools of the testbed, in this order. Default: none. */
  readonly tools?: readonly ToolName[];
  /** More of `mise.toml`, after the `[tools]` table. */
  readonly toml?: string;
  /** More files: path below the project to content. */
  readonly files?: Readonly<Record<string, string>>;
  /**
   * Gives the project a data directory of its own with copies of its tools, which the test may change.
   * Default: no, the testbed's, which it must not change.
   */
  readonly ownData?: boolean;
  /**
   * What mise-oci's cache has at first: `warm`, the layers of the testbed's tools, or nothing. Default: `warm`,
   * if the project has tools and shares the testbed's data directory.
   */
  readonly cache?: "warm" | "empty";
  /** Whether mise trusts the project's config. Default: yes. */
  readonly trust?: boolean;
  /**
   * Puts the project below HOME and mise's directories where it has them by default, as users have them: then
   * mise writes paths with `~/`. The tools are the project's own (`ownData`). Default: no.
   */
  readonly belowHome?: boolean;
}

/** A project in a temporary directory with a mise of its own. */
export interface MiseProject extends AsyncDisposable {
  /** Absolute directory of the project. */
  readonly directory: string;
  /** Absolute directory for whatever else the test makes; removed with the project. */
  readonly root: string;
  /** Absolute path of the mise executable. */
  readonly mise: string;
  /** `MISE_DATA_DIR`. */
  readonly data: string;
  /** The whole environment to run programs in; may be extended by spreading. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs mise in the project. */
  runMise(...args: readonly string[]): Promise<RunResult>;
  /** Absolute install directory of a tool. */
  installPath(tool: ToolName): string;
}

function installDir(name: ToolName): string {
  const { key, version } = TOOLS[name];
  return join("installs", key.replace(":", "-"), version);
}

async function copyTools(from: string, to: string, tools: readonly ToolName[]): Promise<void> {
  const manifest = "installs/.mise-installs.toml";
  for (const name of tools) {
    const target = join(to, installDir(name));
    await Deno.mkdir(dirname(target), { recursive: true });
    await run(["cp", "-a", "--reflink=auto", join(from, installDir(name)), target]);
  }
  if (tools.length > 0) await Deno.copyFile(join(from, manifest), join(to, manifest));
}

/** The environment without the variables that say where mise keeps its things; its config goes where it is then. */
async function defaultPlaces(
  env: Readonly<Record<string, string>>,
  { root }: MiseHome,
): Promise<Record<string, string>> {
  await Deno.mkdir(join(root, "home/.config"), { recursive: true });
  await Deno.rename(join(root, "config"), join(root, "home/.config/mise"));
  const own = /^(?:MISE_(?:DATA|CACHE|CONFIG|STATE)_DIR|XDG_CACHE_HOME)$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.test(name)));
}

/**
 * Makes a project whose tools are installed already.
 *
 * ```ts ignore
 * await using project = await createMiseProject({ tools: ["node", "prettier"] });
 * await run([Deno.execPath(), "run", "-P", "main.ts", "build"], { env: project.env });
 * ```
 */
export async function createMiseProject(options: MiseProjectOptions = {}): Promise<MiseProject> {
  const { tools = [], toml = "", files = {}, trust = true, belowHome = false } = options;
  const { ownData = belowHome } = options;
  const { cache = tools.length === 0 || ownData ? "empty" : "warm" } = options;
  const mise = await fetchMise();
  const shared = tools.length === 0 ? undefined : await installTools();
  const temp = await makeTempDir();
  const directory = join(temp.path, belowHome ? "home/work/my project" : "project");
  const root = belowHome ? temp.path : join(temp.path, "mise");
  const ownDirectory = join(root, belowHome ? "home/.local/share/mise" : "data");
  const home: MiseHome = {
    root,
    data: ownData || shared === undefined ? ownDirectory : shared,
  };
  await makeMiseHome(home);
  await Deno.mkdir(directory, { recursive: true });
  if (shared !== undefined && ownData) await copyTools(shared, home.data, tools);
  const text = `${tools.length === 0 ? "" : toolsToml(tools)}${toml}`;
  for (const [path, content] of Object.entries({ "mise.toml": text, ...files })) {
    await Deno.mkdir(dirname(join(directory, path)), { recursive: true });
    await Deno.writeTextFile(join(directory, path), content);
  }
  const env = belowHome ? await defaultPlaces(miseEnv(mise, home), home) : miseEnv(mise, home);
  if (cache === "warm") await linkWarmCache(join(home.root, "home/.cache/mise-oci"));
  if (trust) await run([mise, "trust", "--all"], { env, cwd: directory });
  return {
    directory,
    root: temp.path,
    mise,
    data: home.data,
    env,
    runMise: (...args) => run([mise, ...args], { env, cwd: directory }),
    installPath: (tool) => join(home.data, installDir(tool)),
    [Symbol.asyncDispose]: () => removeTree(temp.path),
  };
}
