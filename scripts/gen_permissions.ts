/**
 * Writes the flags of the narrower permission sets into docs/permissions.md; with `--check` only says whether they
 * are up to date.
 * @module
 */
import { join } from "@std/path";
import { REPOSITORY } from "../tests/support/testbed/paths.ts";
import { NARROW_SETS, narrowSet, permissionFlags, type SetName } from "./compile/permissions.ts";

const DOCUMENT = join(REPOSITORY, "docs/permissions.md");

/** `--allow-run=…` over several lines, as a shell takes it. */
function flagOf(name: SetName): string {
  return permissionFlags({ run: narrowSet(name).run }).join(" ");
}

const text = await Deno.readTextFile(DOCUMENT);
const wanted = NARROW_SETS.reduce((all, name) => {
  const line = new RegExp(`^(# ${name}\\n).*$`, "m");
  if (!line.test(all)) throw new Error(`docs/permissions.md has no line "# ${name}"`);
  return all.replace(line, `$1${flagOf(name)}`);
}, text);
if (Deno.args.includes("--check")) {
  if (text !== wanted) {
    // deno-lint-ignore no-console
    console.error("docs/permissions.md is out of date: deno run -A scripts/gen_permissions.ts");
    Deno.exit(1);
  }
} else await Deno.writeTextFile(DOCUMENT, wanted);
