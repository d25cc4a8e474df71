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
import { doctor } from "./doctor.ts";
import { cat, exportCommand } from "./files.ts";
import { init } from "./init.ts";
import { inspect } from "./inspect.ts";
import { load } from "./load.ts";
import { push } from "./push.ts";
import { pin } from "./pin.ts";
import { outdated } from "./outdated.ts";
import { generate } from "./generate.ts";
import { bundle } from "./bundle.ts";
import { rebase } from "./rebase.ts";
import { runCommand } from "./run.ts";
import { tag } from "./tag.ts";
import { sbom } from "./sbom.ts";
import { sign } from "./sign.ts";
import { verify } from "./verify.ts";

/** Commands with a common purpose. */
export interface CommandGroup {
  /** Heading in help. */
  readonly title: string;
  /** The commands, in the order of help. */
  readonly commands: readonly Command[];
}

/** Every command, in the order of help. */
export const COMMAND_GROUPS: readonly CommandGroup[] = [
  { title: "Build and run", commands: [build, runCommand, push, load, init] },
  { title: "Look into images", commands: [check, inspect, diff, cat, exportCommand, sbom, tag] },
  { title: "Maintain images", commands: [outdated, pin, rebase, copy, bundle] },
  { title: "Trust", commands: [sign, verify] },
  { title: "Set up", commands: [doctor, generate, cache, completion] },
];

/** Every command, in the order of help. */
export const COMMANDS: readonly Command[] = COMMAND_GROUPS.flatMap(({ commands }) => commands);
