/**
 * How long the executable takes to start, against an empty program compiled by the same Deno:
 * `DENORT_BIN=… DENO_BIN=… deno run -A bench/startup.ts`. At most 1.5 times as long is wanted; exit
 * code 1 says that it is more.
 * @module
 */
import { fromFileUrl, join } from "@std/path";

const RUNS = 40;
const LIMIT = 1.5;
const REPOSITORY = fromFileUrl(new URL("../", import.meta.url));
const DENO = Deno.env.get("DENO_BIN") || Deno.execPath();

async function run(program: string, args: readonly string[]): Promise<void> {
  const command = new Deno.Command(program, { args: [...args], cwd: REPOSITORY, stdout: "null" });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(`${program} failed: ${new TextDecoder().decode(stderr)}`);
}

/** Milliseconds of one start. */
async function time(command: readonly [string, ...string[]]): Promise<number> {
  const [program, ...args] = command;
  const start = performance.now();
  await run(program, args);
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** Times of several commands, run in turn so that a busy machine is unfair to none. */
async function measure(commands: readonly (readonly [string, ...string[]])[]): Promise<number[][]> {
  const times = commands.map((): number[] => []);
  for (let round = 0; round < RUNS; round++) {
    for (const [i, command] of commands.entries()) times[i]?.push(await time(command));
  }
  return times;
}

const scratch = await Deno.makeTempDir();
try {
  const source = join(scratch, "empty.ts");
  const empty = join(scratch, "empty");
  await Deno.writeTextFile(source, "export {};\n");
  await run(DENO, [
    "compile",
    "--quiet",
    "--no-check",
    "--no-config",
    "--no-code-cache",
    "-o",
    empty,
    source,
  ]);
  const dist = join(scratch, "dist");
  const script = join(REPOSITORY, "scripts/compile.ts");
  await run(Deno.execPath(), ["run", "-A", "--frozen", script, "--output", dist]);
  const name = [...Deno.readDirSync(dist)].find((file) => file.name.startsWith("mise-oci-"))?.name;
  const program = join(dist, name ?? "");
  const commands = [[empty], [program, "--version"], [program, "build", "--help"]] as const;
  const times = await measure(commands);
  // The ratio is taken within each round: what else the machine does hits both.
  const ratios = times.map((own) => median(own.map((value, i) => value / (times[0]?.[i] ?? NaN))));
  const names = ["an empty program", "mise-oci --version", "mise-oci build --help"];
  for (const [i, own] of times.entries()) {
    const milliseconds = median(own).toFixed(1).padStart(6);
    const ratio = (ratios[i] ?? NaN).toFixed(2);
    // deno-lint-ignore no-console
    console.log(`${(names[i] ?? "").padEnd(24)} ${milliseconds} ms  ${ratio}`);
  }
  Deno.exitCode = ratios.every((ratio) => ratio <= LIMIT) ? 0 : 1;
} finally {
  await Deno.remove(scratch, { recursive: true });
}
