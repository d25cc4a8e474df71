/**
 * A cache that has the layers of the testbed's tools, for tests whose subject is not how layers are made.
 * @module
 */
import { dirname, join } from "@std/path";
import { runProgramJson } from "../cli.ts";
import { buildBase } from "./base.ts";
import { run } from "./command.ts";
import { cached } from "./kept.ts";
import { createMiseProject } from "./mise.ts";
import { programSources } from "./program_sources.ts";
import { has } from "./parts.ts";
import { type ToolName, TOOLS_HOME } from "./tools.ts";

const SETS: readonly (readonly ToolName[])[] = [
  ["node", "prettier", "typescript", "eslint"],
  ["oldPrettier"],
];

/** Builds images of every tool, on nothing and on Debian; the layers that are the same are made once. */
async function fillCache(cache: string): Promise<void> {
  for (const tools of SETS) {
    await using project = await createMiseProject({ tools });
    const options = {
      cwd: project.directory,
      env: { ...project.env, MISE_OCI_CACHE_DIR: cache },
    };
    const base = has("base") ? [`oci:${await buildBase()}`] : [];
    for (const from of ["scratch", ...base]) {
      const output = join(project.root, "image");
      await runProgramJson(["build", "--from", from, "-o", output], options);
    }
  }
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
