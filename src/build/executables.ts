/**
 * Which executables of the host can run in the image (spec section 5): read from their headers, so that
 * nothing is embedded that fails with `Exec format error`.
 * @module
 */
import { join } from "@std/path";
import type { Platform } from "../oci/mod.ts";
import type { HostExecutable, Project } from "../plan/mod.ts";
import {
  describeExecutableFormat,
  EXECUTABLE_HEADER_BYTES,
  type ExecutableFormat,
  parseExecutableFormat,
  runsOnLinux,
} from "../check/elf_header.ts";
import type { WorkflowContext } from "../context.ts";

/** What to embed, and what to say if nothing is. */
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

/** Decides whether an executable of the host (mise itself, or mise-oci) goes into the image. */
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
 * One warning for each tool with an executable on PATH that cannot run in the image: the little that is said
 * where the check is not made.
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
