/**
 * `mise-oci`, the program.
 * @module
 */
import { runCli } from "./src/cli.ts";
import { processIo } from "./src/cli/io.ts";
import { abortOnSignals } from "./src/cli/signals.ts";

if (import.meta.main) {
  Deno.exit(await runCli(Deno.args, processIo(abortOnSignals())));
}
