/**
 * The programs of the scoreboard, each with a cache and an output of its own.
 * @module
 */
import { join } from "@std/path";
import { programCommand } from "../tests/support/cli.ts";
import { type MiseProject, removeTree, run } from "../tests/support/testbed.ts";
import { type Contender, diskUsage, OURS } from "./contender.ts";
import { measure } from "./measure.ts";

/** Native mise's name in the tables. */
export const NATIVE = "mise oci";

/** How a program builds the project. */
export interface BuildOptions {
  /** The project. */
  readonly project: MiseProject;
  /** Base image. */
  readonly from: string;
  /** More arguments. */
  readonly args?: readonly string[];
  /** Brings the program's state to where a measured run begins; default: it is left as it is. */
  readonly before?: (program: BuildProgram) => Promise<void>;
}

/** A program that builds images of the project. */
export interface BuildProgram extends Contender {
  /** Absolute directory of what it keeps and makes. */
  readonly home: string;
  /** Removes its output and everything it keeps between builds. */
  clean(): Promise<void>;
}

/** Both programs, ours first. */
export function buildPrograms(options: BuildOptions): readonly [BuildProgram, BuildProgram] {
  const args = ["--from", options.from, ...options.args ?? []];
  return [oursBuilding(options, args), nativeBuilding(options, args)];
}

/** mise-oci from its sources, as `deno run` starts it, its permissions scoped. */
export function oursBuilding(options: BuildOptions, args: readonly string[]): BuildProgram {
  return buildProgram(options, {
    name: OURS,
    command: (home) => programCommand(["build", "-o", join(home, "image"), ...args]),
    env: (home) => ({ MISE_OCI_CACHE_DIR: join(home, "cache") }),
  });
}

/** The builder that mise has itself. */
export function nativeBuilding(options: BuildOptions, args: readonly string[]): BuildProgram {
  const { mise } = options.project;
  return buildProgram(options, {
    name: NATIVE,
    command: (home) => [mise, "oci", "build", "-o", join(home, "image"), ...args],
    env: (home) => ({ MISE_EXPERIMENTAL: "1", MISE_CACHE_DIR: join(home, "cache") }),
  });
}

function buildProgram(
  { project, before }: BuildOptions,
  program: {
    readonly name: string;
    readonly command: (home: string) => [string, ...string[]];
    readonly env: (home: string) => Readonly<Record<string, string>>;
  },
): BuildProgram {
  const home = join(project.root, program.name === OURS ? "ours" : "theirs");
  const options = { cwd: project.directory, env: { ...project.env, ...program.env(home) } };
  const self: BuildProgram = {
    name: program.name,
    home,
    prepare: async () => await before?.(self),
    run: () => measure(program.command(home), options),
    size: () => diskUsage(join(home, "image")),
    clean: () => removeTree(home),
  };
  return self;
}

/** A shell script that does the same work; it writes `$OUT`, which is removed before each run. */
export interface ScriptOptions {
  /** What the tables call it. */
  readonly name: string;
  /** The script. */
  readonly script: string;
  /** Absolute path of what it makes. */
  readonly output: string;
  /** Variables besides the project's. */
  readonly env?: Readonly<Record<string, string>>;
  /** A script that makes what it begins with; not measured. */
  readonly setUp?: string;
}

/** A contender of other programs. */
export function scriptContender(
  project: MiseProject,
  { name, script, output, env: more, setUp }: ScriptOptions,
): Contender {
  const env = { ...project.env, ...more, OUT: output };
  const shell = (text: string): [string, ...string[]] => ["bash", "-euo", "pipefail", "-c", text];
  return {
    name,
    prepare: async () => {
      await removeTree(output);
      if (setUp !== undefined) await run(shell(setUp), { env });
    },
    run: () => measure(shell(script), { env }),
    size: () => diskUsage(output),
  };
}
