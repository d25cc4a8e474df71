/**
 * The `lstat` data of each file of a tree. A tree may have hundreds of thousands of files, so this is
 * compact: files share the path of their directory, and their own path is computed on demand.
 * @module
 */
import type { HostStat } from "../entry.ts";

/** The numeric fields of {@linkcode HostStat}. */
export type StatNumbers = Omit<HostStat, "path">;

/** The `lstat` data of a file in a directory. */
export class TreeStat implements HostStat {
  readonly #directory: string;
  readonly #name: string;
  /** {@inheritdoc HostStat.size} */
  readonly size: number;
  /** {@inheritdoc HostStat.ino} */
  readonly ino: number;
  /** {@inheritdoc HostStat.dev} */
  readonly dev: number;
  /** {@inheritdoc HostStat.links} */
  readonly links: number;
  /** {@inheritdoc HostStat.mtime} */
  readonly mtime: number;
  /** {@inheritdoc HostStat.ctime} */
  readonly ctime: number;

  /** For the file `name` in a host directory, or for the directory itself if the name is empty. */
  constructor(directory: string, name: string, numbers: StatNumbers) {
    this.#directory = directory;
    this.#name = name;
    this.size = numbers.size;
    this.ino = numbers.ino;
    this.dev = numbers.dev;
    this.links = numbers.links;
    this.mtime = numbers.mtime;
    this.ctime = numbers.ctime;
  }

  /** {@inheritdoc HostStat.path} */
  get path(): string {
    return joinHostPath(this.#directory, this.#name);
  }
}

/** The host path of a name in a directory; of the directory itself if the name is empty. */
export function joinHostPath(directory: string, name: string): string {
  return name === "" ? directory : directory === "/" ? `/${name}` : `${directory}/${name}`;
}

/** The relevant numbers of an `lstat` result. */
export function statNumbers(info: Deno.FileInfo): StatNumbers {
  return {
    size: info.size,
    ino: info.ino ?? 0,
    dev: info.dev ?? 0,
    links: info.nlink ?? 1,
    mtime: info.mtime?.getTime() ?? 0,
    ctime: info.ctime?.getTime() ?? 0,
  };
}
