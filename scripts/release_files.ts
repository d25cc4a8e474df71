/**
 * `release_files.ts DIR`: puts what a release has beside the executables into the directory and its SHA256SUMS:
 * an archive with the man page, the completions and the licence, and the install script.
 * @module
 */
import { fromFileUrl, join } from "@std/path";
import { PROGRAM, VERSION } from "../src/cli/program.ts";
import { completionScript, SHELLS } from "../src/commands/completion.ts";
import { COMMANDS } from "../src/commands/mod.ts";
import { manPage } from "./gen_man.ts";

const REPOSITORY = fromFileUrl(new URL("../", import.meta.url));
const SUMS = "SHA256SUMS";

/** Where each shell looks for completions, below a prefix like `/usr/local`. */
const COMPLETIONS = {
  bash: `share/bash-completion/completions/${PROGRAM}`,
  zsh: `share/zsh/site-functions/_${PROGRAM}`,
  fish: `share/fish/vendor_completions.d/${PROGRAM}.fish`,
} as const satisfies Record<(typeof SHELLS)[number], string>;

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (!success) throw new Error(`${program} failed: ${new TextDecoder().decode(stderr).trim()}`);
}

/** Makes the archive, whose bytes depend on nothing but its files. */
async function writeArchive(file: string): Promise<void> {
  const tree = await Deno.makeTempDir();
  try {
    const write = async (path: string, text: string): Promise<void> => {
      await Deno.mkdir(join(tree, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(tree, path), text);
    };
    await write(`share/man/man1/${PROGRAM}.1`, manPage(COMMANDS, VERSION));
    for (const shell of SHELLS) await write(COMPLETIONS[shell], completionScript(shell, COMMANDS));
    const license = await Deno.readTextFile(join(REPOSITORY, "LICENSE"));
    await write(`share/doc/${PROGRAM}/LICENSE`, license);
    const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    await run("tar", [...same, "--mode=go=rX,u+rw", "-C", tree, "-cf", `${file}.tar`, "share"]);
    await run("gzip", ["--no-name", "--best", "--force", `${file}.tar`]);
    await Deno.rename(`${file}.tar.gz`, file);
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
}

async function addSum(directory: string, name: string): Promise<void> {
  const bytes = await Deno.readFile(join(directory, name));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const path = join(directory, SUMS);
  const lines = (await Deno.readTextFile(path)).split("\n").filter((line) =>
    line !== "" && !line.endsWith(`  ${name}`)
  );
  await Deno.writeTextFile(path, `${[...lines, `${hash}  ${name}`].join("\n")}\n`);
}

/** Adds the files to a directory of executables. @throws {Deno.errors.NotFound} without SHA256SUMS. */
export async function addReleaseFiles(directory: string): Promise<void> {
  const archive = `${PROGRAM}-share.tar.gz`;
  await writeArchive(join(directory, archive));
  await Deno.copyFile(join(REPOSITORY, "install.sh"), join(directory, "install.sh"));
  for (const name of [archive, "install.sh"]) await addSum(directory, name);
}

if (import.meta.main) {
  const [directory] = Deno.args;
  if (directory === undefined) throw new RangeError("Give the directory of the executables");
  await addReleaseFiles(directory);
}
