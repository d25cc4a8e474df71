/**
 * Checks that tools which mise installed for another platform are really for that platform.
 * @module
 */
import { join } from "@std/path";
import { mapConcurrently } from "../../concurrency.ts";
import { MiseOciError } from "../../errors.ts";
import { backendKind, FOREIGN_HINT } from "../../mise/backends.ts";
import { foreignDataDirectory, type ForeignPlatform } from "../../mise/foreign/foreign_platform.ts";
import { formatPlatform, type Platform } from "../../oci/mod.ts";
import type { BuildPlan, Project, Tool } from "../../plan/mod.ts";
import {
  describeExecutableFormat,
  EXECUTABLE_HEADER_BYTES,
  type ExecutableFormat,
  parseExecutableFormat,
} from "../../check/elf/elf_header.ts";
import type { Cache } from "../../store/mod.ts";

/** Reasons for files of another architecture, by backend. */
const REASONS: Readonly<Record<string, string>> = {
  core: "mise built it here, or has no build of it for that platform",
  gem: "its extension was compiled here",
  http: 'mise chooses from its "platforms" for the machine it runs on',
  npm:
    "its install script built or fetched it for this machine, or it was installed without npm, which " +
    "is the one installer of mise that takes the packages of another platform",
  pipx: "its wheel for that platform has it, or it was compiled here",
  pypi: "its wheel for that platform has it, or it was compiled here",
  s3: 'mise chooses from its "platforms" for the machine it runs on',
};

/** Names of architectures in paths. */
const NAMES: Readonly<Record<string, RegExp>> = {
  amd64: /x86_64|x86-64|amd64|x64/i,
  arm64: /aarch64|arm64|armv8/i,
  "386": /i[3-6]86|ia32|x86|386/i,
  arm: /arm/i,
  ppc64le: /ppc64|powerpc64/i,
  ppc64: /ppc64|powerpc64/i,
  riscv64: /riscv64/i,
  s390x: /s390x/i,
  loong64: /loong/i,
};

/** A file for another architecture. */
interface WrongFile {
  readonly path: string;
  readonly format: ExecutableFormat;
}

function readHeader(path: string): Uint8Array {
  using file = Deno.openSync(path, { read: true });
  const bytes = new Uint8Array(EXECUTABLE_HEADER_BYTES);
  return bytes.subarray(0, file.readSync(bytes) ?? 0);
}

/** Every regular file below a directory, relative to it; links are not followed. */
function* filesBelow(root: string, below = ""): Generator<string> {
  for (const entry of Deno.readDirSync(join(root, below))) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory) yield* filesBelow(root, path);
    else if (entry.isFile) yield path;
  }
}

/**
 * The first file of a tree that is for another architecture. Some packages contain one file per platform and
 * choose at run time: the path of such a file contains its architecture, and the package also has one for the
 * right architecture.
 */
export function maybeWrongFile(root: string, platform: Platform): WrongFile | undefined {
  let right = false;
  const named: WrongFile[] = [];
  for (const path of filesBelow(root)) {
    const format = parseExecutableFormat(readHeader(join(root, path)));
    if (format.kind !== "elf") continue;
    if (format.architecture === platform.architecture) right = true;
    else if (NAMES[format.architecture]?.test(path) === true) named.push({ path, format });
    else return { path, format };
  }
  return right ? undefined : named[0];
}

/** A key that identifies an install, since mise creates a new directory for each. */
async function installKey(root: string): Promise<string> {
  const { ino, mtime } = await Deno.lstat(root);
  return `${root} ${ino} ${mtime?.getTime()}`;
}

const CHECKS = "platform-checks";

/**
 * Removes an install for another platform, so that the next attempt installs again with the user's changes.
 * Only files below the platform's own data directory are removed; the target of a link elsewhere is kept.
 */
export async function removeForeignInstall(root: string, foreign: ForeignPlatform): Promise<void> {
  const installs = await Deno.realPath(join(foreignDataDirectory(foreign), "installs"));
  const real = await Deno.realPath(root);
  if (real.startsWith(`${installs}/`)) await Deno.remove(real, { recursive: true });
}

async function maybeRefusal(
  tool: Tool,
  foreign: ForeignPlatform,
  cache: Cache,
): Promise<string | undefined> {
  if (!tool.installed) return undefined;
  const root = tool.realInstallPath ?? tool.installPath;
  const key = await installKey(root);
  if (await cache.getDocument(CHECKS, key) === true) return undefined;
  const wrong = maybeWrongFile(root, foreign.platform);
  if (wrong === undefined) {
    await cache.putDocument(CHECKS, key, true);
    return undefined;
  }
  await removeForeignInstall(root, foreign);
  const why = REASONS[backendKind(tool.backend)] ?? "it was installed for this machine";
  return `${tool.short}@${tool.version} (${wrong.path} is ${
    describeExecutableFormat(wrong.format)
  }: ${why})`;
}

/**
 * Checks that every ELF file of every tool is for the target platform.
 *
 * @throws {MiseOciError} `tool` naming each tool that is not, with the file and the reason.
 */
export async function checkForeignTools(
  project: Project,
  foreign: ForeignPlatform,
  cache: Cache,
): Promise<void> {
  const refusals = (await mapConcurrently(
    project.tools,
    { limit: 4 },
    (tool) => maybeRefusal(tool, foreign, cache),
  )).filter((refusal) => refusal !== undefined);
  if (refusals.length === 0) return;
  throw new MiseOciError(
    "tool",
    `Cannot have for ${formatPlatform(foreign.platform)} what was installed on this machine: ${
      refusals.join(", ")
    }`,
    { hint: FOREIGN_HINT },
  );
}

/** Warns of each tool whose version differs between platforms. */
export function differentVersions(
  images: readonly { readonly project: Project; readonly plan: BuildPlan }[],
): readonly string[] {
  const found = new Map<string, Map<string, string>>();
  for (const { project, plan } of images) {
    for (const short of new Set(project.tools.map((tool) => tool.short))) {
      const versions = project.tools.filter((tool) => tool.short === short)
        .map(({ version }) => version).join(" ");
      const platforms = found.get(short) ?? new Map<string, string>();
      found.set(short, platforms.set(formatPlatform(plan.platform), versions));
    }
  }
  return [...found].filter(([, platforms]) => new Set(platforms.values()).size > 1).map(
    ([short, platforms]) => {
      const list = [...platforms].map(([platform, version]) => `${version} for ${platform}`);
      return `${short} is ${list.join(" and ")}: ask for an exact version, or keep a mise.lock`;
    },
  );
}
