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

/** Every command, in the order of help. */
export const COMMANDS: readonly Command[] = [
  build,
  runCommand,
  push,
  copy,
  load,
  rebase,
  pin,
  bundle,
  outdated,
  generate,
  check,
  inspect,
  diff,
  cat,
  exportCommand,
  sbom,
  sign,
  verify,
  init,
  doctor,
  tag,
  cache,
  completion,
];
