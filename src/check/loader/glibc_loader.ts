/**
 * The rules by which glibc's loader finds libraries and checks symbol versions (ld.so(8)).
 * @module
 */
import type { Cause } from "../cause.ts";
import { LOADER_CACHE } from "../facts/layer_facts.ts";
import {
  expandDirectories,
  fits,
  isObject,
  type LoadContext,
  type LoadedObject,
  missingLibrary,
  objectOf,
  ProbeBudget,
  type Search,
} from "./loaded_object.ts";
import { glibcDirectories } from "../elf/machines.ts";

/** The paths in the image's loader cache, by library name. */
export type LoaderCache = ReadonlyMap<string, readonly string[]>;

/** Parses the stored form of `/etc/ld.so.cache`. */
export function readLoaderCache({ view }: Pick<LoadContext, "view">): LoaderCache {
  const cache = new Map<string, string[]>();
  for (const line of (view.text(LOADER_CACHE) ?? "").split("\n")) {
    const [name = "", path = ""] = line.split("\t");
    if (path === "") continue;
    const paths = cache.get(name);
    if (paths === undefined) cache.set(name, [path]);
    else paths.push(path);
  }
  return cache;
}

/** The input of glibc's rules. */
export interface GlibcContext extends LoadContext {
  /** The image's loader cache. */
  readonly cache: LoaderCache;
}

/** Maximum number of libraries of a program. */
const MAX_OBJECTS = 4096;

/** The libraries loaded for a program. */
class Namespace {
  readonly objects: LoadedObject[] = [];
  readonly #byName = new Map<string, LoadedObject>();
  readonly #byPath = new Map<string, LoadedObject>();

  add(name: string, object: LoadedObject): LoadedObject {
    const same = this.#byPath.get(object.path);
    if (same === undefined) {
      this.objects.push(object);
      this.#byPath.set(object.path, object);
      const { soname } = object.elf;
      if (soname !== undefined && !this.#byName.has(soname)) this.#byName.set(soname, object);
    }
    const known = same ?? object;
    if (!this.#byName.has(name)) this.#byName.set(name, known);
    return known;
  }

  get(name: string): LoadedObject | undefined {
    return this.#byName.get(name);
  }
}

/**
 * Loads a program as glibc would.
 *
 * @param program the executable.
 * @param loader the loader itself, which is already in memory.
 * @returns every reason why the program does not start; empty if it starts.
 */
export function loadWithGlibc(
  program: LoadedObject,
  loader: LoadedObject,
  context: GlibcContext,
): readonly Cause[] {
  const space = new Namespace();
  const causes: Cause[] = [];
  const budget = new ProbeBudget();
  space.add(program.path, program);
  space.add(program.elf.interpreter ?? loader.path, loader);
  // The list grows during the iteration, because libraries are loaded breadth first.
  for (let i = 0; i < space.objects.length && i < MAX_OBJECTS; i++) {
    const object = space.objects[i]!;
    for (const name of object.elf.needed) {
      if (space.get(name) !== undefined) continue;
      const found = find(name, object, { context, program, budget });
      if (budget.spent) return [];
      if (found === undefined) causes.push(missingLibrary(name, object, context));
      else if (isObject(found)) space.add(name, found);
      else causes.push(found);
    }
  }
  return [...causes, ...space.objects.flatMap((object) => missingVersions(object, space))];
}

function missingVersions(object: LoadedObject, space: Namespace): readonly Cause[] {
  return object.elf.versionNeeds.flatMap(({ library, versions }) => {
    const target = space.get(library);
    // A library without version information satisfies every version, with a message on stderr.
    if (target?.elf.versions === undefined) return [];
    const offered = new Set(target.elf.versions);
    return versions.filter((version) => !offered.has(version)).map((version): Cause => ({
      type: "missing-version",
      version,
      library: target.path,
      file: object.path,
    }));
  });
}

interface Asking {
  readonly context: GlibcContext;
  readonly program: LoadedObject;
  readonly budget: ProbeBudget;
}

function find(name: string, by: LoadedObject, asking: Asking): Search {
  const { context, budget } = asking;
  if (name.includes("/")) {
    const [path = name] = expandDirectories(name, by);
    return probe(path, by, context);
  }
  for (const directory of searchDirectories(by, asking)) {
    if (!budget.take()) return undefined;
    const found = probe(`${directory}/${name}`, by, context);
    if (found !== undefined) return found;
  }
  if (by.elf.noDefaultDirectories) return undefined;
  const { architecture, bits } = by.elf;
  const defaults = glibcDirectories(architecture, bits).map((directory) => `${directory}/${name}`);
  for (const path of [...context.cache.get(name) ?? [], ...defaults]) {
    const found = probe(path, by, context);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** RPATH of the chain of loading objects, unless the first has a RUNPATH; LD_LIBRARY_PATH; RUNPATH. */
function* searchDirectories(by: LoadedObject, { context, program }: Asking): Generator<string> {
  const { runpath } = by.elf;
  if (runpath === undefined) {
    let last = by;
    for (let one: LoadedObject | undefined = by; one !== undefined; one = one.loader) {
      yield* rpathOf(one);
      last = one;
    }
    if (last !== program) yield* rpathOf(program);
  }
  yield* expandDirectories(context.libraryPath, program);
  if (runpath !== undefined) yield* expandDirectories(runpath, by);
}

function rpathOf(object: LoadedObject): readonly string[] {
  const { rpath, runpath } = object.elf;
  return rpath === undefined || runpath !== undefined ? [] : expandDirectories(rpath, object);
}

/** The library at a path: libraries for other machines are skipped, damaged ones end the search. */
function probe(path: string, by: LoadedObject, { view }: LoadContext): Search {
  const file = view.resolve(path);
  if (file === undefined || file.type !== "file") return undefined;
  const found = objectOf({ path, file }, by);
  return isObject(found) && !fits(found.elf, by.elf) ? undefined : found;
}
