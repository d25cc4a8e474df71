/**
 * Root directories of images that programs are tried in.
 * @module
 */
import { join } from "@std/path";
import { resolveImage } from "../../../src/image/mod.ts";
import { openLayout } from "../../../src/store/mod.ts";
import { BASE_PARTS, buildArm64Base, buildBase, extractPackages } from "../testbed/base.ts";
import { run } from "../testbed/command.ts";
import { cached, type KeptPart, keptPath } from "../testbed/kept.ts";
import type { Architecture } from "./npm_programs.ts";

const BASES = ["debian", "debian without libstdc++", "musl and busybox", "scratch"] as const;

/** A base of the corpus. */
export type BaseName = typeof BASES[number];

/** Names of the bases. */
export const BASE_NAMES: readonly BaseName[] = BASES;

const LIBRARIES: Readonly<Record<Architecture, string>> = {
  amd64: "usr/lib/x86_64-linux-gnu",
  arm64: "usr/lib/aarch64-linux-gnu",
};

async function unpackDebian(root: string, architecture: Architecture): Promise<void> {
  const directory = await (architecture === "amd64" ? buildBase() : buildArm64Base());
  const { manifest } = await resolveImage(await openLayout(directory));
  for (const { digest } of manifest.layers) {
    const blob = join(directory, "blobs", digest.replace(":", "/"));
    await run(["tar", "-xzpf", blob, "-C", root, "--numeric-owner"]);
  }
}

/** musl and busybox of Debian's packages, and nothing else: the shape of Alpine. */
async function unpackMusl(root: string, architecture: Architecture): Promise<void> {
  await extractPackages(root, { architecture, packages: ["musl", "busybox-static"] });
  await Deno.mkdir(join(root, "usr/bin"), { recursive: true });
  for (const path of ["bin/sh", "bin/ash", "usr/bin/env", "bin/ls", "bin/cat"]) {
    await Deno.symlink("/bin/busybox", join(root, path));
  }
}

/** The bases' root directories as they are kept. */
function basesPart(architecture: Architecture): KeptPart {
  const debian = keptPath(architecture === "amd64" ? BASE_PARTS.base : BASE_PARTS.arm64);
  return { name: `preflight/bases-${architecture}`, sources: [import.meta.url], also: debian };
}

/** The directory of the bases' root directories, made once. */
export async function makeBases(architecture: Architecture): Promise<string> {
  return await cached(basesPart(architecture), async (directory) => {
    const path = (name: BaseName): string => join(directory, name);
    for (const name of BASES) await Deno.mkdir(path(name));
    await unpackDebian(path("debian"), architecture);
    await run(["cp", "-al", `${path("debian")}/.`, path("debian without libstdc++")]);
    const libraries = join(path("debian without libstdc++"), LIBRARIES[architecture]);
    for (const { name } of [...Deno.readDirSync(libraries)]) {
      if (/^lib(?:stdc\+\+|gcc_s)\.so/.test(name)) await Deno.remove(join(libraries, name));
    }
    await unpackMusl(path("musl and busybox"), architecture);
    for (const name of BASES) {
      await Deno.mkdir(join(path(name), "proc"), { recursive: true });
      await Deno.mkdir(join(path(name), "corpus"), { recursive: true });
    }
  });
}
