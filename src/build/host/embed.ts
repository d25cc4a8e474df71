/**
 * Which executables of the host are added to an image: mise itself, and the compiled mise-oci.
 * @module
 */
import { join } from "@std/path";
import { isHostPlatform } from "./environment.ts";
import type { ImageInput } from "../types.ts";
import {
  describeExecutableFormat,
  EXECUTABLE_HEADER_BYTES,
  type ExecutableFormat,
  parseExecutableFormat,
  runsOnLinux,
} from "../../check/elf/elf_header.ts";
import type { WorkflowContext } from "../../context.ts";
import { MiseOciError } from "../../errors.ts";
import { formatPlatform, type Platform } from "../../oci/mod.ts";
import type { HostExecutable, Project } from "../../plan/mod.ts";

/** Imported on demand: mise for another platform. */
const releaseModule = () => import("./release.ts");

/** Options of {@linkcode chooseMise} besides the project. */
export interface ChooseMiseOptions {
  /** The flags. */
  readonly request: ImageInput;
  /** The image's platform. */
  readonly platform: Platform;
  /** Whether a release may be downloaded; otherwise the plan contains its URL. */
  readonly download: boolean;
}

/** Decides whether the mise executable of a release is embedded; if not, the warning gives the reason. */
async function embedRelease(
  project: Project,
  options: ChooseMiseOptions,
  context: WorkflowContext,
): Promise<EmbedDecision> {
  const { miseVersion: version } = project;
  const { platform } = options;
  const found = await (await releaseModule()).findRelease(project, options, context);
  if ("url" in found) return { executable: { path: found.url, version } };
  if ("path" in found) return await decideEmbedding("mise", { ...found, version, platform });
  const name = formatPlatform(platform);
  return {
    warning: `mise is left out of the image for ${name}: ${found.why} ` +
      `(--mise-binary ${name}=FILE gives one for it, --no-mise none)`,
  };
}

/**
 * Decides which mise is embedded.
 *
 * @throws {MiseOciError} `usage` for a file of `--mise-binary` that is missing or for another platform;
 * `integrity` for a release that does not have its announced checksum.
 */
export async function chooseMise(
  project: Project,
  options: ChooseMiseOptions,
  context: WorkflowContext,
): Promise<EmbedDecision> {
  const { request, platform } = options;
  if (!request.embedMise) return {};
  const { misePath, miseVersion: version } = project;
  const named = request.miseBinaries?.findLast((binary) =>
    binary.platform.os === platform.os && binary.platform.architecture === platform.architecture
  );
  if (named === undefined) {
    const decision = await decideEmbedding("mise", { path: misePath, version, platform });
    if (decision.warning === undefined || isHostPlatform(platform)) return decision;
    return await embedRelease(project, options, context);
  }
  const fail = (why: string): never => {
    throw new MiseOciError(
      "usage",
      `Cannot use --mise-binary ${JSON.stringify(named.path)}: ${why}`,
      {
        hint: `Give the mise executable for ${formatPlatform(platform)}`,
      },
    );
  };
  try {
    const decision = await decideEmbedding("mise", { path: named.path, version, platform });
    return decision.warning === undefined ? decision : fail(decision.warning);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return fail("no such file");
    if (error instanceof Deno.errors.IsADirectory) return fail("it is a directory");
    throw error;
  }
}

/** The executable to embed, or the warning if there is none. */
export interface EmbedDecision {
  /** The executable; absent if it cannot run in the image. */
  readonly executable?: HostExecutable;
  /** Why not. */
  readonly warning?: string;
}

async function readFormat(path: string): Promise<ExecutableFormat> {
  using file = await Deno.open(path, { read: true });
  const bytes = new Uint8Array(EXECUTABLE_HEADER_BYTES);
  const length = await file.read(bytes) ?? 0;
  return parseExecutableFormat(bytes.subarray(0, length));
}

/** Decides whether an executable of the host (mise or mise-oci) is added to the image. */
export async function decideEmbedding(
  name: string,
  options: { readonly path: string; readonly version: string; readonly platform: Platform },
): Promise<EmbedDecision> {
  const path = await Deno.realPath(options.path);
  const format = await readFormat(path);
  const { architecture } = options.platform;
  if (format.kind === "elf" && runsOnLinux(format, architecture)) {
    return { executable: { path, version: options.version } };
  }
  return {
    warning: `${name} is left out of the image: ${path} is ${describeExecutableFormat(format)}, ` +
      `and the image is for linux/${architecture}`,
  };
}

async function maybeForeignExecutable(
  directory: string,
  platform: Platform,
): Promise<string | undefined> {
  const entries: string[] = [];
  try {
    for await (const entry of Deno.readDir(directory)) entries.push(entry.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  for (const entry of entries.sort()) {
    const path = join(directory, entry);
    const info = await Deno.stat(path).catch(() => undefined);
    if (info === undefined || !info.isFile || ((info.mode ?? 0) & 0o111) === 0) continue;
    const format = await readFormat(path);
    if (!runsOnLinux(format, platform.architecture)) {
      return `${entry} is ${describeExecutableFormat(format)}`;
    }
  }
  return undefined;
}

/**
 * Warns of each tool with an executable on PATH that cannot run in the image. Used if the full check is
 * off.
 */
export async function warnOfForeignTools(
  project: Project,
  platform: Platform,
  { reporter }: WorkflowContext,
): Promise<void> {
  const warnings = await Promise.all(project.tools.map(async (tool) => {
    for (const dir of tool.binDirs ?? []) {
      const root = tool.realInstallPath ?? tool.installPath;
      const problem = await maybeForeignExecutable(join(root, dir), platform);
      if (problem === undefined) continue;
      return `${tool.short}@${tool.version} cannot run in the image, which is for ` +
        `linux/${platform.architecture}: ${problem}`;
    }
    return [];
  }));
  for (const text of warnings.flat()) reporter.emit({ type: "warning", text });
}
