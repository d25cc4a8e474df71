/**
 * The import graph of the sources and the list of arrows that `docs/architecture.md` allows.
 * @module
 */
import { dirname, join, relative } from "@std/path";

/** One import: a file that names another, both relative to the repository. */
export interface Import {
  /** The file that imports. */
  readonly from: string;
  /** The file that is imported. */
  readonly to: string;
  /** Whether it is loaded later than the file that names it, if ever: by `import()`, or as a worker. */
  readonly isLate: boolean;
}

/** One allowed arrow between folders of `src`. */
export interface Arrow {
  /** Folder that may import. */
  readonly from: string;
  /** Folder that it may import from. */
  readonly to: string;
  /** `types`: data types only; `ports`: `ports.ts` only. Default: everything. */
  readonly only?: string;
}

/** Files that an arrow with a restriction may go to, by the first word of the restriction. */
const RESTRICTED: Readonly<Record<string, readonly string[]>> = {
  types: ["types.ts", "project.ts"],
  ports: ["ports.ts"],
};

const STATIC = /^\s*(?:import|export)\b[^"'`;()]*?from\s*["']([^"']+)["']/gm;
const BARE = /^\s*import\s*["']([^"']+)["']/gm;
const DYNAMIC = /\bimport\(\s*["']([^"']+)["']/g;
const WORKER = /new URL\(\s*["']([^"']+)["'],\s*import\.meta\.url/g;

/** The relative specifiers in a module's text: static, dynamic, and files named by URL; data is none. */
export function parseImports(text: string): readonly string[] {
  return [...matchImports(text, [STATIC, BARE]), ...matchImports(text, [DYNAMIC, WORKER])];
}

function matchImports(text: string, patterns: readonly RegExp[]): readonly string[] {
  const code = withoutComments(text);
  return patterns
    .flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ""))
    .filter((specifier) => specifier.startsWith(".") && !specifier.endsWith(".json"));
}

/** A module's text without comments. */
export function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

/** Every TypeScript file below a directory, absolute, sorted. */
export async function listModules(directory: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) files.push(...await listModules(path));
    else if (entry.name.endsWith(".ts")) files.push(path);
  }
  return files.sort();
}

/** The imports of modules (absolute paths) of the repository. Tests are left out: they may import anything. */
export async function readImports(
  repository: string,
  modules: readonly string[],
): Promise<readonly Import[]> {
  const imports: Import[] = [];
  for (const module of modules.filter((path) => !path.endsWith("_test.ts"))) {
    const text = await Deno.readTextFile(module);
    for (
      const [isLate, patterns] of [[false, [STATIC, BARE]], [true, [DYNAMIC, WORKER]]] as const
    ) {
      for (const specifier of matchImports(text, patterns)) {
        const to = relative(repository, join(dirname(module), specifier));
        imports.push({ from: relative(repository, module), to, isLate });
      }
    }
  }
  return imports;
}

/** The folder that a file belongs to: `main`, `cli`, a folder of `src`, or a file of `src` itself. */
export function folderOf(file: string): string {
  if (file === "main.ts" || file === "src/cli.ts") return file === "main.ts" ? "main" : "cli";
  const match = /^src\/([^/]+?)(?:\.ts$|\/|$)/.exec(file);
  return match?.[1] ?? file;
}

/** Parses `a, b → c (types only), d` and `a → b → { c, d }`; clauses are apart by two spaces or lines. */
export function parseArrows(text: string): readonly Arrow[] {
  const joined = text.replaceAll(
    /\{([^}]*)\}/g,
    (_, names: string) => names.replaceAll(/\s+/g, " "),
  );
  const clauses = joined.split(/\n|\s{2,}(?=[a-z, ]+→)/).filter((clause) => clause.includes("→"));
  return clauses.flatMap((clause) => {
    const groups = clause.split("→").map((group) => group.split(",").map((name) => name.trim()));
    return groups.slice(1).flatMap((targets, i) =>
      (groups[i] ?? []).flatMap((source) => targets.map((target) => arrow(source, target)))
    );
  });
}

function arrow(source: string, target: string): Arrow {
  if (!/^\w+(?: \(.*\))?$/.test(source) || !/^\w+(?: \([^()]+\))?$/.test(target)) {
    throw new SyntaxError(`Cannot parse arrow "${source} → ${target}"`);
  }
  const [, to = target, only] = /^(\S+)(?:\s+\((\w+)[^)]*\))?$/.exec(target) ?? [];
  const from = source.replace(/\s*\(.*$/, "");
  return { from, to, ...(only === undefined ? {} : { only }) };
}

/** The arrows in the first code block of an architecture document that has any. */
export function arrowsOfDocument(markdown: string): readonly Arrow[] {
  const blocks = [...markdown.matchAll(/^```\w*\n([^]*?)^```/gm)].map((match) => match[1] ?? "");
  return parseArrows(blocks.find((block) => block.includes("→")) ?? "");
}

/** Why an import is not allowed, or `undefined` if it is. */
export function whyForbidden(
  one: Omit<Import, "isLate">,
  arrows: readonly Arrow[],
): string | undefined {
  const [from, to] = [folderOf(one.from), folderOf(one.to)];
  if (from === to) return undefined;
  const fitting = arrows.filter((arrow) =>
    (arrow.from === from || arrow.from === "everything") && arrow.to === to
  );
  const file = one.to.slice(one.to.lastIndexOf("/") + 1);
  const allowed = fitting.some(({ only }) =>
    only === undefined || RESTRICTED[only]?.includes(file)
  );
  if (allowed) return undefined;
  const only = fitting[0]?.only;
  const detail = only === undefined ? "" : ` (only its ${only})`;
  return `"${one.from}" imports "${one.to}": no arrow ${from} → ${to}${detail}`;
}

/** A cycle between folders, as the folders in order, or `undefined` if there is none. */
export function findCycle(
  imports: readonly Omit<Import, "isLate">[],
  place: (file: string) => string = folderOf,
): readonly string[] | undefined {
  const edges = new Map<string, Set<string>>();
  for (const one of imports) {
    const [from, to] = [place(one.from), place(one.to)];
    if (from !== to) edges.set(from, (edges.get(from) ?? new Set()).add(to));
  }
  const done = new Set<string>();
  const visit = (folder: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(folder)) return [...path.slice(path.indexOf(folder)), folder];
    if (done.has(folder)) return undefined;
    for (const next of edges.get(folder) ?? []) {
      const cycle = visit(next, [...path, folder]);
      if (cycle !== undefined) return cycle;
    }
    done.add(folder);
    return undefined;
  };
  for (const folder of edges.keys()) {
    const cycle = visit(folder, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
