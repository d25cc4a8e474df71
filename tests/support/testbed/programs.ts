/**
 * Independent programs that read and write what the program writes and reads, built from Go modules into
 * the user's cache by `deno task testbed --programs`. Tests that need one that was not built are skipped.
 * @module
 */
import { join } from "@std/path";
import { exists, makeTempDir, run, which } from "./command.ts";
import { withLock } from "./kept.ts";
import { USER_CACHE } from "./paths.ts";

/** How one program is built. */
export interface GoProgram {
  /** Path of the Go package of the command. */
  readonly module: string;
  /** Exact version of the module that has it. */
  readonly version: string;
  /** Whether it is built in a few minutes; the others only when they are asked for. */
  readonly cheap?: true;
  /** Whether its `go.mod` replaces modules, which `go install` refuses: built from a module of our own. */
  readonly replaces?: true;
}

/** Every program that tests can name, by the name of its executable. */
export const PROGRAMS = {
  crane: {
    module: "github.com/google/go-containerregistry/cmd/crane",
    version: "v0.22.1",
    cheap: true,
  },
  regctl: { module: "github.com/regclient/regclient/cmd/regctl", version: "v0.11.7", cheap: true },
  oras: { module: "oras.land/oras/cmd/oras", version: "v1.3.6", cheap: true },
  actionlint: { module: "github.com/rhysd/actionlint/cmd/actionlint", version: "v1.7.12" },
  registry: {
    module: "github.com/distribution/distribution/v3/cmd/registry",
    version: "v3.1.2",
  },
  syft: { module: "github.com/anchore/syft/cmd/syft", version: "v1.57.1" },
  cosign: { module: "github.com/sigstore/cosign/v3/cmd/cosign", version: "v3.1.3" },
  buildctl: {
    module: "github.com/moby/buildkit/cmd/buildctl",
    version: "v0.34.2",
    replaces: true,
  },
  buildkitd: {
    module: "github.com/moby/buildkit/cmd/buildkitd",
    version: "v0.34.2",
    replaces: true,
  },
} as const satisfies Readonly<Record<string, GoProgram>>;

/** A program of {@linkcode PROGRAMS}. */
export type ProgramName = keyof typeof PROGRAMS;

const CACHE = join(USER_CACHE, "mise-oci-programs");

/** Whether a name is that of a program. */
export function isProgram(name: string): name is ProgramName {
  return Object.hasOwn(PROGRAMS, name);
}

/** Absolute path of a program's executable, which exists if {@linkcode whyNoProgram} has no reason. */
export function program(name: ProgramName): string {
  return join(CACHE, "bin", name);
}

function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Where the version of a program that was built is noted. */
function versionFile(name: ProgramName): string {
  return join(CACHE, "versions", name);
}

/** Why a program cannot be used here, or `undefined` if it can. */
export function whyNoProgram(name: ProgramName): string | undefined {
  try {
    Deno.statSync(program(name));
  } catch {
    return `${name} is not built, run "deno task testbed --programs ${name}"`;
  }
  const { version } = PROGRAMS[name];
  // An executable without a note was put there by hand.
  const built = readText(versionFile(name)) ?? version;
  return built === version ? undefined : `${name} is ${built}, not ${version}`;
}

/** The version of a command's module that an executable says it was built of. */
async function builtVersion(path: string, command: string): Promise<string | undefined> {
  const { code, stdout } = await run(["go", "version", "-m", path], { allowFailure: true });
  if (code !== 0) return undefined;
  const modules = [...stdout.matchAll(/^\s+(?:mod|dep)\s+(\S+)\s+(\S+)/gm)];
  return modules.find(([, module]) => command.startsWith(`${module}/`))?.[2];
}

/** Builds a program into a directory, at low priority. */
async function build(program: GoProgram, directory: string): Promise<void> {
  const { module, version, replaces } = program;
  const env = { ...Deno.env.toObject(), CGO_ENABLED: "0", GOFLAGS: "-mod=mod", GOBIN: directory };
  const go = (...args: string[]) =>
    run(["nice", "-n", "10", "go", ...args], { env, cwd: directory });
  if (replaces === undefined) {
    await go("install", `${module}@${version}`);
    return;
  }
  await go("mod", "init", "programs");
  await go("get", `${module}@${version}`);
  await go("install", module);
}

/**
 * Builds a program of its pinned version unless that was done before: minutes.
 *
 * @throws {Error} if there is no Go, or the module proxy is not reached.
 */
export async function buildProgram(name: ProgramName): Promise<void> {
  const { module, version } = PROGRAMS[name];
  const path = program(name);
  if (await exists(path) && readText(versionFile(name)) === version) return;
  if (which("go") === undefined) throw new Error("go is not installed");
  await withLock(name, async () => {
    if (!await exists(path) || await builtVersion(path, module) !== version) {
      await using temp = await makeTempDir();
      await build(PROGRAMS[name], temp.path);
      await Deno.mkdir(join(CACHE, "bin"), { recursive: true });
      await Deno.copyFile(join(temp.path, name), `${path}.partial`);
      await Deno.rename(`${path}.partial`, path);
    }
    await Deno.mkdir(join(CACHE, "versions"), { recursive: true });
    await Deno.writeTextFile(versionFile(name), `${version}\n`);
  }, CACHE);
}
