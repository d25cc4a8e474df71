/**
 * Projects that are built in a container and on this machine, to compare the images.
 * @module
 */
import { join } from "@std/path";
import { runProgramJson } from "./cli.ts";
import { readImage } from "./layout.ts";
import { NODE_VERSION } from "./node_mirror.ts";
import { envOf } from "./platforms.ts";
import { createMiseProject, type MiseProject, type Part } from "./testbed.ts";

/** What every test of a container needs. */
export const NEEDS: readonly Part[] = [
  "linux",
  "root",
  "mise",
  "base",
  "podman",
  "runc",
  "skopeo",
  "docker-registry",
];

/** Tools that are downloads: node from a mirror, programs and scripts from npm. */
export function projectOf(mirror: string): Promise<MiseProject> {
  return createMiseProject({
    toml: `[tools]\nnode = "${NODE_VERSION}"\n"npm:prettier" = "3.6.2"\n` +
      `"npm:esbuild" = "0.25.9"\n"npm:@biomejs/biome" = "2.2.4"\n` +
      `[settings]\nnode.mirror_url = "${mirror}/"\nnode.gpg_verify = false\n`,
  });
}

/** The image that this machine builds, and its diff IDs. */
export async function builtHere(
  project: MiseProject,
  args: readonly string[],
): Promise<{ readonly digest: string; readonly layout: string }> {
  const layout = join(project.root, `here${args.join("").replaceAll(/\W/g, "")}`);
  const command = ["build", "--install", "--no-mise", ...args, "-o", layout];
  const options = { cwd: project.directory, env: envOf(project) };
  return { layout, ...await runProgramJson<{ digest: string }>(command, options) };
}

/** One line for each layer: what it is, and its digest. */
export async function layersOf(layout: string): Promise<string[]> {
  const { manifest } = await readImage(layout);
  return manifest.layers.map(({ digest, annotations = {} }) => {
    const name = annotations["dev.mise.tool.short"] ?? annotations["dev.mise.layer.kind"] ?? "base";
    return `${name} ${digest}`;
  });
}
