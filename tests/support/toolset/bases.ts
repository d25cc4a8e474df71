/**
 * Bases that the toolset is tried on, as image layouts.
 * @module
 */
import { join } from "@std/path";
import { aptSource, buildBase, extractPackages } from "../testbed/base.ts";
import { makeTempDir, run } from "../testbed/command.ts";
import { cached } from "../testbed/kept.ts";
import { OCI_ARCH } from "../testbed/paths.ts";
import { startPodman } from "../testbed/podman.ts";
import { makeBases } from "../preflight/bases.ts";

/** What each base is, to how its layout's reference is had. */
const BASES = {
  /** Debian with what tools of every kind open. */
  "Debian": () => keptLayout("debian", makeDebian),
  /** The minimal Debian. */
  "without ca-certificates": async () => `oci:${await buildBase()}`,
  "musl": () => keptLayout("musl", makeMusl),
  /** glibc and C++ only: the shape of distroless images. */
  "no shell": () => keptLayout("no-shell", makeNoShell),
  "scratch": () => Promise.resolve("scratch"),
} as const;

/** A base of the toolset's corpus. */
export type ToolsetBase = keyof typeof BASES;

/** Their names. */
export const TOOLSET_BASES: readonly ToolsetBase[] = Object.keys(BASES) as ToolsetBase[];

/** The base as `--from` takes it. Made the first time. */
export function toolsetBase(name: ToolsetBase): Promise<string> {
  return BASES[name]();
}

/** Libraries by packages whose names are the same in every release: those that they depend on count. */
const PACKAGES = [
  "ca-certificates",
  "git",
  "libpython3-stdlib",
  "libatomic1",
  "libyaml-0-2",
  "icu-devtools",
];

async function makeDebian(tar: string): Promise<void> {
  const { suite, mirror } = aptSource();
  const include = `--include=${PACKAGES.join(",")}`;
  await run(["mmdebstrap", "--quiet", "--variant=minbase", include, suite, tar, mirror]);
}

const pack = (root: string, tar: string): Promise<unknown> =>
  run(["tar", "--numeric-owner", "-cf", tar, "-C", root, "."]);

async function makeMusl(tar: string): Promise<void> {
  await pack(join(await makeBases(OCI_ARCH), "musl and busybox"), tar);
}

async function makeNoShell(tar: string): Promise<void> {
  await using temp = await makeTempDir();
  const root = join(temp.path, "root");
  await Deno.mkdir(root);
  const packages = ["base-files", "libstdc++6", "libatomic1"];
  await extractPackages(root, { architecture: OCI_ARCH, packages });
  await pack(root, tar);
}

/** A layout of one layer, `oci:DIRECTORY`, written by podman from the tar that `make` makes the first time. */
export async function keptLayout(
  name: string,
  make: (tar: string) => Promise<void>,
): Promise<string> {
  const part = { name: `toolset-bases/${name}`, sources: [import.meta.url] };
  const directory = await cached(part, async (into) => {
    const tar = join(into, "rootfs.tar");
    await make(tar);
    await using podman = await startPodman();
    await podman.run(["import", "--quiet", tar, "localhost/base"]);
    // podman wants a directory without a dot.
    const layout = join(podman.root, "layout");
    await podman.run(["push", "--quiet", "localhost/base", `oci:${layout}:latest`]);
    await run(["cp", "-r", layout, into]);
    await Deno.remove(tar);
  });
  return `oci:${join(directory, "layout")}`;
}
