/**
 * Reads the names and inodes of a host tree. No content is read, and only directories are opened.
 *
 * Deno cannot read extended attributes, file capabilities and ACLs, so layers never contain them (fault
 * L17). Deno returns file times in ms, and the change time in whole seconds.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import type { HostStat } from "../entry.ts";
import { joinPath } from "../entry.ts";
import { isAccessDenied, treeError } from "../errors.ts";
import { joinHostPath, TreeStat } from "./tree_stat.ts";
import { WALK_HELP_MINIMUM, WalkHelp } from "./walk_help.ts";
import {
  type FileNumbers,
  fileNumbers,
  type FoundType,
  type Listed,
  maybeType,
  unpackInfo,
} from "./walk_messages.ts";

/** An entry found in a tree. */
export interface Found {
  /** Path below the root of the walk, `""` for the root itself. */
  readonly path: string;
  /** Type of the entry. */
  readonly type: FoundType;
  /** Mode on disk, without type bits. */
  readonly mode: number;
  /** User id on disk. */
  readonly uid: number;
  /** Group id on disk. */
  readonly gid: number;
  /** Target of a link on disk, `""` otherwise. */
  readonly target: string;
  /** The result of `lstat`. */
  readonly host: HostStat;
}

/** Directories of a tree that were already listed. */
export interface ListedTree {
  /** The contents of a directory, by its path below the root of the walk. */
  maybe(path: string): Listed | undefined;
}

/** Options of {@linkcode walkTree}. */
export interface WalkOptions {
  /** Whether a path below the root is left out, with everything below it. */
  readonly excluded: (path: string) => boolean;
  /** Receives warnings about skipped files, one sentence each. */
  readonly warn: (text: string) => void;
  /** Collects paths that cannot be read. */
  readonly unreadable: string[];
  /** Cancels the walk. */
  readonly signal?: AbortSignal | undefined;
  /** Directories already listed by a thread; the rest is listed here. */
  readonly listed?: ListedTree | undefined;
  /** When to start a helper thread, for tests. */
  readonly help?: { readonly minimum: number; readonly workerUrl?: URL } | undefined;
}

/** Number of entries, some 10 ms, after which signals and other layers can run. */
export const TURN = 1000;

const NOTHING = new Uint8Array(0);

/**
 * Yields to the event loop, so that signals, messages and other layers can run, by awaiting a result of
 * Deno's own threads. A timer would take 1 ms each time, and the first `setImmediate` 11 ms, to load its
 * modules.
 *
 * @throws the signal's reason when aborted.
 */
export async function giveTurn(signal: AbortSignal | undefined): Promise<void> {
  await crypto.subtle.digest("SHA-1", NOTHING);
  signal?.throwIfAborted();
}

/**
 * Walks the tree at `root` (not a link). Calls `found` for the root first, and for every directory before
 * its contents.
 *
 * @throws {MiseOciError} `io` for something that vanishes, `invalid` for a name that is not UTF-8.
 */
export async function walkTree(
  root: string,
  options: WalkOptions & { readonly found: (entry: Found) => void },
): Promise<void> {
  using walk = new Walk(root, options);
  await walk.run();
}

/** One walk of one tree. */
class Walk implements Disposable {
  readonly #root: string;
  readonly #options: WalkOptions & { readonly found: (entry: Found) => void };
  /** Directories still to be listed. */
  readonly #pending: string[] = [];
  #help: WalkHelp | undefined;
  #count = 0;
  #nextTurn = TURN;

  constructor(root: string, options: WalkOptions & { readonly found: (entry: Found) => void }) {
    this.#root = root;
    this.#options = options;
  }

  async run(): Promise<void> {
    this.#add("", maybeStat({ directory: this.#root, name: "", path: "" }, this.#options));
    for (;;) {
      const path = this.#pending.pop();
      if (path !== undefined) this.#list(path);
      else if (this.#help?.busy === true) await this.#help.wait();
      else return;
      if (this.#count >= this.#nextTurn) await this.#turn();
      if (this.#help !== undefined) this.#takeHelp(this.#help);
    }
  }

  [Symbol.dispose](): void {
    this.#help?.[Symbol.dispose]();
  }

  async #turn(): Promise<void> {
    this.#nextTurn = this.#count + TURN;
    await giveTurn(this.#options.signal);
    const { minimum, workerUrl } = this.#options.help ?? { minimum: WALK_HELP_MINIMUM };
    if (this.#help !== undefined || this.#count < minimum || this.#pending.length < 2) return;
    this.#help = new WalkHelp((path) => joinHostPath(this.#root, path), workerUrl);
  }

  #takeHelp(help: WalkHelp): void {
    help.offer(this.#pending);
    for (const listed of help.taken()) {
      if (listed.names === undefined) this.#list(listed.path);
      else this.#addListed(listed.path, listed.names, listed);
      help.offer(this.#pending);
    }
  }

  #list(path: string): void {
    const listed = this.#options.listed?.maybe(path);
    if (listed?.names !== undefined) return this.#addListed(path, listed.names, listed);
    const directory = joinHostPath(this.#root, path);
    for (const name of listDirectory(directory, this.#options.unreadable)) {
      const below = joinPath(path, name);
      if (this.#options.excluded(below)) continue;
      this.#add(below, maybeStat({ directory, name, path: below }, this.#options));
    }
  }

  #addListed(
    path: string,
    names: readonly string[],
    { numbers, start }: Pick<Listed, "numbers" | "start">,
  ): void {
    const directory = joinHostPath(this.#root, path);
    let at = start;
    for (const name of names) {
      const file = unpackInfo(numbers, at++);
      const below = joinPath(path, name);
      if (this.#options.excluded(below)) continue;
      this.#add(below, foundFile({ directory, name, path: below }, file, this.#options));
    }
  }

  #add(path: string, entry: Found | undefined): void {
    this.#count++;
    if (entry === undefined) return;
    this.#options.found(entry);
    if (entry.type === "directory") this.#pending.push(path);
  }
}

/** A path in parts. */
interface Place {
  /** Absolute host directory; for the root of the walk, the root itself. */
  readonly directory: string;
  /** The name in it, empty for the root of the walk. */
  readonly name: string;
  /** The path below the root. */
  readonly path: string;
}

function maybeStat(place: Place, options: WalkOptions): Found | undefined {
  const hostPath = joinHostPath(place.directory, place.name);
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(hostPath);
  } catch (error) {
    if (isAccessDenied(error)) {
      options.unreadable.push(hostPath);
      return undefined;
    }
    throw treeError(error, "read", hostPath);
  }
  const type = maybeType(info);
  if (type === undefined) {
    options.warn(`Skipped "${hostPath}": ${specialKind(info)} cannot be part of a layer`);
    return undefined;
  }
  return foundFile(place, fileNumbers(info, type), options);
}

function foundFile(place: Place, file: FileNumbers, { unreadable }: WalkOptions): Found {
  const { directory, name, path } = place;
  const { type, uid, gid } = file;
  const host = new TreeStat(directory, name, file);
  if (type === "file" && !isReadable(host, file.mode)) unreadable.push(host.path);
  return {
    path,
    type,
    mode: file.mode < 0 ? 0 : file.mode & 0o7777,
    uid,
    gid,
    target: type === "symlink" ? readTarget(host.path) : "",
    host,
  };
}

function listDirectory(path: string, unreadable: string[]): string[] {
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(path), ({ name }) => name);
  } catch (error) {
    if (isAccessDenied(error)) {
      unreadable.push(path);
      return [];
    }
    throw treeError(error, "list", path);
  }
  checkUtf8(path, names);
  return names;
}

/**
 * Deno replaces bytes that are not UTF-8 by U+FFFD. A name with U+FFFD is accepted only if exactly one such
 * file exists.
 */
function checkUtf8(directory: string, names: readonly string[]): void {
  const doubtful = names.filter((name) => name.includes("\ufffd"));
  for (const name of doubtful) {
    if (doubtful.filter((other) => other === name).length === 1 && exists(`${directory}/${name}`)) {
      continue;
    }
    throw new MiseOciError(
      "invalid",
      `Cannot read a file in "${directory}": its name, shown as "${name}", is not UTF-8`,
      { hint: "Rename it, or leave it out of what is copied" },
    );
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function readTarget(path: string): string {
  let target: string;
  try {
    target = Deno.readLinkSync(path);
  } catch (error) {
    throw treeError(error, "read link", path);
  }
  if (!target.includes("\ufffd")) return target;
  throw new MiseOciError(
    "invalid",
    `Cannot read link "${path}": its target, shown as "${target}", is not UTF-8`,
    { hint: "Point the link somewhere else, or leave it out of what is copied" },
  );
}

/**
 * Modes that everyone can read need no check; other files are opened, so that all unreadable ones are
 * reported together.
 */
function isReadable(host: HostStat, mode: number): boolean {
  if (mode < 0 || (mode & 0o444) === 0o444) return true;
  try {
    Deno.openSync(host.path).close();
    return true;
  } catch (error) {
    if (isAccessDenied(error)) return false;
    throw treeError(error, "open", host.path);
  }
}

function specialKind(info: Deno.FileInfo): string {
  if (info.isFifo) return "a FIFO";
  if (info.isSocket) return "a socket";
  return "a device";
}
