/**
 * What the sources should not have: circles of files, names that are exported twice, and files that are a piece of
 * the only file that imports them.
 * @module
 */
import { dirname, join, relative } from "@std/path";
import { type Import, listModules, readImports, withoutComments } from "./imports.ts";
import { REPOSITORY } from "./testbed/paths.ts";

/** Findings, each a sorted list of texts that say what and where. */
export interface Structure {
  /** Files that import each other in a circle: `a.ts b.ts`, of each circle all files. */
  readonly circles: readonly string[];
  /** Names that more than one module exports. */
  readonly sharedNames: readonly string[];
  /** Short files whose only importer stands beside them. */
  readonly pieces: readonly string[];
}

/** Files that were here before the rule, in JSON. The list only ever gets shorter. */
export const KNOWN_STRUCTURE: string = join(REPOSITORY, "tests/known_structure.json");

/** A file that is shorter, in lines, could as well be part of its only importer. */
const SHORT = 100;

/** The strongly connected components of more than one file (Tarjan). */
export function findCircles(
  imports: readonly Pick<Import, "from" | "to">[],
): readonly (readonly string[])[] {
  const edges = new Map<string, string[]>();
  for (const { from, to } of imports) edges.set(from, [...edges.get(from) ?? [], to]);
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): number => {
    order.set(file, order.size);
    low.set(file, order.size - 1);
    stack.push(file);
    for (const next of edges.get(file) ?? []) {
      const reached = order.has(next)
        ? (stack.includes(next) ? order.get(next) : undefined)
        : visit(next);
      if (reached !== undefined) low.set(file, Math.min(low.get(file) ?? 0, reached));
    }
    if (low.get(file) === order.get(file)) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1) circles.push(circle.sort());
    }
    return low.get(file) ?? 0;
  };
  for (const file of edges.keys()) if (!order.has(file)) visit(file);
  return circles;
}

const EXPORT =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|const|let|interface|type|enum)\s+(\w+)/gm;

/** Names that a module itself exports; what it passes on from others is not among them. */
export function exportedNames(text: string): readonly string[] {
  return [...new Set([...withoutComments(text).matchAll(EXPORT)].map(([, name = ""]) => name))];
}

/** Short files whose one importer is in the same folder and needs them at once. */
export function findPieces(
  imports: readonly Import[],
  lines: ReadonlyMap<string, number>,
): readonly string[] {
  const pieces: string[] = [];
  for (const [file, count] of lines) {
    const users = imports.filter(({ to }) => to === file);
    const importers = new Set(users.map(({ from }) => from));
    const [only = ""] = importers;
    const isApart = importers.size !== 1 || dirname(only) !== dirname(file) ||
      only.endsWith("/mod.ts") || users.some(({ isLate }) => isLate);
    if (count < SHORT && !isApart) pieces.push(file);
  }
  return pieces.sort();
}

/** Reads the sources. */
export async function readStructure(): Promise<Structure> {
  const modules = (await listModules(join(REPOSITORY, "src")))
    .filter((path) => !path.endsWith("_test.ts"));
  const imports = await readImports(REPOSITORY, modules);
  const lines = new Map<string, number>();
  const places = new Map<string, string[]>();
  for (const path of modules) {
    const [file, text] = [relative(REPOSITORY, path), await Deno.readTextFile(path)];
    lines.set(file, text.split("\n").length - 1);
    for (const name of exportedNames(text)) places.set(name, [...places.get(name) ?? [], file]);
  }
  return {
    circles: findCircles(imports).map((circle) => circle.join(" ")).sort(),
    sharedNames: [...places].filter(([, files]) => files.length > 1).map(([name]) => name).sort(),
    pieces: findPieces(imports, lines),
  };
}
