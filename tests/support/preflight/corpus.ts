/**
 * Real programs: what the preflight says about each is held against starting it.
 * @module
 */
import { join } from "@std/path";
import { run, which } from "../testbed/command.ts";
import { cached, type KeptPart } from "../testbed/kept.ts";
import { has, whyMissing } from "../testbed/parts.ts";
import { OCI_ARCH } from "../testbed/paths.ts";
import { makeBases } from "./bases.ts";
import { compilePrograms, patchPrograms, writeScripts } from "./built_programs.ts";
import { type Architecture, type NpmProgram, npmPrograms } from "./npm_programs.ts";

/** Programs of the Debian base that are tried on the other bases too. */
const DEBIAN_PROGRAMS =
  "bash dash ls sed grep tar find mawk perl apt-get dpkg gpgv env date gzip sort".split(" ");

/** Why the corpus of an architecture cannot be used here; `undefined` if it can. */
export function whyNoCorpus(architecture: Architecture = "amd64"): string | undefined {
  const parts = ["linux", "root", "base", "mmdebstrap"] as const;
  for (const part of architecture === "arm64" ? [...parts, "arm64" as const] : parts) {
    if (!has(part)) return whyMissing(part);
  }
  if (OCI_ARCH !== "amd64") return "not amd64";
  return ["npm", "gcc", "g++", "unshare"].map((program) =>
    which(program) === undefined ? `${program} is not installed` : undefined
  ).find((reason) => reason !== undefined);
}

/** Downloads packages together; npm asks for several at once. */
async function fetchNpm(bin: string, programs: readonly NpmProgram[]): Promise<void> {
  const scratch = join(bin, "../npm");
  await Deno.mkdir(scratch);
  const specs = programs.map(({ spec }) => spec);
  const pack = ["npm", "pack", "--silent", "--pack-destination", scratch] as const;
  const { stdout } = await run([...pack, ...specs]);
  const files = stdout.trim().split("\n").slice(-specs.length);
  await Promise.all(programs.map(async ({ file, name }, i) => {
    const archive = join(scratch, files[i] ?? "");
    // The directory that everything is in is mostly, not always, called "package".
    const pattern = ["--no-same-owner", "--wildcards", `*/${file}`];
    const into = join(scratch, name);
    await Deno.mkdir(into);
    await run(["tar", "-xzf", archive, "-C", into, "--strip-components=1", ...pattern]);
    await Deno.rename(join(into, file), join(bin, name));
    await Deno.chmod(join(bin, name), 0o755);
  }));
  await Deno.remove(scratch, { recursive: true });
}

/** The programs as they are kept. @param bases directory of the bases, whose name says of what they are made. */
function corpusPart(architecture: Architecture, bases: string): KeptPart {
  const names = ["corpus.ts", "built_programs.ts", "npm_programs.ts"];
  return {
    name: `preflight/corpus-${architecture}`,
    sources: names.map((name) => new URL(name, import.meta.url).href),
    also: `${bases} ${Deno.version.deno}`,
  };
}

/** The directory that is `/corpus` in every base: made the first time (half a minute), then kept. */
export async function makeCorpus(architecture: Architecture = "amd64"): Promise<string> {
  const bases = await makeBases(architecture);
  const debian = join(bases, "debian");
  return await cached(corpusPart(architecture, bases), async (corpus) => {
    const bin = join(corpus, "bin");
    await Deno.mkdir(bin);
    await fetchNpm(bin, npmPrograms(architecture));
    for (const name of DEBIAN_PROGRAMS) {
      await run(["cp", "-L", join(debian, "usr/bin", name), join(bin, `d-${name}`)]);
    }
    if (architecture === OCI_ARCH) {
      await compilePrograms(corpus);
      // The very Deno that runs the tests, and so no download.
      await Deno.copyFile(Deno.execPath(), join(bin, "deno"));
    }
    await patchPrograms(corpus);
    await writeScripts(corpus);
  });
}

const LAUNCH = `#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
  char *env[] = {argv[2], "HOME=/", 0};
  if (argc < 4 || chroot(argv[1]) != 0 || chdir("/") != 0) return 125;
  execve(argv[3], argv + 3, env);
  perror("execve");
  return 127;
}
`;

/**
 * A program that starts another as a container engine does: `launch ROOT PATH=… PROGRAM ARGUMENT…`. Shells
 * and coreutils' chroot would hand what the kernel refuses to a shell.
 */
export async function makeLauncher(): Promise<string> {
  const directory = await cached(
    { name: "preflight/launch", sources: [import.meta.url] },
    async (into) => {
      await run(["gcc", "-static", "-x", "c", "-", "-o", join(into, "launch")], { stdin: LAUNCH });
    },
  );
  return join(directory, "launch");
}
