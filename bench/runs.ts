/**
 * bench/RUNS.md has two parts by two programs, each of which keeps the other's.
 * @module
 */
import { fromFileUrl } from "@std/path";

const RUNS = fromFileUrl(new URL("RUNS.md", import.meta.url));
/** Between the parts. */
const SEPARATOR = "\n<!-- tools -->\n\n";

/** Writes one part, `programs` before `tools`. */
export async function writeRuns(part: "programs" | "tools", text: string): Promise<void> {
  const [programs = "", tools = ""] = (await Deno.readTextFile(RUNS)).split(SEPARATOR);
  const parts = part === "programs" ? [text, tools] : [programs, text];
  await Deno.writeTextFile(RUNS, parts.map((one) => one.trim()).join(`\n${SEPARATOR}`) + "\n");
}
