/**
 * What can be completed at each position, derived from the table of commands.
 * @module
 */
import { LOCAL_TRANSPORTS, type LocalTransport } from "../../oci/image_source.ts";
import type { Command } from "../command.ts";
import { type Completes, type Flag, takesValue } from "../flag.ts";
import { GLOBAL_FLAGS } from "../flags/global.ts";

/** Transports followed by a path only; after `oci:DIR:`, the layout's tags are completed. */
export const PATH_PREFIXES: readonly {
  readonly prefix: string;
  readonly isFile: boolean;
}[] = Object.values<LocalTransport>(LOCAL_TRANSPORTS)
  .filter(({ prefix }) => prefix !== "oci:")
  .map(({ prefix, path }) => ({ prefix, isFile: path === "FILE" }));

/** A flag for completion. */
export interface CompletionFlag {
  /** `--output`; absent if the command has a flag of its own with the name of a global one. */
  readonly long?: string;
  /** `-o`. */
  readonly short?: string;
  /** One sentence. */
  readonly help: string;
  /** Whether a value follows. */
  readonly value: boolean;
  /** The value's name. */
  readonly valueName: string;
  /** Values to complete. */
  readonly choices: readonly string[];
  /** Kind of the value, if there are no choices. */
  readonly completes: Completes;
  /** Whether it can be repeated. */
  readonly repeats: boolean;
}

/** A position on the command line: after the program's name, or after a command's. */
export interface CompletionNode {
  /** Names of the commands so far; empty for the program. */
  readonly path: readonly string[];
  /** Commands that can follow. */
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  /** Words that can follow. */
  readonly words: readonly string[];
  /** Whether files can follow. */
  readonly files: boolean;
  /** Whether these files are images. */
  readonly images: boolean;
  /** Whether the command line of another program can follow `--`. */
  readonly trailing: boolean;
  /** Flags that can follow. */
  readonly flags: readonly CompletionFlag[];
}

function toFlag(
  name: string,
  flag: Flag<unknown>,
  own: Readonly<Record<string, unknown>>,
): CompletionFlag {
  const hidden = name in own && flag !== own[name];
  return {
    ...(hidden ? {} : { long: `--${name}` }),
    ...(flag.short === undefined ? {} : { short: `-${flag.short}` }),
    help: flag.help,
    value: takesValue(flag),
    valueName: flag.valueName ?? "VALUE",
    choices: flag.choices ?? flag.suggestions ?? [],
    completes: flag.completes,
    repeats: flag.kind === "list" || flag.kind === "count",
  };
}

function nodeOf(path: readonly string[], command: Partial<Command>): CompletionNode {
  const own = command.flags ?? {};
  return {
    path,
    commands: (command.subcommands ?? []).map(({ name, summary }) => ({ name, summary })),
    words: (command.positionals ?? []).flatMap(({ choices }) => choices ?? []),
    files: (command.positionals ?? []).some(({ completes }) =>
      completes !== undefined && completes !== "nothing"
    ),
    images: (command.positionals ?? []).some(({ completes }) => completes === "image"),
    trailing: command.trailing !== undefined,
    flags: [...Object.entries(own), ...Object.entries(GLOBAL_FLAGS)].map(([name, flag]) =>
      toFlag(name, flag, own)
    ),
  };
}

/** Every position, the program's first. */
export function completionNodes(commands: readonly Command[]): readonly CompletionNode[] {
  const below = (path: readonly string[], list: readonly Command[]): CompletionNode[] =>
    list.flatMap((command) => {
      const here = [...path, command.name];
      return [nodeOf(here, command), ...below(here, command.subcommands ?? [])];
    });
  return [nodeOf([], { subcommands: commands }), ...below([], commands)];
}
