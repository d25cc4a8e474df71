/**
 * A real mise, real tools, and projects to build images of, apart from the user's own mise.
 * @module
 */
import { dirname, join } from "@std/path";
import { cached, withLock } from "./lock.ts";
import { exists, makeTempDir, removeTree, run, type RunResult, which } from "./command.ts";
import { NPM_ARCH, TESTBED } from "./paths.ts";

/** The version of mise that the tests use. */
export const MISE_VERSION = "2026.9.15";

/** The tools of the testbed by short names, each an entry of `[tools]`. */
export const TOOLS = {
  node: { key: `npm:node-linux-${NPM_ARCH}`, version: "24.11.0" },
  prettier: { key: "npm:prettier", version: "3.6.2" },
  /** The version before {@linkcode TOOLS.prettier}: to bump from. */
  oldPrettier: { key: "npm:prettier", version: "3.6.1" },
  typescript: { key: "npm:typescript", version: "5.9.2" },
  eslint: { key: "npm:eslint", version: "9.35.0" },
} as const;

/** A tool of the testbed. */
export type ToolName = keyof typeof TOOLS;

/**
 * Absolute path of the mise executable of the testbed; fetched from the npm registry the first time.
 * Only the archive is unpacked: no install script runs.
 */
export async function fetchMise(): Promise<string> {
  const directory = await cached(`mise-${MISE_VERSION}-${NPM_ARCH}`, async (into) => {
    const name = `@jdxcode/mise-linux-${NPM_ARCH}@${MISE_VERSION}`;
    const packed = await run(["npm", "pack", "--silent", "--pack-destination", into, name]);
    const archive = join(into, packed.stdout.trim().split("\n").at(-1) ?? "");
    await run(["tar", "-xzf", archive, "-C", into, "--strip-components=1", "--no-same-owner"]);
    await Deno.remove(archive);
    await Deno.chmod(join(into, "bin/mise"), 0o755);
  });
  return join(directory, "bin/mise");
}

/** Where one mise keeps its things. */
export interface MiseHome {
  /** Directory of HOME, config, state and cache. */
  readonly root: string;
  /** `MISE_DATA_DIR`, where `installs/` is. */
  readonly data: string;
}

/**
 * The whole environment of an isolated mise: nothing of the user's config, state or tools. npm keeps
 * the user's own config file, which may name the registry to use.
 */
export function miseEnv(mise: string, { root, data }: MiseHome): Record<string, string> {
  const home = Deno.env.get("HOME") ?? "/root";
  const path = [
    dirname(mise),
    dirname(Deno.execPath()),
    Deno.env.get("PATH"),
    "/usr/sbin",
    "/sbin",
  ];
  const kept = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];
  const proxies = kept.flatMap((name) => [name, name.toLowerCase()]).map((name) => {
    return [name, Deno.env.get(name)] as const;
  }).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return {
    ...Object.fromEntries(proxies),
    PATH: path.join(":"),
    HOME: join(root, "home"),
    LANG: "C.UTF-8",
    MISE_DATA_DIR: data,
    MISE_CACHE_DIR: join(root, "cache"),
    MISE_CONFIG_DIR: join(root, "config"),
    MISE_STATE_DIR: join(root, "state"),
    MISE_SYSTEM_CONFIG_DIR: join(root, "system"),
    XDG_CACHE_HOME: join(root, "home/.cache"),
    npm_config_userconfig: Deno.env.get("npm_config_userconfig") ?? join(home, ".npmrc"),
    npm_config_cache: join(TESTBED, "npm-cache"),
    // Deno's cache holds the program's own dependencies.
    DENO_DIR: Deno.env.get("DENO_DIR") ??
      join(Deno.env.get("XDG_CACHE_HOME") ?? join(home, ".cache"), "deno"),
  };
}

/** The environment without the variables that say where mise keeps its things. */
function withoutDirectories(env: Readonly<Record<string, string>>): Record<string, string> {
  const own = /^(?:MISE_(?:DATA|CACHE|CONFIG|STATE)_DIR|XDG_CACHE_HOME)$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.test(name)));
}

/** What mise's own config says, so that its `npm:` tools install from any npm registry. */
const MISE_SETTINGS = `[settings]\nnpm.package_manager = "npm"\nminimum_release_age = "0s"\n`;

/** Where the testbed's own mise installs the tools that projects share. */
export const TOOLS_HOME: MiseHome = {
  root: join(TESTBED, "tools"),
  data: join(TESTBED, "tools/data"),
};

/** Makes the directories of a mise home and its config. */
export async function makeMiseHome(home: MiseHome): Promise<void> {
  for (const name of ["home", "cache", "config", "state", "system"]) {
    await Deno.mkdir(join(home.root, name), { recursive: true });
  }
  await Deno.mkdir(home.data, { recursive: true });
  await Deno.writeTextFile(join(home.root, "config/config.toml"), MISE_SETTINGS);
}

/** The `[tools]` table of some tools of the testbed. */
export function toolsToml(names: readonly ToolName[]): string {
  const lines = names.map((name) => `"${TOOLS[name].key}" = "${TOOLS[name].version}"`);
  return `[tools]\n${lines.join("\n")}\n`;
}

/**
 * The mise data directory with every tool of {@linkcode TOOLS} installed; made the first time. Nobody
 * may change it: projects share it.
 */
export async function installTools(): Promise<string> {
  const home = TOOLS_HOME;
  const complete = join(home.root, "complete");
  if (await exists(complete)) return home.data;
  return await withLock("tools", async () => {
    if (await exists(complete)) return home.data;
    const mise = await fetchMise();
    await makeMiseHome(home);
    const project = join(home.root, "project");
    for (const names of [["node", "oldPrettier"], ["node", "prettier", "typescript", "eslint"]]) {
      await Deno.mkdir(project, { recursive: true });
      await Deno.writeTextFile(join(project, "mise.toml"), toolsToml(names as ToolName[]));
      const options = { env: miseEnv(mise, home), cwd: project };
      await run([mise, "trust"], options);
      await run([mise, "install", "--yes"], options);
    }
    await Deno.writeTextFile(complete, "");
    return home.data;
  });
}

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
  const mise = await fetchMise();
  const shared = tools.length === 0 ? undefined : await installTools();
  const temp = await makeTempDir();
  const directory = join(temp.path, belowHome ? "home/work/my project" : "project");
  const root = belowHome ? temp.path : join(temp.path, "mise");
  const ownDirectory = belowHome ? "home/.local/share/mise" : "data";
  const home: MiseHome = {
    root,
    data: ownData || shared === undefined ? join(root, ownDirectory) : shared,
  };
  await makeMiseHome(home);
  if (belowHome) {
    await Deno.mkdir(join(root, "home/.config/mise"), { recursive: true });
    await Deno.writeTextFile(join(root, "home/.config/mise/config.toml"), MISE_SETTINGS);
  }
  await Deno.mkdir(directory, { recursive: true });
  if (shared !== undefined && ownData) await copyTools(shared, home.data, tools);
  const text = `${tools.length === 0 ? "" : toolsToml(tools)}${toml}`;
  for (const [path, content] of Object.entries({ "mise.toml": text, ...files })) {
    await Deno.mkdir(dirname(join(directory, path)), { recursive: true });
    await Deno.writeTextFile(join(directory, path), content);
  }
  const isolated = miseEnv(mise, home);
  const env = belowHome ? withoutDirectories(isolated) : isolated;
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

/** Whether npm, which fetches mise and its tools, is on this machine. */
export function hasNpm(): boolean {
  return which("npm") !== undefined;
}
