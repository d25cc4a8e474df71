/**
 * `deno task compile [--target TARGET]… [--output DIR] [--check] [--built COMMIT,DATE]`: executables that need no Deno, in
 * `dist/`, with their checksums. Deno fetches the runtime of each target; where it cannot, `DENORT_BIN`
 * names one for the single target, and `DENO_BIN` the `deno` of the same version. `--check` bundles and
 * compiles each a second time and compares. `--built COMMIT,DATE` is what `--version` says besides the version.
 * @module
 */
import { createHash } from "node:crypto";
import { dirname, fromFileUrl, join, resolve } from "@std/path";
import manifest from "../deno.json" with { type: "json" };
import { bundleProgram } from "./compile/bundle.ts";
import type { Built } from "../src/cli/program.ts";
import { permissionFlags, type PermissionSet } from "./compile/permissions.ts";
import {
  executableName,
  isProgramOf,
  parseTargets,
  type Target,
  targetOf,
  TARGETS,
} from "./compile/targets.ts";

const REPOSITORY = fromFileUrl(new URL("../", import.meta.url));
const DENO = Deno.env.get("DENO_BIN") || Deno.execPath();
const SUMS = "SHA256SUMS";

function say(line: string): void {
  // deno-lint-ignore no-console
  console.error(`compile: ${line}`);
}

/** Runs a program; its stdout. @throws {Error} with its stderr if it fails. */
async function run(
  program: string,
  args: readonly string[],
  cwd: string = REPOSITORY,
): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], cwd, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} failed: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout);
}

/** Bundles the sources with the Deno that runs this: the bundle is the same for every target. */
function bundle(
  directory: string,
  built: Built | undefined,
): ReturnType<typeof bundleProgram> {
  const deno = ([command = "", ...args]: readonly string[]): Promise<string> =>
    run(Deno.execPath(), [command, "--frozen", ...args]);
  return bundleProgram({
    repository: REPOSITORY,
    directory,
    deno,
    ...(built === undefined ? {} : { built }),
  });
}

/**
 * Compiles one target to a file. `--quiet` stays in the executable: Deno's own notes are not ours. There
 * is no code cache: it would be a file of a known name in /tmp that any user can put there first, and
 * the start is no slower without. The bundle needs no config and no packages.
 */
async function compile(target: Target, output: string, built?: Built): Promise<void> {
  const permissions: PermissionSet = manifest.permissions.default;
  const directory = await Deno.makeTempDir({ dir: dirname(output), prefix: "bundle-" });
  try {
    const { entry, include } = await bundle(join(directory, "program"), built);
    await run(DENO, [
      "compile",
      "--quiet",
      "--no-check",
      "--no-config",
      "--no-lock",
      "--no-npm",
      "--no-remote",
      "--no-prompt",
      "--no-code-cache",
      ...permissionFlags(permissions),
      ...include.flatMap((module) => ["--include", module]),
      "--target",
      TARGETS[target],
      "--output",
      output,
      entry,
    ], join(directory, "program"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  return hash.digest("hex");
}

/**
 * Checks that the executable is one of the target, and if that is this machine that it starts and knows
 * its version; a runtime of another version does not.
 */
async function checkProgram(target: Target, path: string): Promise<void> {
  using file = await Deno.open(path);
  const start = new Uint8Array(20);
  await file.read(start);
  if (!isProgramOf(target, start)) {
    throw new Error(
      `DENORT_BIN is no runtime for ${target}: ${executableName(target)} would not start`,
    );
  }
  if (target !== targetOf(Deno.build)) return;
  const said = JSON.parse(await run(path, ["--version", "--json"]));
  if (said.version !== manifest.version) {
    throw new Error(`${path} says that it is version ${said.version}, not ${manifest.version}`);
  }
  say(`${executableName(target)}: mise-oci ${said.version} on Deno ${said.deno}`);
}

/** Compiles under a temporary name; the executable gets its own once it is known to work. */
async function compileChecked(
  target: Target,
  { output: directory, check: twice, built }: Options,
): Promise<string> {
  const extension = target.startsWith("windows") ? ".exe" : "";
  const name = executableName(target);
  const scratch = await Deno.makeTempDir({ dir: directory, prefix: ".compile-" });
  try {
    // The same name both times: the file's name is part of what is compiled.
    const made = join(scratch, `mise-oci${extension}`);
    await compile(target, made, built);
    await checkProgram(target, made);
    const digest = await sha256(made);
    if (twice) {
      await Deno.mkdir(join(scratch, "again"));
      const again = join(scratch, "again", `mise-oci${extension}`);
      await compile(target, again, built);
      if (await sha256(again) !== digest) throw new Error(`${name} differs when compiled again`);
      say(`${name}: the same bytes when compiled again`);
    }
    await Deno.rename(made, join(directory, name));
    return digest;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** Writes the checksums of all executables in the directory, as `sha256sum --check` reads them. */
async function writeSums(directory: string, made: ReadonlyMap<string, string>): Promise<void> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(directory)) {
    if (name.startsWith("mise-oci-")) names.push(name);
  }
  const lines = await Promise.all(
    names.sort().map(async (name) =>
      `${made.get(name) ?? await sha256(join(directory, name))}  ${name}\n`
    ),
  );
  await Deno.writeTextFile(join(directory, `.${SUMS}`), lines.join(""));
  await Deno.rename(join(directory, `.${SUMS}`), join(directory, SUMS));
}

/** What the command line asks for. */
interface Options {
  readonly targets: readonly Target[];
  readonly output: string;
  readonly check: boolean;
  readonly built: Built | undefined;
}

function parseBuilt(text: string): Built {
  const [, commit, date] = /^([0-9a-f]{7,40}),(\d{4}-\d\d-\d\d)$/.exec(text) ?? [];
  if (commit !== undefined && date !== undefined) return { commit: commit.slice(0, 12), date };
  throw new RangeError(`"${text}" is not COMMIT,YYYY-MM-DD`);
}

function parseOptions(args: readonly string[]): Options {
  const targets: string[] = [];
  let output = join(REPOSITORY, "dist");
  let check = false;
  let built: Built | undefined;
  const words = args.flatMap((arg) => /^--\w+=/.test(arg) ? arg.split(/=(.*)/s, 2) : [arg]);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--target") targets.push(words.shift() ?? "");
    else if (word === "--output") output = resolve(words.shift() ?? "");
    else if (word === "--check") check = true;
    else if (word === "--built") built = parseBuilt(words.shift() ?? "");
    else throw new RangeError(`Unknown argument "${word}": --target, --output, --check, --built`);
  }
  return { targets: parseTargets(targets, () => targetOf(Deno.build)), output, check, built };
}

async function main(): Promise<void> {
  const options = parseOptions(Deno.args);
  const { targets, output } = options;
  if (Deno.env.get("DENORT_BIN") && targets.length > 1) {
    throw new RangeError("DENORT_BIN is the runtime of one target: name exactly one");
  }
  await Deno.mkdir(output, { recursive: true });
  const made = new Map<string, string>();
  for (const target of targets) {
    made.set(executableName(target), await compileChecked(target, options));
  }
  await writeSums(output, made);
  say(`${[...made.keys()].join(", ")} in ${output}`);
}

try {
  await main();
} catch (error) {
  say(`error: ${error instanceof Error ? error.message : String(error)}`);
  Deno.exit(error instanceof RangeError ? 2 : 1);
}
