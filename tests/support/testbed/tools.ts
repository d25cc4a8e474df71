/**
 * A real mise and real tools, isolated from the user's own. The text of this file is part of the name under
 * which the tools are kept: what only tests need is in mise.ts.
 * @module
 */
import { dirname, join } from "@std/path";
import { exists, run, which } from "./command.ts";
import { cached, type KeptPart, keptPath, withLock } from "./kept.ts";
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
  const directory = await cached({ name: `mise-${MISE_VERSION}-${NPM_ARCH}` }, async (into) => {
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

/** What mise's own config says, so that its `npm:` tools install from any npm registry. */
const MISE_SETTINGS = `[settings]\nnpm.package_manager = "npm"\nminimum_release_age = "0s"\n`;

/** The tools as they are kept. */
export const TOOLS_PART: KeptPart = {
  name: "tools",
  sources: [import.meta.url],
  also: NPM_ARCH,
};

const TOOLS_ROOT = keptPath(TOOLS_PART);

/** Where the testbed's own mise installs the tools that projects share. */
export const TOOLS_HOME: MiseHome = { root: TOOLS_ROOT, data: join(TOOLS_ROOT, "data") };

/** Exists once every tool is installed: paths in their files forbid renaming the directory. */
export const TOOLS_COMPLETE: string = join(TOOLS_ROOT, "complete");

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
  if (await exists(TOOLS_COMPLETE)) return home.data;
  return await withLock("tools", async () => {
    if (await exists(TOOLS_COMPLETE)) return home.data;
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
    await Deno.writeTextFile(TOOLS_COMPLETE, "");
    return home.data;
  });
}

/** Whether npm, which fetches mise and its tools, is on this machine. */
export function hasNpm(): boolean {
  return which("npm") !== undefined;
}
