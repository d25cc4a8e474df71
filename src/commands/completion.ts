/**
 * `mise-oci completion`: prints a completion script for a shell.
 * @module
 */
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { bashScript } from "./completion/bash.ts";
import { fishScript } from "./completion/fish.ts";
import { completionNodes } from "./completion/words.ts";
import { zshScript } from "./completion/zsh.ts";
import { parseChoice } from "./flag.ts";

/** The completion script for a shell. */
export function completionScript(
  shell: "bash" | "zsh" | "fish",
  commands: readonly Command[],
): string {
  const nodes = completionNodes(commands);
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](nodes);
}

/** The supported shells. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

function run(input: CommandInput, context: CommandContext): Promise<number> {
  const shell = parseChoice(input.positionals[0] ?? "", SHELLS);
  const script = completionScript(shell, context.commands);
  context.print({ text: () => script, json: () => ({ shell, script }) });
  return Promise.resolve(0);
}

/** The command. */
export const completion: Command = defineCommand({
  name: "completion",
  summary: "Print a completion script for a shell",
  flags: {},
  positionals: [{ name: "SHELL", help: "bash, zsh or fish", choices: SHELLS }],
  examples: [
    { text: "In bash", command: "source <(mise-oci completion bash)" },
    {
      text: "In zsh, in a directory of $fpath",
      command: 'mise-oci completion zsh > "${fpath[1]}/_mise-oci"',
    },
    {
      text: "In fish",
      command: "mise-oci completion fish > ~/.config/fish/completions/mise-oci.fish",
    },
  ],
  run,
});
