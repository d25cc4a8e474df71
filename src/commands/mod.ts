/**
 * The table of commands.
 * @module
 */
import { build } from "./build.ts";
import { cache } from "./cache.ts";
import type { Command } from "./command.ts";
import { completion } from "./completion.ts";

/** Every command, in the order of help. */
export const COMMANDS: readonly Command[] = [build, cache, completion];
