/**
 * The table of commands.
 * @module
 */
import { build } from "./build.ts";
import { cache } from "./cache.ts";
import { check } from "./check.ts";
import type { Command } from "./command.ts";
import { completion } from "./completion.ts";
import { copy } from "./copy.ts";
import { diff } from "./diff.ts";
import { cat, exportCommand } from "./files.ts";
import { inspect } from "./inspect.ts";
import { load } from "./load.ts";
import { push } from "./push.ts";
import { runCommand } from "./run.ts";

/** Every command, in the order of help. */
export const COMMANDS: readonly Command[] = [
  build,
  runCommand,
  push,
  copy,
  load,
  check,
  inspect,
  diff,
  cat,
  exportCommand,
  cache,
  completion,
];
