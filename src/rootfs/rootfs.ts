/**
 * A directory that holds an image's files, as a security boundary: no layer or link of the image can cause
 * anything outside of it to be read, written, changed or removed (faults, table 4).
 *
 * Every path is walked component by component with `lstat`; links are followed by this program, with the
 * directory as their root, never by the kernel. No other process changes the directory during a call: it is
 * below a directory of mode 0700, and package managers run only between calls, after which {@linkcode
 * Rootfs.forget} is called.
 * @module
 */
import fs from "node:fs"; // Deno 2.4 has lchownSync by the default export only
import { MAX_LINKS } from "../layer/read/mod.ts";

/** Owner and permission bits. */
export interface Attributes {
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  /** User id. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
  /** Modification time, seconds since 1970. */
  readonly mtime: number;
}

/** What to do if a directory on the path is missing. */
export type Missing = "create" | "ignore";

/**
 * The directory of an image's files. Paths are relative to it, as `normalizeTarPath` gives them. Methods
 * throw `RangeError` with the reason if the image does something forbidden, and `Deno.errors` for I/O.
 */
export class Rootfs {
  /** Absolute host path of the directory. */
  readonly directory: string;
  readonly #setOwner: boolean;
  /** Real directories by the path that led to them, until something on such a path is removed. */
  readonly #known = new Map<string, string>();

  /** A rootfs in an existing, empty directory. Owners are set if the program is root. */
  constructor(directory: string, options: { readonly setOwner?: boolean } = {}) {
    this.directory = directory;
    this.#setOwner = options.setOwner ?? Deno.uid() === 0;
  }

  /** Clears the cache of directories; call it after another program has changed them. */
  forget(): void {
    this.#known.clear();
  }

  /** Host path of a real path, that is one whose parents are all directories. */
  hostPath(real: string): string {
    return real === "" ? this.directory : `${this.directory}/${real}`;
  }

  /** `lstat` of a real path; `undefined` if it does not exist. */
  lstat(real: string): Deno.FileInfo | undefined {
    try {
      return Deno.lstatSync(this.hostPath(real));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /**
   * The real path of an entry: its directory with all links followed inside the rootfs, its own name
   * as it is. `undefined` if its directory is missing and is not to be created.
   *
   * @throws {RangeError} if a component of the path is not a directory, or for too many links.
   */
  locate(path: string, missing: Missing): string | undefined {
    const slash = path.lastIndexOf("/");
    const parent = this.locateDirectory(slash < 0 ? "" : path.slice(0, slash), missing);
    const name = path.slice(slash + 1);
    return parent === undefined ? undefined : parent === "" ? name : `${parent}/${name}`;
  }

  /** The real path of a directory, all links followed inside the rootfs. See {@linkcode locate}. */
  locateDirectory(path: string, missing: Missing): string | undefined {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const todo = path.split("/").reverse();
    const real: string[] = [];
    let links = 0;
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      if (part === "" || part === ".") continue;
      if (part === "..") {
        real.pop(); // the root is its own parent
        continue;
      }
      real.push(part);
      const here = real.join("/");
      const info = this.lstat(here);
      if (info === undefined) {
        if (missing === "ignore") return undefined;
        Deno.mkdirSync(this.hostPath(here), { mode: 0o755 });
        Deno.chmodSync(this.hostPath(here), 0o755);
      } else if (info.isSymlink) {
        if (++links > MAX_LINKS) throw new RangeError("too many symbolic links on the way");
        const target = Deno.readLinkSync(this.hostPath(here));
        real.pop();
        if (target.startsWith("/")) real.length = 0;
        todo.push(...target.split("/").reverse());
      } else if (!info.isDirectory) {
        if (missing === "ignore") return undefined;
        throw new RangeError("a parent is not a directory");
      }
    }
    const found = real.join("/");
    this.#known.set(path, found);
    return found;
  }

  /** Removes a real path, a directory with everything in it; does nothing if it does not exist. */
  remove(real: string): void {
    if (real === "") throw new RangeError("the root cannot be removed");
    const info = this.lstat(real);
    if (info === undefined) return;
    if (!info.isFile) this.#known.clear();
    // Deno removes links themselves, and does not follow those inside a directory.
    Deno.removeSync(this.hostPath(real), { recursive: info.isDirectory && !info.isSymlink });
  }

  /** Removes the contents of the directory at a real path; does nothing if it is not a directory. */
  clear(real: string): void {
    if (this.lstat(real)?.isDirectory !== true) return;
    for (const { name } of Deno.readDirSync(this.hostPath(real))) {
      this.remove(real === "" ? name : `${real}/${name}`);
    }
  }

  /** Creates a directory at a real path; keeps an existing directory and replaces anything else. */
  makeDirectory(real: string): void {
    const info = this.lstat(real);
    if (info?.isDirectory === true) return;
    if (info !== undefined) this.remove(real);
    Deno.mkdirSync(this.hostPath(real), { mode: 0o700 });
  }

  /** Creates a file at a real path, replacing an existing entry; never writes through a link. */
  createFile(real: string): Deno.FsFile {
    this.remove(real);
    return Deno.openSync(this.hostPath(real), { write: true, createNew: true, mode: 0o600 });
  }

  /** Creates a symbolic link at a real path, replacing an existing entry. */
  makeLink(real: string, target: string, owner: Pick<Attributes, "uid" | "gid">): void {
    this.remove(real);
    Deno.symlinkSync(target, this.hostPath(real));
    if (this.#setOwner) fs.lchownSync(this.hostPath(real), owner.uid, owner.gid);
  }

  /** Creates a hard link at a real path to another real path, replacing an existing entry. */
  makeHardLink(real: string, target: string): void {
    const info = this.lstat(target);
    if (info === undefined) throw new RangeError("its hard link target does not exist");
    if (info.isDirectory) throw new RangeError("it is a hard link to a directory");
    if (real === target) return;
    this.remove(real);
    Deno.linkSync(this.hostPath(target), this.hostPath(real)); // links are not followed on Linux
  }

  /** Sets the attributes of the file or directory at a real path; a link is not changed. */
  setAttributes(real: string, attributes: Attributes): void {
    if (this.lstat(real)?.isSymlink !== false) return;
    const path = this.hostPath(real);
    if (this.#setOwner) Deno.chownSync(path, attributes.uid, attributes.gid);
    Deno.chmodSync(path, attributes.mode);
    Deno.utimeSync(path, attributes.mtime, attributes.mtime);
  }
}
