/**
 * The compiled program, made with a real runtime where one can be had.
 * @module
 */
import { join } from "@std/path";
import { cached } from "./testbed/kept.ts";
import { run, which } from "./testbed/command.ts";
import { programSources } from "./testbed/program_sources.ts";
import { OCI_ARCH, REPOSITORY } from "./testbed/paths.ts";

/** Fetches the runtime that `deno compile` embeds where Deno's own server cannot be reached. */
const GET_RUNTIME = join(REPOSITORY, "../shared/tools/get-denort.sh");

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Why there can be no executable on this machine, or `undefined` if there can. */
export function whyNoExecutable(): string | undefined {
  if (Deno.build.os !== "linux") return "not Linux";
  if (Deno.env.get("DENORT_BIN")) return undefined;
  if (!isFile(GET_RUNTIME)) return "no runtime to compile with: neither DENORT_BIN nor its script";
  if (Deno.build.arch !== "x86_64") return "the script has a runtime for x86_64 only";
  return which("npm") === undefined ? "npm is not installed" : undefined;
}

/** `DENORT_BIN`, and `DENO_BIN` of the same version. */
export async function runtimeEnv(): Promise<Record<string, string>> {
  const runtime = Deno.env.get("DENORT_BIN");
  if (runtime) return { DENORT_BIN: runtime, DENO_BIN: Deno.env.get("DENO_BIN") ?? "" };
  const directory = await cached({ name: "denort" }, async (into) => {
    await run(["bash", GET_RUNTIME, into]);
  });
  return { DENORT_BIN: join(directory, "denort"), DENO_BIN: join(directory, "deno") };
}

/** Runs `scripts/compile.ts`; its stderr. */
export async function runCompile(args: readonly string[]): Promise<string> {
  const script = join(REPOSITORY, "scripts/compile.ts");
  const { stderr } = await run([Deno.execPath(), "run", "-A", "--frozen", script, ...args], {
    env: { ...Deno.env.toObject(), ...await runtimeEnv() },
    cwd: REPOSITORY,
  });
  return stderr;
}

/**
 * Absolute path of the executable of the sources as they are now: compiled once for all tests, and kept until
 * a source changes.
 */
export async function compiledProgram(): Promise<string> {
  const parts = [...Deno.readDirSync(join(REPOSITORY, "scripts/compile"))]
    .map(({ name }) => `compile/${name}`).sort();
  const scripts = ["compile.ts", ...parts].map((name) => join(REPOSITORY, "scripts", name));
  const part = { name: "dist", sources: [...await programSources(), ...scripts] };
  const directory = await cached(part, async (into) => {
    await runCompile(["--output", into]);
  });
  return join(directory, `mise-oci-linux-${OCI_ARCH}`);
}
