/**
 * Reads a project as a program of its own, in exactly the environment it is started with, and prints
 * what came of it as JSON: `deno run -A read_project.ts '{"directory": "/p", …}'`.
 * @module
 */
import { MiseOciError } from "../../src/errors.ts";
import { type ProjectOptions, readProject } from "../../src/mise/mod.ts";
import type { Project } from "../../src/plan/project.ts";

/** What the program prints. */
export interface ReadResult {
  /** The project, if it could be read. */
  readonly project?: Project;
  /** The error, if not. */
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
  /** Warnings. */
  readonly warnings: readonly string[];
  /** Lines of `-v` and `-vv`. */
  readonly details: readonly string[];
  /** What `mise install` printed. */
  readonly installOutput: string;
}

async function read(options: ProjectOptions): Promise<ReadResult> {
  const [warnings, details]: [string[], string[]] = [[], []];
  let installOutput = "";
  const rest = (): Pick<ReadResult, "warnings" | "details" | "installOutput"> => ({
    warnings,
    details,
    installOutput,
  });
  try {
    const project = await readProject(options, {
      env: (name) => Deno.env.get(name),
      warn: (text) => void warnings.push(text),
      detail: (_level, text) => void details.push(text),
      onInstallLine: (line) => void (installOutput += `${line}\n`),
    });
    return { project, ...rest() };
  } catch (error) {
    if (!(error instanceof MiseOciError)) throw error;
    const { code, message, hint } = error;
    return { error: { code, message, ...(hint === undefined ? {} : { hint }) }, ...rest() };
  }
}

/** Reads a project in another process. */
export async function readProjectIn(
  env: Readonly<Record<string, string>>,
  options: Partial<ProjectOptions> & { readonly directory: string },
): Promise<ReadResult> {
  const request = { includeGlobal: false, install: false, ...options };
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", new URL(import.meta.url).pathname, JSON.stringify(request)],
    env: { ...env },
    clearEnv: true,
    cwd: new URL("../..", import.meta.url).pathname,
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

if (import.meta.main) {
  const text = JSON.stringify(await read(JSON.parse(Deno.args[0] ?? "{}")));
  await Deno.stdout.write(new TextEncoder().encode(text));
}
