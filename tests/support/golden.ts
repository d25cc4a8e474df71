/**
 * Texts that are frozen: what the program prints, asks for and calls its records.
 * @module
 */
import { assertEquals } from "@std/assert";

const DIRECTORY = new URL("../golden/behaviour/", import.meta.url);

/** Compares a text with the frozen one; with `UPDATE_GOLDEN=1` it is written instead. */
export async function golden(name: string, text: string): Promise<void> {
  const file = new URL(name, DIRECTORY);
  if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(file, text);
  assertEquals(text, await Deno.readTextFile(file), `${name} changed`);
}
