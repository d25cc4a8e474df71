/**
 * Messages to and from the threads that list directories.
 * @module
 */
import { type StatNumbers, statNumbers } from "./tree_stat.ts";

/** Directories to be listed: absolute host paths. */
export type ListRequest = readonly string[];

/** The contents of directories. */
export interface ListResponse {
  /** The names in each, separated by `/`; `undefined` if the walking thread must list it itself. */
  readonly names: readonly (string | undefined)[];
  /** {@linkcode packInfo} of every name, in order. */
  readonly numbers: Float64Array<ArrayBuffer>;
}

/** The contents of a whole tree. */
export interface TreeResponse extends ListResponse {
  /** The paths of its directories below the root, `""` for the root itself. */
  readonly paths: readonly string[];
  /** When the listing began, in ms since 1970. */
  readonly since: number;
}

/** A listed directory. */
export interface Listed {
  /** Its path below the root of the walk. */
  readonly path: string;
  /** Its names; `undefined` if the walking thread must list it itself. */
  readonly names: readonly string[] | undefined;
  /** Packed data of the names. */
  readonly numbers: Float64Array;
  /** Position of the first name in it. */
  readonly start: number;
}

/** Splits a response into directories. @param paths theirs, in the order of the request. */
export function* listedDirectories(
  paths: readonly string[],
  { names: all, numbers }: ListResponse,
): Generator<Listed> {
  let start = 0;
  for (const [at, path] of paths.entries()) {
    const joined = all[at];
    const names = joined === "" ? [] : joined?.split("/");
    yield { path, names, numbers, start };
    start += names?.length ?? 0;
  }
}

/** A completely listed tree. */
export class PackedTree {
  /** The list. */
  readonly response: TreeResponse;
  #byPath: ReadonlyMap<string, Listed> | undefined;

  /** Unpacks nothing yet. */
  constructor(response: TreeResponse) {
    this.response = response;
  }

  /** The contents of a directory, by its path below the root. */
  maybe(path: string): Listed | undefined {
    const { response } = this;
    this.#byPath ??= new Map(
      Array.from(
        listedDirectories(response.paths, response),
        (directory) => [directory.path, directory],
      ),
    );
    return this.#byPath.get(path);
  }
}

/** Number of fields per file in {@linkcode ListResponse.numbers}. */
export const INFO_NUMBERS = 10;
/** Index of the change time in them. */
export const CTIME = 5;

/** The types that a layer can contain, encoded by position. */
const TYPES = ["file", "directory", "symlink"] as const;
/** A type that a layer can contain. */
export type FoundType = (typeof TYPES)[number];

/** The type of a file, if a layer can contain it. */
export function maybeType(info: Deno.FileInfo): FoundType | undefined {
  return info.isFile
    ? "file"
    : info.isDirectory
    ? "directory"
    : info.isSymlink
    ? "symlink"
    : undefined;
}

/** The data of a file besides its name. */
export interface FileNumbers extends StatNumbers {
  /** Type of the file. */
  readonly type: FoundType;
  /** Mode with type bits; -1 if the host has none. */
  readonly mode: number;
  /** User id. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
}

/** Converts an `lstat` result. */
export function fileNumbers(info: Deno.FileInfo, type: FoundType): FileNumbers {
  const { mode, uid, gid } = info;
  const rest = { type, mode: mode ?? -1, uid: uid ?? 0, gid: gid ?? 0 };
  return Object.assign(statNumbers(info), rest);
}

/** Packs an `lstat` result at a position. @returns whether the file can be in a layer. */
export function packInfo(info: Deno.FileInfo, into: Float64Array, at: number): boolean {
  const type = maybeType(info);
  if (type === undefined) return false;
  const first = at * INFO_NUMBERS;
  into[first] = info.size;
  into[first + 1] = info.ino ?? 0;
  into[first + 2] = info.dev ?? 0;
  into[first + 3] = info.nlink ?? 1;
  into[first + 4] = info.mtime?.getTime() ?? 0;
  into[first + CTIME] = info.ctime?.getTime() ?? 0;
  into[first + 6] = TYPES.indexOf(type);
  into[first + 7] = info.mode ?? -1;
  into[first + 8] = info.uid ?? 0;
  into[first + 9] = info.gid ?? 0;
  return true;
}

/** Unpacks the result of {@linkcode packInfo}. */
export function unpackInfo(numbers: Float64Array, at: number): FileNumbers {
  const first = at * INFO_NUMBERS;
  const number = (offset: number): number => numbers[first + offset] ?? 0;
  return {
    size: number(0),
    ino: number(1),
    dev: number(2),
    links: number(3),
    mtime: number(4),
    ctime: number(CTIME),
    type: TYPES[number(6)] ?? "file",
    mode: number(7),
    uid: number(8),
    gid: number(9),
  };
}
