/**
 * `generate`: files for other programs from a project, or several.
 * @module
 */
import { relative } from "@std/path";
import { toolOptions as readToolOptions } from "../build/store_wants.ts";
import { planProject } from "../build/plan_images.ts";
import type { TransientBuild } from "../build/types.ts";
import { replaceFile, writeWhole } from "../build/write_whole.ts";
import type { WorkflowContext } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import { type GenerateInput, GENERATORS } from "../fleet/generate/mod.ts";
import { formatPlatform, type Platform } from "../oci/mod.ts";

/** The flags of `generate`, parsed. */
export interface GenerateRequest {
  /** The kind: `dockerfile`. */
  readonly kind: string;
  /** How each project is planned; its directory among it. */
  readonly projects: readonly TransientBuild[];
  /** Absolute directory that paths in the file start at. */
  readonly directory: string;
  /** Absolute path of the file to write; absent: none is written. */
  readonly output?: string;
  /** Replaces a file that is there. */
  readonly force: boolean;
  /** The platforms asked for. */
  readonly platforms: readonly Platform[];
}

/** What was generated. */
export interface GenerateResult {
  /** The text. */
  readonly text: string;
  /** The file that it was written to. */
  readonly file?: string;
}

/**
 * Generates a file; nothing is installed or built for it.
 *
 * @throws {MiseOciError} what reading the projects throws; `unsupported` for what the file cannot say; `io`
 * for a file that is there, without `force`.
 */
export async function generateFile(
  request: GenerateRequest,
  context: WorkflowContext,
): Promise<GenerateResult> {
  const generator = GENERATORS.find(({ name }) => name === request.kind);
  if (generator === undefined) throw new TypeError(`No generator "${request.kind}"`);
  if (request.projects.length > 1 && generator.many !== true) {
    throw new MiseOciError("usage", `Cannot generate one ${generator.name} of several projects`, {
      hint: "Name one directory",
    });
  }
  const inputs: GenerateInput[] = [];
  for (const project of request.projects) {
    const planned = await planProject(project, context, { installForeign: false });
    const path = relative(request.directory, planned.project.directory);
    const toolOptions = new Map<string, Readonly<Record<string, unknown>>>();
    for (const tool of planned.project.tools) {
      const options = await readToolOptions(tool);
      if (options !== undefined) toolOptions.set(tool.short, options);
    }
    inputs.push({
      ...planned,
      toolOptions,
      path: path === "" ? "." : path,
      platforms: request.platforms.map(formatPlatform),
    });
  }
  const generate = await generator.load();
  const text = generate(inputs);
  const { output: file, force } = request;
  if (file === undefined) return { text };
  const isThere = await Deno.stat(file).then(() => true, () => false);
  if (isThere && !force) {
    throw new MiseOciError("io", `Cannot write "${file}": it is there already`, {
      hint: "Give --force to replace it",
    });
  }
  if (isThere) await replaceFile(file, text);
  else await writeWhole(file, () => Promise.resolve(text));
  return { text, file };
}
