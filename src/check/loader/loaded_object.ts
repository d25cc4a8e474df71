/**
 * Programs and libraries as mapped by a loader.
 * @module
 */
import { dirname } from "@std/path/posix";
import type { Cause } from "../cause.ts";
import type { Elf } from "../elf/elf.ts";
import type { ImageView, ViewFile } from "../image_view.ts";
import { libNames, machineName } from "../elf/machines.ts";

/** A program or library in memory. */
export interface LoadedObject {
  /** Its resolved path in the image. */
  readonly path: string;
  /** The value of `$ORIGIN`. */
  readonly origin: string;
  /** What it needs and provides. */
  readonly elf: Elf;
  /** The object that loaded it; absent for the program. */
  readonly loader?: LoadedObject;
}

/** The environment of a loader. */
export interface LoadContext {
  /** The image. */
  readonly view: ImageView;
  /** The value of `LD_LIBRARY_PATH`; empty if it is not set. */
  readonly libraryPath: string;
}

/** A library, or a reason to end the search; `undefined` if nothing was found. */
export type Search = LoadedObject | Cause | undefined;

/** Whether a search returned an object. */
export function isObject(found: LoadedObject | Cause): found is LoadedObject {
  return "elf" in found;
}

/** A file, found at `path`, as an object loaded by `loader`. */
export function objectOf(
  found: { readonly path: string; readonly file: ViewFile },
  loader: LoadedObject,
): LoadedObject | Cause {
  const { path, file } = found;
  const { program } = file;
  if (program.kind === "elf") {
    return { path: file.path, origin: dirname(path), elf: program.elf, loader };
  }
  const reason = program.kind === "malformed" ? program.reason : "it is not an ELF file";
  return { type: "malformed", file: file.path, reason };
}

/** Whether a library has the word size and architecture of a program. */
export function fits(library: Elf, program: Elf): boolean {
  return library.architecture === program.architecture && library.bits === program.bits;
}

/** The directories of an `RPATH`, `RUNPATH` or `LD_LIBRARY_PATH`, with variables expanded. */
export function expandDirectories(
  path: string,
  { origin, elf }: Pick<LoadedObject, "origin" | "elf">,
): readonly string[] {
  return [...new Set(path.split(/[:;]/))].flatMap((directory) => {
    const text = directory
      .replace(/\$(?:ORIGIN\b|\{ORIGIN\})/g, () => origin)
      .replace(/\$(?:PLATFORM\b|\{PLATFORM\})/g, () => machineName(elf.architecture));
    if (!/\$(?:LIB\b|\{LIB\})/.test(text)) return text;
    return libNames(elf.architecture, elf.bits).map((lib) =>
      text.replace(/\$(?:LIB\b|\{LIB\})/g, () => lib)
    );
  }).filter((directory) => directory.startsWith("/"));
}

/**
 * Limit on the number of paths tried for one program; a real one with a hundred libraries needs thousands.
 */
const MAX_PROBES = 200_000;

/** Counts the paths tried for one program, to guarantee termination. */
export class ProbeBudget {
  #left = MAX_PROBES;

  /** Whether another path may be tried. */
  take(): boolean {
    return this.#left-- > 0;
  }

  /** Whether the limit was exceeded, so that missing libraries are not certain to be missing. */
  get spent(): boolean {
    return this.#left < 0;
  }
}

/** The cause for a library that the loader does not find. */
export function missingLibrary(
  library: string,
  by: LoadedObject,
  { view }: LoadContext,
): Cause {
  const elsewhere = view.findNamed(library).find((path) => {
    const program = view.resolve(path)?.program;
    return program?.kind === "elf" && fits(program.elf, by.elf);
  });
  return {
    type: "missing-library",
    library,
    file: by.path,
    ...(elsewhere === undefined ? {} : { elsewhere }),
  };
}
