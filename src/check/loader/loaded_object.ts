/**
 * Programs and libraries as a loader maps them, one by one.
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
  /** What `$ORIGIN` stands for in it. */
  readonly origin: string;
  /** What it asks for. */
  readonly elf: Elf;
  /** Who asked for it first; absent for the program. */
  readonly loader?: LoadedObject;
}

/** What a loader searches for a program. */
export interface LoadContext {
  /** The image. */
  readonly view: ImageView;
  /** The value of `LD_LIBRARY_PATH`; empty if it is not set. */
  readonly libraryPath: string;
}

/** An object found, or why the search ends. */
export type Search = LoadedObject | Cause | undefined;

/** Whether a search found something. */
export function isObject(found: LoadedObject | Cause): found is LoadedObject {
  return "elf" in found;
}

/** A file as an object that `loader` asked for, by the path it was found at. */
export function objectOf(
  found: { readonly path: string; readonly file: ViewFile },
  loader: LoadedObject,
): LoadedObject | Cause {
  const { path, file } = found;
  const { program } = file;
  if (program.kind === "elf") {
    return { path: file.path, origin: dirname(path), elf: program.elf, loader };
  }
  const reason = program.kind === "malformed" ? program.reason : "it is no ELF file";
  return { type: "malformed", file: file.path, reason };
}

/** Whether a library can be loaded into a program of this word size and architecture. */
export function fits(library: Elf, program: Elf): boolean {
  return library.architecture === program.architecture && library.bits === program.bits;
}

/** The directories of an `RPATH`, `RUNPATH` or `LD_LIBRARY_PATH`, with what its variables stand for. */
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

/** Most places that are looked at for one program; a real one with a hundred libraries needs thousands. */
const MAX_PROBES = 200_000;

/** Counts the places that are looked at for one program, so that nothing in it can make that endless. */
export class ProbeBudget {
  #left = MAX_PROBES;

  /** Whether one more may be looked at. */
  take(): boolean {
    return this.#left-- > 0;
  }

  /** Whether all were looked at: what is not found then is not known to be missing. */
  get spent(): boolean {
    return this.#left < 0;
  }
}

/** The cause for a library that is nowhere where the loader looks. */
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
