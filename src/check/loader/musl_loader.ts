/**
 * The rules by which musl's loader finds libraries. It does not check symbol versions.
 * @module
 */
import { basename } from "@std/path/posix";
import type { Cause } from "../cause.ts";
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

/** Libraries that are part of musl's libc: `libc.so.6`, `libm.so.6`, `libpthread.so.0`… */
const OF_LIBC = /^lib(?:c|pthread|rt|m|dl|util|xnet)\./;
const DEFAULT_PATH = "/lib:/usr/local/lib:/usr/lib";
const MAX_OBJECTS = 4096;

/** Whether a loader is musl's, by its own name or the name that programs use. */
export function isMuslLoader(name: string): boolean {
  return /^(?:ld-musl-|libc\.musl-)|^libc\.so$/.test(basename(name));
}

/** The directories in `/etc/ld-musl-ARCH.path`, separated by newlines or colons, or the built-in ones. */
function systemPath(interpreter: string, { view }: LoadContext): readonly string[] {
  const name = basename(interpreter).replace(/\.so.*$/, "");
  const text = view.text(`/etc/${name}.path`) ?? DEFAULT_PATH;
  return text.split(/[:\n]/).filter((directory) => directory.startsWith("/"));
}

/**
 * Loads a program as musl would.
 *
 * @param interpreter the loader's path in the program.
 * @returns every reason why the program does not start; empty if it starts.
 */
export function loadWithMusl(
  program: LoadedObject,
  interpreter: string,
  context: LoadContext,
): readonly Cause[] {
  const system = systemPath(interpreter, context);
  const loaded = new Set<string>();
  const objects: LoadedObject[] = [program];
  const causes: Cause[] = [];
  const paths = new Set([program.path]);
  const budget = new ProbeBudget();
  for (let i = 0; i < objects.length && i < MAX_OBJECTS; i++) {
    const object = objects[i]!;
    for (const name of object.elf.needed) {
      if (loaded.has(name) || OF_LIBC.test(name) || isMuslLoader(name)) continue;
      loaded.add(name);
      const found = find(name, object, { context, program, system, budget });
      if (budget.spent) return [];
      if (found === undefined) causes.push(missingLibrary(name, object, context));
      else if (!isObject(found)) causes.push(found);
      else if (!paths.has(found.path)) {
        paths.add(found.path);
        objects.push(found);
      }
    }
  }
  return causes;
}

interface Asking {
  readonly context: LoadContext;
  readonly program: LoadedObject;
  readonly system: readonly string[];
  readonly budget: ProbeBudget;
}

function* searchDirectories(by: LoadedObject, asking: Asking): Generator<string> {
  yield* expandDirectories(asking.context.libraryPath, asking.program);
  for (let one: LoadedObject | undefined = by; one !== undefined; one = one.loader) {
    yield* expandDirectories(one.elf.runpath ?? one.elf.rpath ?? "", one);
  }
  yield* asking.system;
}

/** Uses the first file with the name, even if it is unsuitable. */
function find(name: string, by: LoadedObject, asking: Asking): Search {
  const { view } = asking.context;
  const paths = name.includes("/") ? [name] : searchDirectories(by, asking);
  for (const directory of paths) {
    if (!asking.budget.take()) return undefined;
    const path = name.includes("/") ? name : `${directory}/${name}`;
    const file = view.resolve(path);
    if (file === undefined || file.type !== "file") continue;
    const found = objectOf({ path, file }, by);
    if (!isObject(found) || fits(found.elf, by.elf)) return found;
    return {
      type: "wrong-architecture",
      file: file.path,
      found: found.elf.architecture,
      expected: by.elf.architecture,
    };
  }
  return undefined;
}
