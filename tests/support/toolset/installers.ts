/**
 * The programs that mise starts to install packages, besides npm and what it brings along.
 * @module
 */
import { join } from "@std/path";
import { exists, run, which } from "../testbed/command.ts";
import { keptPath, withLock } from "../testbed/kept.ts";

/**
 * The directory for PATH with pnpm and bun, and uv where there is Python: each by npm or pip. Made the first
 * time; an environment of Python cannot be renamed.
 */
export async function makeInstallers(): Promise<string> {
  const directory = keptPath({ name: "installers", sources: [import.meta.url] });
  await withLock("installers", async () => {
    if (await exists(join(directory, "complete"))) return;
    await Deno.mkdir(join(directory, "bin"), { recursive: true });
    const npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix"] as const;
    await run([...npm, directory, "pnpm@10.16.1", "bun@1.3.0"]);
    for (const name of ["pnpm", "bun"]) {
      await Deno.symlink(`../node_modules/.bin/${name}`, join(directory, "bin", name));
    }
    if (which("python3") !== undefined) {
      await run(["python3", "-m", "venv", join(directory, "venv")]);
      await run([join(directory, "venv/bin/pip"), "install", "--quiet", "uv==0.8.17"]);
      for (const name of ["uv", "uvx"]) {
        await Deno.symlink(`../venv/bin/${name}`, join(directory, "bin", name));
      }
    }
    await Deno.writeTextFile(join(directory, "complete"), "");
  });
  return join(directory, "bin");
}
