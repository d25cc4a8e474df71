/**
 * Real programs and real bases: what the preflight says about each is held against starting it.
 * @module
 */
import { join } from "@std/path";
import { openLayout } from "../../../src/store/mod.ts";
import { buildBase } from "../testbed/base.ts";
import { run, which } from "../testbed/command.ts";
import { cached } from "../testbed/lock.ts";
import { has, whyMissing } from "../testbed/parts.ts";
import { OCI_ARCH } from "../testbed/paths.ts";
import { makePrograms } from "./built_programs.ts";
import { NPM_PROGRAMS } from "./npm_programs.ts";

/** Programs of the Debian base that are tried on the other bases too. */
const DEBIAN_PROGRAMS =
  "bash dash ls sed grep tar find mawk perl apt-get dpkg gpgv env date gzip sort".split(" ");

/** Why the corpus cannot be used here; `undefined` if it can. */
export function whyNoCorpus(): string | undefined {
  for (const part of ["linux", "root", "base"] as const) if (!has(part)) return whyMissing(part);
  if (OCI_ARCH !== "amd64") return "not amd64";
  return ["npm", "gcc", "g++", "dpkg-deb", "unshare", "chroot"].map((program) =>
    which(program) === undefined ? `${program} is not installed` : undefined
  ).find((reason) => reason !== undefined);
}

async function fetchNpm(directory: string, bin: string): Promise<void> {
  const specs = NPM_PROGRAMS.map(({ spec }) => spec);
  const { stdout } = await run(
    ["npm", "pack", "--silent", "--pack-destination", directory, ...specs],
  );
  const files = stdout.trim().split("\n").slice(-specs.length);
  for (const [i, { file, name }] of NPM_PROGRAMS.entries()) {
    const archive = join(directory, files[i] ?? "");
    const unpacked = join(directory, "unpacked");
    await Deno.mkdir(unpacked);
    await run(["tar", "-xzf", archive, "-C", unpacked, "--strip-components=1", "--no-same-owner"]);
    await Deno.rename(join(unpacked, file), join(bin, name));
    await Deno.chmod(join(bin, name), 0o755);
    await Deno.remove(unpacked, { recursive: true });
    await Deno.remove(archive);
  }
}

/** The directory that is `/corpus` in every base: made the first time (a minute or two), then cached. */
export async function makeCorpus(): Promise<string> {
  const debian = join(await makeBases(), "debian");
  return await cached("preflight/corpus", async (corpus) => {
    const bin = join(corpus, "bin");
    await Deno.mkdir(bin);
    await Deno.mkdir(join(corpus, "lib"));
    const scratch = join(corpus, "npm");
    await Deno.mkdir(scratch);
    await fetchNpm(scratch, bin);
    await Deno.remove(scratch, { recursive: true });
    for (const name of DEBIAN_PROGRAMS) {
      await run(["cp", "-L", join(debian, "usr/bin", name), join(bin, `d-${name}`)]);
    }
    await makePrograms(corpus);
  });
}

async function unpackDebian(root: string): Promise<void> {
  const layout = await openLayout(await buildBase());
  const { manifest } = await layout.resolve();
  for (const { digest } of manifest.layers) {
    const blob = join(await buildBase(), "blobs", digest.replace(":", "/"));
    await run(["tar", "-xzpf", blob, "-C", root, "--numeric-owner"]);
  }
}

/** musl and busybox of Debian's packages, and nothing else: the shape of Alpine. */
async function unpackMusl(root: string): Promise<void> {
  const debs = join(root, "debs");
  await Deno.mkdir(debs);
  await run(["apt-get", "download", "-q", "musl", "busybox-static"], { cwd: debs });
  for (const { name } of Deno.readDirSync(debs)) {
    await run(["dpkg-deb", "--extract", join(debs, name), root]);
  }
  await Deno.remove(debs, { recursive: true });
  await Deno.mkdir(join(root, "usr/bin"), { recursive: true });
  for (const path of ["bin/sh", "bin/ash", "usr/bin/env", "bin/ls", "bin/cat"]) {
    await Deno.symlink("/bin/busybox", join(root, path));
  }
}

const BASES = ["debian", "debian without libstdc++", "musl and busybox", "scratch"] as const;

/** A base of the corpus. */
export type BaseName = typeof BASES[number];

/** Names of the bases. */
export const BASE_NAMES: readonly BaseName[] = BASES;

/** The directory of the bases' root directories, made once. */
export async function makeBases(): Promise<string> {
  return await cached("preflight/bases", async (directory) => {
    const path = (name: BaseName): string => join(directory, name);
    for (const name of BASES) await Deno.mkdir(path(name));
    await unpackDebian(path("debian"));
    await run(["cp", "-a", `${path("debian")}/.`, path("debian without libstdc++")]);
    const libraries = join(path("debian without libstdc++"), "usr/lib/x86_64-linux-gnu");
    for (const { name } of [...Deno.readDirSync(libraries)]) {
      if (/^lib(?:stdc\+\+|gcc_s)\.so/.test(name)) await Deno.remove(join(libraries, name));
    }
    await unpackMusl(path("musl and busybox"));
    for (const name of BASES) {
      await Deno.mkdir(join(path(name), "proc"), { recursive: true });
      await Deno.mkdir(join(path(name), "corpus"), { recursive: true });
    }
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
  const directory = await cached("preflight/launch", async (into) => {
    await run(["gcc", "-static", "-x", "c", "-", "-o", join(into, "launch")], { stdin: LAUNCH });
  });
  return join(directory, "launch");
}
