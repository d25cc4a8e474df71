/**
 * Takes out of `tests/known_structure.json` what the sources no longer have. It never adds anything: whatever is new
 * is to be changed.
 * @module
 */
import { KNOWN_STRUCTURE, readStructure, type Structure } from "../tests/support/structure.ts";

const known: Structure = JSON.parse(await Deno.readTextFile(KNOWN_STRUCTURE));
const found = await readStructure();
const both = (a: readonly string[], b: readonly string[]): readonly string[] =>
  a.filter((item) => b.includes(item));
const isPart = (circle: string, of: string): boolean =>
  circle.split(" ").every((file) => of.split(" ").includes(file));
const left: Structure = {
  // Of a circle that got smaller what is left of it stays known.
  circles: found.circles.filter((one) => known.circles.some((circle) => isPart(one, circle))),
  sharedNames: both(known.sharedNames, found.sharedNames),
  pieces: both(known.pieces, found.pieces),
};
await Deno.writeTextFile(KNOWN_STRUCTURE, `${JSON.stringify(left, undefined, 2)}\n`);
