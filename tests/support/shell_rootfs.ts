/**
 * A rootfs with a shell and a few programs of this machine, in which a fake package manager can run.
 * @module
 */
import { dirname } from "@std/path";
import { Rootfs } from "../../src/rootfs/rootfs.ts";

const PROGRAMS = ["sh", "cat", "touch", "mkdir", "rm", "ln", "chmod", "ls", "sleep", "mknod", "id"];

/** Why fake package managers cannot run here; `undefined` if they can. */
export const whyNoIsolation: string | undefined = await findReason();

async function findReason(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "not Linux";
  if (Deno.uid() !== 0) return "not root";
  try {
    const { success } = await new Deno.Command("unshare", {
      args: ["--mount", "--pid", "--fork", "setpriv", "--version"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success ? undefined : "name spaces are not allowed";
  } catch {
    return "no unshare or setpriv";
  }
}

/** A test that runs programs in a rootfs; skipped, with the reason in its name, where that cannot be. */
export function isolatedTest(name: string, fn: () => Promise<void>): void {
  const suffix = whyNoIsolation === undefined ? "" : ` (skipped: ${whyNoIsolation})`;
  Deno.test({ name: name + suffix, ignore: whyNoIsolation !== undefined, fn });
}

/** A rootfs in a directory of its own. */
export interface ShellRootfs extends Disposable {
  readonly rootfs: Rootfs;
  /** Directory beside it, which nothing inside may change. */
  readonly outside: string;
}

/** Makes a rootfs whose `/usr/bin/apt-get` is the given shell script. */
export async function makeShellRootfs(aptGet: string): Promise<ShellRootfs> {
  const top = await Deno.makeTempDir({ prefix: "shell-" });
  const root = `${top}/root`;
  for (const directory of ["etc", "tmp", "var", "usr/bin", "usr/sbin", "bin"]) {
    await Deno.mkdir(`${root}/${directory}`, { recursive: true });
  }
  await Deno.mkdir(`${top}/outside`);
  for (const program of PROGRAMS) await copyProgram(root, `/bin/${program}`);
  await Deno.writeTextFile(`${root}/usr/bin/apt-get`, `#!/bin/sh\n${aptGet}\n`, { mode: 0o755 });
  return {
    rootfs: new Rootfs(root),
    outside: `${top}/outside`,
    [Symbol.dispose]: () => Deno.removeSync(top, { recursive: true }),
  };
}

async function copyProgram(root: string, path: string): Promise<void> {
  const { stdout } = await new Deno.Command("ldd", { args: [path] }).output();
  const libraries = new TextDecoder().decode(stdout).matchAll(/(?:=> |^\s+)(\/\S+)/gm);
  for (const file of [path, ...Array.from(libraries, (match) => match[1]!)]) {
    await Deno.mkdir(root + dirname(file), { recursive: true });
    await Deno.copyFile(await Deno.realPath(file), root + file);
  }
}
