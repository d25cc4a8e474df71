/**
 * Building a test's project and looking into what came of it.
 * @module
 */
import { join } from "@std/path";
import { runProgram, runProgramJson } from "./cli.ts";
import { rawBlobPath, type RawDescriptor } from "./layout.ts";
import { type MiseProject, run, type RunResult } from "./testbed.ts";

/** What `build --json` says. */
export interface BuiltImage {
  readonly digest: string;
  readonly output: string;
  readonly layers: readonly {
    readonly kind: string;
    readonly name: string;
    readonly digest: string;
    readonly status: string;
  }[];
}

const EPOCH = { SOURCE_DATE_EPOCH: "1700000000" };

/** Builds a project into `image` beside it. @throws {Error} with its stderr if it fails. */
export function buildProject(project: MiseProject, args: readonly string[]): Promise<BuiltImage> {
  return runProgramJson<BuiltImage>(["build", "-o", join(project.root, "image"), ...args], {
    cwd: project.directory,
    env: { ...project.env, ...EPOCH },
  });
}

/** Builds a project that may fail. */
export function tryBuild(project: MiseProject, args: readonly string[]): Promise<RunResult> {
  return runProgram(["build", "-o", join(project.root, "image"), ...args], {
    cwd: project.directory,
    env: { ...project.env, ...EPOCH },
  });
}

/** An entry of a layer, as GNU tar lists it: `-rw-r--r-- 0/0 etc/motd`. */
export async function listLayer(layout: string, layer: RawDescriptor): Promise<readonly string[]> {
  const blob = rawBlobPath(layout, layer.digest);
  const { stdout } = await run(["tar", "--numeric-owner", "-tvf", blob]);
  return stdout.trim().split("\n").map((line) => {
    const [mode = "", owner = "", , , , ...path] = line.split(/\s+/);
    return `${mode} ${owner} ${path.join(" ")}`;
  });
}
