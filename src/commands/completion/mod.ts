/**
 * Completion scripts, generated from the table of commands.
 * @module
 */
import type { Command } from "../command.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { completionNodes } from "./words.ts";
import { zshScript } from "./zsh.ts";

/** The completion script for a shell. */
export function completionScript(
  shell: "bash" | "zsh" | "fish",
  commands: readonly Command[],
): string {
  const nodes = completionNodes(commands);
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](nodes);
}
