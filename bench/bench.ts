/**
 * `deno task bench [--pairs N] [--base scratch|registry] [--write]`: mise-oci and `mise oci build` on the
 * same project, one after the other in turns. See README.md beside this file.
 * @module
 */
import { join } from "@std/path";
import { parseArgs } from "node:util";
import { programCommand } from "../tests/support/cli.ts";
import {
  createMiseProject,
  type MiseProject,
  pushBase,
  removeTree,
  REPOSITORY,
  startDockerRegistry,
  type ToolName,
  toolsToml,
} from "../tests/support/testbed.ts";
import { type Comparison, type Cost, formatTable, measure } from "./measure.ts";

/** A program that builds the project in `context`. */
interface Program {
  /** Builds into its own output directory with its own cache. */
  build(): Promise<Cost>;
  /** Removes its output and everything it keeps between builds. */
  clean(): Promise<void>;
}

interface Context {
  readonly project: MiseProject;
  readonly from: string;
}

const NEW: readonly ToolName[] = ["node", "prettier", "typescript", "eslint"];
const OLD: readonly ToolName[] = ["node", "oldPrettier", "typescript", "eslint"];

function say(line: string): void {
  // deno-lint-ignore no-console
  console.error(line);
}

function ourProgram({ project, from }: Context): Program {
  const cache = join(project.root, "ours/cache");
  const output = join(project.root, "ours/image");
  const options = { cwd: project.directory, env: { ...project.env, MISE_OCI_CACHE_DIR: cache } };
  const command = programCommand(["build", "--from", from, "-o", output]);
  return {
    build: () => measure(command, options),
    clean: async () => {
      await removeTree(cache);
      await removeTree(output);
    },
  };
}

function miseProgram({ project, from }: Context): Program {
  const cache = join(project.root, "theirs/cache");
  const output = join(project.root, "theirs/image");
  const env = { ...project.env, MISE_EXPERIMENTAL: "1", MISE_CACHE_DIR: cache };
  return {
    build: () =>
      measure([project.mise, "oci", "build", "--from", from, "-o", output], {
        cwd: project.directory,
        env,
      }),
    clean: async () => {
      await removeTree(cache);
      await removeTree(output);
    },
  };
}

async function setTools({ project }: Context, tools: readonly ToolName[]): Promise<void> {
  await Deno.writeTextFile(join(project.directory, "mise.toml"), toolsToml(tools));
  await project.runMise("trust", "--quiet");
}

/** Prepares a program's state before each measured build. */
type Prepare = (program: Program, context: Context) => Promise<void>;

const SCENARIOS: readonly (readonly [name: string, prepare: Prepare])[] = [
  ["cold: empty cache, no output", (program) => program.clean()],
  ["warm: nothing changed", async (program) => {
    await program.build();
  }],
  ["one tool of four bumped", async (program, context) => {
    await program.clean();
    await setTools(context, OLD);
    await program.build();
    await setTools(context, NEW);
  }],
];

async function compare(context: Context, pairs: number): Promise<Comparison[]> {
  const [ours, theirs] = [ourProgram(context), miseProgram(context)];
  const base = context.from === "scratch" ? "scratch" : "debian";
  const comparisons: Comparison[] = [];
  for (const [name, prepare] of SCENARIOS) {
    const scenario = `${base}, ${name}`;
    const measured: { ours: Cost; theirs: Cost }[] = [];
    // The first pair fills the page cache and Deno's code cache, and is not counted.
    for (let i = 0; i <= pairs; i++) {
      say(`${scenario}: ${i === 0 ? "warming up" : `pair ${i} of ${pairs}`}`);
      await prepare(ours, context);
      const ourCost = await ours.build();
      await prepare(theirs, context);
      const theirCost = await theirs.build();
      if (i > 0) measured.push({ ours: ourCost, theirs: theirCost });
    }
    comparisons.push({ scenario, pairs: measured });
  }
  return comparisons;
}

async function describeMachine(project: MiseProject): Promise<string> {
  const cpus = navigator.hardwareConcurrency;
  const { stdout } = await project.runMise("version");
  return `Deno ${Deno.version.deno}, mise ${
    stdout.trim().split(" ")[0]
  }, ${Deno.build.target}, ${cpus} cores`;
}

const { values: flags } = parseArgs({
  args: Deno.args,
  options: { pairs: { type: "string" }, base: { type: "string" }, write: { type: "boolean" } },
});
const pairs = Number(flags.pairs ?? 5);
const bases = flags.base === undefined ? ["scratch", "registry"] : [flags.base];
if (!Number.isInteger(pairs) || pairs < 1) throw new RangeError("--pairs wants a number from 1 up");

await using project = await createMiseProject({ tools: NEW });
const comparisons: Comparison[] = [];
for (const base of bases) {
  if (base === "scratch") {
    comparisons.push(...await compare({ project, from: "scratch" }, pairs));
    continue;
  }
  await using registry = await startDockerRegistry();
  comparisons.push(...await compare({ project, from: await pushBase(registry.host) }, pairs));
}
const table = formatTable(comparisons, "mise oci build");
const text = `${await describeMachine(project)}; ${pairs} pairs.\n\n${table}\n`;
await Deno.stdout.write(new TextEncoder().encode(text));
if (flags.write === true) {
  const note = "Written by `deno task bench --write`; [README.md](README.md) says how to read it.";
  await Deno.writeTextFile(
    join(REPOSITORY, "bench/RESULTS.md"),
    `# Results\n\n${note}\n\n${text}`,
  );
}
