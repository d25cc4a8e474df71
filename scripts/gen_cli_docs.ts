/**
 * Writes docs/cli.md from the table of commands; with `--check` only says whether it is up to date.
 *
 * @module
 */
import { cliDocument } from "../src/cli/markdown.ts";
import { COMMANDS } from "../src/commands/mod.ts";

const file = new URL("../docs/cli.md", import.meta.url);
const wanted = cliDocument(COMMANDS);

if (Deno.args.includes("--check")) {
  const found = await Deno.readTextFile(file).catch((error: unknown) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  if (found !== wanted) {
    await Deno.stderr.write(
      new TextEncoder().encode("docs/cli.md is out of date: run deno task gen:cli-docs\n"),
    );
    Deno.exit(1);
  }
} else {
  await Deno.writeTextFile(file, wanted);
}
