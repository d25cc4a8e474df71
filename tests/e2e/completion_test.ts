/**
 * Tab in the shells that users sit at: a terminal of tmux, the script as docs/completions.md sources it.
 */
import { join } from "@std/path";
import { COMMANDS } from "../../src/commands/mod.ts";
import { completionScript, SHELLS } from "../../src/commands/completion.ts";
import { makeTempDir, run, testWith } from "../support/testbed.ts";

type Shell = typeof SHELLS[number];

/** How to start each shell without the user's own settings, and what it runs first. */
const START: Readonly<Record<Shell, (script: string) => string>> = {
  bash: (script) => `bash --noprofile --rcfile '${script}.rc' -i`,
  zsh: (script) => `ZDOTDIR='${script}.d' zsh -i`,
  fish: (script) => `fish --no-config -C 'source ${script}.rc'`,
};

const SETTINGS: Readonly<Record<Shell, (script: string) => string>> = {
  bash: (script) => `PS1='> '\nsource '${script}'\n`,
  zsh: (script) => `PS1='> '\nautoload -Uz compinit && compinit -u -D\nsource '${script}'\n`,
  fish: (script) => `function fish_prompt; echo '> '; end\nsource '${script}'\n`,
};

/** What is typed before Tab, and the line that it must become. */
const LINES: readonly (readonly [typed: string, completed: string])[] = [
  ["mise-oci bui", "mise-oci build"],
  ["mise-oci cache pru", "mise-oci cache prune"],
  ["mise-oci build --mount-p", "mise-oci build --mount-point"],
  ["mise-oci run --engine po", "mise-oci run --engine podman"],
  ["mise-oci load --engine do", "mise-oci load --engine docker"],
  ["mise-oci build --output fold", "mise-oci build --output folder/"],
  ["mise-oci inspect arch", "mise-oci inspect archive.tar"],
  ["mise-oci diff archive.tar fold", "mise-oci diff archive.tar folder/"],
  ["mise-oci build --compression zs", "mise-oci build --compression zstd"],
  ["mise-oci check --platform linux/am", "mise-oci check --platform linux/amd64"],
  ["mise-oci build --platform linux/am", "mise-oci build --platform linux/amd64"],
  ["mise-oci inspect oci:fold", "mise-oci inspect oci:folder"],
  ["mise-oci inspect oci:folder:", "mise-oci inspect oci:folder:dev:v1"],
  ["mise-oci inspect oci:folder:dev:", "mise-oci inspect oci:folder:dev:v1"],
  ["mise-oci push --image oci:folder:d", "mise-oci push --image oci:folder:dev:v1"],
  ["mise-oci build --from oci:folder:", "mise-oci build --from oci:folder:dev:v1"],
  ["mise-oci build --from oci-archive:arch", "mise-oci build --from oci-archive:archive.tar"],
  ["mise-oci inspect docker-archive:arch", "mise-oci inspect docker-archive:archive.tar"],
];

/** Writes what the shell starts with; its command line. */
async function prepare(shell: Shell, directory: string): Promise<string> {
  const script = join(directory, `mise-oci.${shell}`);
  await Deno.writeTextFile(script, completionScript(shell, COMMANDS));
  await Deno.writeTextFile(`${script}.rc`, SETTINGS[shell](script));
  await Deno.mkdir(`${script}.d`);
  await Deno.copyFile(`${script}.rc`, join(`${script}.d`, ".zshrc"));
  return START[shell](script);
}

async function checkShell(shell: Shell): Promise<void> {
  await using temp = await makeTempDir();
  const work = join(temp.path, "work");
  await Deno.mkdir(join(work, "folder"), { recursive: true });
  await Deno.writeTextFile(join(work, "archive.tar"), "");
  // What the shells ask of the program: its own tests show that it says so.
  const bin = join(temp.path, "bin");
  await Deno.mkdir(bin);
  const answer = '#!/bin/sh\n[ "$*" = "tag ls -q oci:folder" ] && echo dev:v1\n';
  await Deno.writeTextFile(join(bin, "mise-oci"), answer, { mode: 0o755 });
  const env = { HOME: temp.path, PATH: `${bin}:/usr/bin:/bin`, TERM: "xterm", LC_ALL: "C.UTF-8" };
  const tmux = async (...args: string[]): Promise<string> =>
    (await run(["tmux", "-S", join(temp.path, "socket"), ...args], { env, cwd: work })).stdout;
  const screen = async (wanted: RegExp): Promise<void> => {
    const deadline = Date.now() + 30_000;
    for (;;) {
      // tmux tells nobody that a pane changed.
      const text = (await tmux("capture-pane", "-p")).trimEnd();
      if (wanted.test(text.split("\n").at(-1) ?? "")) return;
      if (Date.now() > deadline) throw new Error(`${shell}: no ${wanted} on the screen:\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  };
  const command = await prepare(shell, temp.path);
  await tmux("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", command);
  try {
    for (const [typed, completed] of LINES) {
      await screen(/^>$/);
      await tmux("send-keys", "-l", typed);
      await screen(new RegExp(`^> ${RegExp.escape(typed)}`));
      await tmux("send-keys", "Tab");
      // fish shows in grey what it would complete: the mark stands behind what is really there.
      await tmux("send-keys", "-l", "MARK");
      await screen(new RegExp(`^> ${RegExp.escape(completed)}[ =/]?MARK$`));
      await tmux("send-keys", "C-u");
    }
  } finally {
    await tmux("kill-server");
  }
}

for (const shell of SHELLS) {
  testWith(
    { needs: ["linux", "tmux", ...shell === "bash" ? [] : [shell]] },
    `Tab completes commands, flags, engines and files in ${shell} under tmux`,
    () => checkShell(shell),
  );
}
