import { assertEquals } from "@std/assert";
import {
  exportedNames,
  findCircles,
  findPieces,
  KNOWN_STRUCTURE,
  readStructure,
  type Structure,
} from "./support/structure.ts";

const RULES: readonly (readonly [keyof Structure, string])[] = [
  [
    "circles",
    "no files of the sources import each other in a circle, but for those that are known",
  ],
  ["sharedNames", "no name is exported by two modules, but for those that are known"],
  ["pieces", "no short file has a single importer beside it, but for those that are known"],
];

for (const [rule, name] of RULES) {
  Deno.test(name, async () => {
    const known: Structure = JSON.parse(await Deno.readTextFile(KNOWN_STRUCTURE));
    const found = await readStructure();
    const fresh = found[rule].filter((item) => !known[rule].includes(item));
    assertEquals(fresh, [], "new: change it, the list does not grow");
    const stale = known[rule].filter((item) => !found[rule].includes(item));
    assertEquals(stale, [], "gone: deno run -A scripts/known_structure.ts takes it off the list");
  });
}

Deno.test("findCircles() finds each circle once, with all of its files", () => {
  const imports = ["a b", "b c", "c a", "c d", "d e", "e d", "e f"].map((pair) => {
    const [from = "", to = ""] = pair.split(" ");
    return { from, to };
  });
  assertEquals(findCircles(imports), [["d", "e"], ["a", "b", "c"]]);
  assertEquals(findCircles(imports.slice(0, 2)), []);
});

Deno.test("exportedNames() reads what a module declares, and neither comments nor what it passes on", () => {
  const text = `
    // export const no = 1;
export const a = 1;
export async function b(): Promise<void> {}
export type { no } from "./no.ts";
export { no } from "./no.ts";
export abstract class C {}
export interface D {}
export function a(): void;
`;
  assertEquals(exportedNames(text), ["a", "b", "C", "D"]);
});

Deno.test("findPieces() finds a short file with one importer beside it, which is neither late nor mod.ts", () => {
  const imports = [
    { from: "x/a.ts", to: "x/piece.ts", isLate: false },
    { from: "x/a.ts", to: "x/long.ts", isLate: false },
    { from: "x/a.ts", to: "x/late.ts", isLate: true },
    { from: "y/b.ts", to: "x/elsewhere.ts", isLate: false },
    { from: "x/mod.ts", to: "x/public.ts", isLate: false },
    { from: "x/a.ts", to: "x/shared.ts", isLate: false },
    { from: "x/b.ts", to: "x/shared.ts", isLate: false },
  ];
  const lines = new Map(imports.map(({ to }) => [to, to === "x/long.ts" ? 100 : 99]));
  assertEquals(findPieces(imports, lines), ["x/piece.ts"]);
});
