import { assertEquals } from "@std/assert";
import { COMMANDS } from "../mod.ts";
import { completionScript } from "../completion.ts";

type Shell = "bash" | "zsh" | "fish";

async function output(command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`${command}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

function isInstalled(shell: Shell): boolean {
  try {
    return new Deno.Command(shell, { args: ["-c", "exit 0"] }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Creates a test whose name gives the reason if it is skipped. */
function shellTest(shell: Shell, test: (script: string) => Promise<void>): void {
  const ignore = !isInstalled(shell);
  const reason = ignore ? ` (skipped: ${shell} is not installed)` : "";
  Deno.test({
    name: `a real ${shell} completes commands, flags and values${reason}`,
    ignore,
    fn: async () => {
      const script = await Deno.makeTempFile({ suffix: `.${shell}` });
      try {
        await Deno.writeTextFile(script, completionScript(shell, COMMANDS));
        await test(script);
      } finally {
        await Deno.remove(script);
      }
    },
  });
}

/** The words so far, with the last one to complete, and the expected completions. */
const CASES: readonly (readonly [words: readonly string[], offers: readonly string[]])[] = [
  [["b"], ["build", "bundle"]],
  [["cache", ""], ["df", "ls", "path", "prune"]],
  [["build", "--pla"], ["--platform"]],
  [["build", "--pull", ""], ["always", "missing", "never"]],
  [["build", "--pull", "al"], ["always"]],
  [["-C", "/", "bu"], ["build", "bundle"]],
  [["-E", "build", "bu"], ["build", "bundle"]],
  [["cache", "prune", "--max"], ["--max-size"]],
  [["completion", ""], ["bash", "fish", "zsh"]],
  [["completion", "f"], ["fish"]],
  [["run", "--engine", ""], ["auto", "docker", "podman"]],
  [["load", "--engine", "d"], ["docker"]],
  [["push", "--tool", "s"], ["skopeo"]],
  [["build", "--compression", ""], ["gzip", "none", "zstd"]],
  [["build", "--platform", "linux/arm"], ["linux/arm/v7", "linux/arm64"]],
];

shellTest("bash", async (script) => {
  for (const [words, offers] of CASES) {
    const found = await output("bash", [
      "--noprofile",
      "--norc",
      "-c",
      'source "$1"; shift; COMP_WORDS=(mise-oci "$@"); COMP_CWORD=$#; _mise_oci; ' +
      'printf "%s\\n" "${COMPREPLY[@]}"',
      "-",
      script,
      ...words,
    ]);
    assertEquals(found.split("\n").filter((word) => word !== "").sort(), offers, words.join(" "));
  }
  const equals = await output("bash", [
    "-c",
    'source "$1"; COMP_WORDS=(mise-oci build --pull = al); COMP_CWORD=4; _mise_oci; echo "${COMPREPLY[@]}"',
    "-",
    script,
  ]);
  assertEquals(equals, "always\n");
});

shellTest("fish", async (script) => {
  for (const [words, offers] of CASES) {
    const line = `mise-oci ${words.join(" ")}`;
    const found = await output("fish", [
      "--no-config",
      "-c",
      "source $argv[1]; complete -C $argv[2]",
      script,
      line,
    ]);
    const names = found.split("\n").map((row) => row.split("\t")[0] ?? "");
    assertEquals(names.filter((word) => word !== "").sort(), offers, line);
  }
});

/**
 * Zsh completes only in its line editor, so this runs zsh in a pseudo-terminal, where a wrapper of
 * `compadd` reports its arguments and matches.
 */
const ZSH_PROBE = `
zmodload zsh/zpty
zpty probe zsh -f -i
zpty -w probe 'PS1= PS2= RPS1=; stty -echo; autoload -Uz compinit; compinit -D -u; source '"$1"
zpty -w probe 'compadd() {
  [[ \${@[(I)-O|-A|-D]} -gt 0 ]] && { builtin compadd "$@"; return; }
  local -a hits; builtin compadd -O hits "$@"
  local hit; for hit in "\${hits[@]}"; do print -r -- "<hit>\${hit}</hit>"; done
  builtin compadd "$@"
}'
zpty -w probe 'ask() { zle complete-word; print -r -- "<end>"; zle kill-whole-line; }
zle -N ask; bindkey "^X" ask; unsetopt automenu autolist; echo "<rea""dy>"'
while zpty -r probe row; do [[ $row == *"<ready>"* ]] && break; done
for line in "\${@[2,-1]}"; do
  zpty -w -n probe "$line"$'\\x18'
  while zpty -r probe row; do print -r -- "$row"; [[ $row == *"<end>"* ]] && break; done
done
zpty -d probe
`;

shellTest("zsh", async (script) => {
  const lines = CASES.map(([words]) => `mise-oci ${words.join(" ")}`);
  const found = await output("zsh", ["-f", "-c", ZSH_PROBE, "-", script, ...lines]);
  const answers = found.split("<end>").slice(0, lines.length).map((answer) => {
    const hits = [...answer.matchAll(/<hit>([^<]*)<\/hit>/g)].map(([, hit]) => (hit ?? "").trim());
    return [...new Set(hits)].sort();
  });
  const expected = CASES.map(([, offers]) => offers);
  assertEquals(
    answers.map((offers, at) => [lines[at], offers]),
    expected.map((offers, at) => [lines[at], offers]),
  );
});
