/**
 * `mise-oci`, the program.
 * @module
 */
import { runCli } from "./src/cli.ts";
import { abortOnSignals } from "./src/cli/failure.ts";
import { processIo } from "./src/cli/io.ts";
import { dropLoaderVariables } from "./src/cli/loader_env.ts";
import { takeOwnSecrets } from "./src/own_secrets.ts";

if (import.meta.main) {
  dropLoaderVariables();
  takeOwnSecrets();
  Deno.exit(await runCli(Deno.args, processIo(abortOnSignals())));
}
