/**
 * Python tools for another platform. uv and pipx create an environment for the host; most of it is
 * portable, and the rest (wheels with machine code) is replaced by the target platform's wheels.
 * @module
 */
import { join } from "@std/path";
import { MiseOciError } from "../../errors.ts";
import { homeDirectory } from "../../home.ts";
import { formatPlatform, type Platform } from "../../oci/mod.ts";
import type { ListedTool } from "../answers.ts";
import type { Session } from "../ask.ts";
import { FOREIGN_HINT } from "../backends.ts";
import { callMise } from "../command.ts";
import { foreignDataDirectory, type ForeignPlatform } from "./foreign_platform.ts";
import { makeTemporary } from "../temporary.ts";

/** Machine names in Python wheels, and whether uv supports the architecture as a target. */
const MACHINES: Readonly<Record<string, { readonly wheel: string; readonly uv: boolean }>> = {
  amd64: { wheel: "x86_64", uv: true },
  arm64: { wheel: "aarch64", uv: true },
  "386": { wheel: "i686", uv: false },
  arm: { wheel: "armv7l", uv: false },
  ppc64le: { wheel: "ppc64le", uv: false },
  riscv64: { wheel: "riscv64", uv: false },
  s390x: { wheel: "s390x", uv: false },
};

/** A Python environment of a tool. */
interface Environment {
  /** Absolute directory. */
  readonly root: string;
  /** Absolute path of its `site-packages`. */
  readonly packages: string;
  /** Python version: `3.12`. */
  readonly python: string;
}

/** A package with machine code. */
interface NativePackage {
  readonly requirement: string;
  /** Name of its metadata directory. */
  readonly info: string;
}

function namesIn(directory: string): readonly string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return [];
    }
    throw error;
  }
}

function environmentsOf(install: string): readonly Environment[] {
  return ["", ...namesIn(install), ...namesIn(join(install, "venvs")).map((one) => `venvs/${one}`)]
    .flatMap((below) => {
      const root = join(install, below);
      if (!namesIn(root).includes("pyvenv.cfg")) return [];
      return namesIn(join(root, "lib")).flatMap((name) => {
        const [, python] = /^python(3\.\d+)$/.exec(name) ?? [];
        if (python === undefined) return [];
        return [{ root, packages: join(root, "lib", name, "site-packages"), python }];
      });
    });
}

/** The packages of an environment whose wheels are platform-specific. */
async function nativePackages({ packages }: Environment): Promise<readonly NativePackage[]> {
  const found = await Promise.all(
    namesIn(packages).filter((name) => name.endsWith(".dist-info")).map(async (info) => {
      const read = (file: string): Promise<string> =>
        Deno.readTextFile(join(packages, info, file)).catch(() => "");
      const tags = [...(await read("WHEEL")).matchAll(/^Tag: (\S+)$/gm)].map(([, tag = ""]) => tag);
      if (tags.length === 0 || tags.every((tag) => tag.endsWith("-any"))) return [];
      const metadata = await read("METADATA");
      const [, name] = /^Name: (\S+)$/m.exec(metadata) ?? [];
      const [, version] = /^Version: (\S+)$/m.exec(metadata) ?? [];
      if (name === undefined || version === undefined) return [];
      return [{ requirement: `${name}==${version}`, info }];
    }),
  );
  return found.flat();
}

/** Options for fetching wheels. */
interface FetchOptions {
  readonly target: string;
  readonly platform: Platform;
  readonly libc: string;
}

/** The commands that can fetch wheels for the target platform, uv first. */
function fetchers(
  { python }: Environment,
  { target, platform, libc }: FetchOptions,
): readonly { readonly probe: readonly string[]; readonly args: readonly string[] }[] {
  const machine = MACHINES[platform.architecture];
  if (machine === undefined) return [];
  const { wheel, uv } = machine;
  const common = ["--only-binary", ":all:", "--no-deps", "--target", target];
  const tags = libc === "musl"
    ? ["musllinux_1_1", "musllinux_1_2"]
    : ["manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34", "linux"];
  const pip = ["python3", "-m", "pip"];
  return [
    ...(uv
      ? [{
        probe: ["uv", "--version"],
        args: [
          ...["uv", "pip", "install", "--python-version", python, "--python-platform"],
          `${wheel}-unknown-linux-${libc === "musl" ? "musl" : "gnu"}`,
          ...common,
        ],
      }]
      : []),
    {
      probe: [...pip, "--version"],
      args: [
        ...[...pip, "install", "--quiet", "--python-version", python, "--implementation", "cp"],
        ...tags.flatMap((tag) => ["--platform", `${tag}_${wheel}`]),
        ...common,
      ],
    },
  ];
}

function failWheels(tool: ListedTool, platform: Platform, why: string): never {
  throw new MiseOciError(
    "tool",
    `Cannot install for ${
      formatPlatform(platform)
    } on this machine: ${tool.short}@${tool.version} (${why})`,
    { hint: FOREIGN_HINT },
  );
}

/** Runs a program with the host's tools; returns its stderr if it fails. */
async function maybeFailure(
  { misePath, directory, env, context }: Session,
  program: readonly string[],
): Promise<string | undefined> {
  const answer = await callMise({
    misePath,
    directory,
    args: ["exec", "--", ...program],
    env,
    home: homeDirectory(context.env),
    timeoutMs: 0,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  return answer.code === 0 ? undefined : answer.stderr;
}

function isScript(path: string): boolean {
  using file = Deno.openSync(path, { read: true });
  const bytes = new Uint8Array(2);
  file.readSync(bytes);
  return bytes[0] === 0x23 && bytes[1] === 0x21; // "#!"
}

async function copyOver(from: string, to: string): Promise<void> {
  if (Deno.statSync(from).isDirectory) {
    await Deno.mkdir(to, { recursive: true });
    for (const name of namesIn(from)) await copyOver(join(from, name), join(to, name));
    return;
  }
  await Deno.remove(to).catch(() => {});
  await Deno.copyFile(from, to);
}

/** Replaces the host's files of packages with the target platform's. */
async function exchange(
  { packages, root }: Environment,
  natives: readonly NativePackage[],
  target: string,
): Promise<void> {
  for (const { info } of natives) {
    const record = await Deno.readTextFile(join(packages, info, "RECORD")).catch(() => "");
    for (const line of record.split(/\r?\n/)) {
      const path = /^"?([^",]+)"?,/.exec(line)?.[1];
      if (path === undefined || path.startsWith("/") || path.split("/").includes("..")) continue;
      await Deno.remove(join(packages, path)).catch(() => {});
    }
  }
  for (const name of namesIn(target)) {
    if (name === "bin" || name.startsWith(".")) continue;
    await copyOver(join(target, name), join(packages, name));
  }
  for (const name of namesIn(join(target, "bin"))) {
    const from = join(target, "bin", name);
    // Scripts start the environment's own Python and already exist.
    if (!isScript(from)) await copyOver(from, join(root, "bin", name));
  }
}

/** Fetches the target platform's wheels; returns why that failed, if it did. */
async function maybeNoWheels(
  environment: Environment,
  natives: readonly NativePackage[],
  { host, ...options }: FetchOptions & { readonly host: Session },
): Promise<string | undefined> {
  const requirements = natives.map(({ requirement }) => requirement);
  const what = `${requirements.join(", ")} for Python ${environment.python}`;
  for (const { probe, args } of fetchers(environment, options)) {
    if (await maybeFailure(host, probe) !== undefined) continue;
    const failure = await maybeFailure(host, [...args, ...requirements]);
    if (failure === undefined) return undefined;
    host.context.detail(1, failure);
    return `there is no wheel of ${what}, or it cannot be fetched; -v has the reason`;
  }
  return `wheels of ${what} are taken with uv or pip, and neither is on PATH`;
}

/** Replaces the wheels of one tool. */
async function exchangeWheelsOf(
  tool: ListedTool,
  install: string,
  { platform, host }: { readonly platform: Platform; readonly host: Session },
): Promise<void> {
  const libc = host.context.env("MISE_LIBC") || "gnu";
  for (const environment of environmentsOf(install)) {
    const natives = await nativePackages(environment);
    if (natives.length === 0) continue;
    const target = await makeTemporary("mise-oci-wheels-");
    try {
      const why = await maybeNoWheels(environment, natives, { host, target, platform, libc });
      if (why !== undefined) failWheels(tool, platform, why);
      await exchange(environment, natives, target);
    } finally {
      await Deno.remove(target, { recursive: true });
    }
  }
}

/**
 * Replaces the host's machine code in Python environments that were just installed for a target
 * platform. If that fails, the tool is removed, so that the next attempt installs it again.
 *
 * @throws {MiseOciError} `tool` naming the tool and the wheels that are not available.
 */
export async function exchangeWheels(
  tools: readonly ListedTool[],
  { foreign, host }: { readonly foreign: ForeignPlatform; readonly host: Session },
): Promise<void> {
  const installs = await Deno.realPath(join(foreignDataDirectory(foreign), "installs"));
  for (const tool of tools) {
    const install = await Deno.realPath(tool.installPath);
    if (!install.startsWith(`${installs}/`)) continue;
    try {
      await exchangeWheelsOf(tool, install, { platform: foreign.platform, host });
    } catch (error) {
      await Deno.remove(install, { recursive: true });
      throw error;
    }
  }
}
