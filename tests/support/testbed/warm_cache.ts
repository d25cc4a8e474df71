/**
 * A cache that has the layers of the testbed's tools, for tests whose subject is not how layers are made.
 * @module
 */
import { dirname, join } from "@std/path";
import { runProgramJson } from "../cli.ts";
import { readImage } from "../layout.ts";
import { buildBase } from "./base.ts";
import { removeTree, run } from "./command.ts";
import { cached } from "./kept.ts";
import { createMiseProject } from "./mise.ts";
import { has } from "./parts.ts";
import { programSources } from "./program_sources.ts";
import { type ToolName, TOOLS_HOME } from "./tools.ts";

const SETS: readonly (readonly ToolName[])[] = [
  ["node", "prettier", "typescript", "eslint"],
  ["oldPrettier"],
];

/** What the cache knows of bases: tests of bases start without it. */
const OF_BASES = ["base-checks", "base-directories", "layer-index"];

async function forgetBase(cache: string, base: string): Promise<void> {
  const { layers } = (await readImage(base)).manifest;
  const blobs = layers.map(({ digest }) => join("blobs", digest.replace(":", "/")));
  for (const path of [...blobs, ...OF_BASES.map((name) => join("documents", name))]) {
    await removeTree(join(cache, path));
  }
}

/** Builds images of every tool on nothing and on Debian, where mise's own layer is another one. */
async function fillCache(cache: string): Promise<void> {
  const base = has("base") ? await buildBase() : undefined;
  for (const tools of SETS) {
    await using project = await createMiseProject({ tools, cache: "empty" });
    const options = {
      cwd: project.directory,
      env: { ...project.env, MISE_OCI_CACHE_DIR: cache },
    };
    const output = join(project.root, "image");
    for (const from of ["scratch", ...(base === undefined ? [] : [`oci:${base}`])]) {
      await runProgramJson(["build", "--from", from, "-o", output], options);
    }
  }
  if (base !== undefined) await forgetBase(cache, base);
}

/**
 * Puts the layers of the testbed's tools into a cache directory that does not exist yet, as hard links. What
 * makes the layers is part of the name under which they are kept, so a change of the program makes them again.
 *
 * The program replaces files of its cache and never writes into them; neither may the test.
 */
export async function linkWarmCache(cache: string): Promise<void> {
  const part = {
    name: "layers",
    sources: [...await programSources(), import.meta.url],
    also: TOOLS_HOME.root,
  };
  const warm = await cached(part, fillCache);
  await Deno.mkdir(dirname(cache), { recursive: true });
  const { code } = await run(["cp", "-al", warm, cache], { allowFailure: true });
  // The user's cache may be on another file system than temporary files.
  if (code !== 0) await run(["cp", "-a", "--reflink=auto", `${warm}/.`, cache]);
}
