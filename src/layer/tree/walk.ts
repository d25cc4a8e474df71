/**
 * Reads the names and the inodes of a host tree, and nothing else: no content is read and nothing but
 * directories is opened.
 *
 * What Deno cannot see is left out of every layer: extended attributes, file capabilities and ACLs
 * (fault L17). Deno gives file times in ms, and the change time in whole seconds.
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

/** Something found in a tree. */
export interface Found {
  /** Path below the root of the walk, `""` for the root itself. */
  readonly path: string;
  /** What it is. */
  readonly type: FoundType;
  /** Mode from disk, type bits removed. */
  readonly mode: number;
  /** User id from disk. */
  readonly uid: number;
  /** Group id from disk. */
  readonly gid: number;
  /** Target of a link as it is on disk, `""` otherwise. */
  readonly target: string;
  /** What `lstat` said. */
  readonly host: HostStat;
}

/** Directories of a tree that were listed already. */
export interface ListedTree {
  /** What was in one, by its path below the root of the walk. */
  maybe(path: string): Listed | undefined;
}

/** Options of {@linkcode walkTree}. */
export interface WalkOptions {
  /** Whether a path below the root is left out, with everything below it. */
  readonly excluded: (path: string) => boolean;
  /** Told of what is skipped, one sentence each. */
  readonly warn: (text: string) => void;
  /** Collects what may not be read. */
  readonly unreadable: string[];
  /** Stops the walk. */
  readonly signal?: AbortSignal | undefined;
  /** What a thread has listed of the tree already; the rest is listed here. */
  readonly listed?: ListedTree | undefined;
  /** When a thread helps; only tests give something else. */
  readonly help?: { readonly minimum: number; readonly workerUrl?: URL } | undefined;
}

/** After so many entries, some 10 ms, signals and other layers get their turn. */
export const TURN = 1000;

const NOTHING = new Uint8Array(0);

/**
 * Lets signals, messages and other layers have their turn: any answer of Deno's own threads does. A timer
 * takes 1 ms for it, which adds up, and the first `setImmediate` 11 ms, for the modules that it loads.
 *
 * @throws the signal's reason when aborted.
 */
export async function giveTurn(signal: AbortSignal | undefined): Promise<void> {
  await crypto.subtle.digest("SHA-1", NOTHING);
  signal?.throwIfAborted();
}

/**
 * Walks what is at `root` (not a link), calling `found` for the root first and for every directory
 * before what is in it.
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
  /** Directories that are still to be listed. */
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

/** Where something is. */
interface Place {
  /** Absolute host directory; of the root of the walk, the root itself. */
  readonly directory: string;
  /** Its name there, empty for the root of the walk. */
  readonly name: string;
  /** Its path below the root. */
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
 * Deno shows every byte that is not UTF-8 as U+FFFD. A name with U+FFFD is taken for what it says only
 * if there is such a file, and only one.
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

/** Modes that everyone can read need no look; others are tried, so that all can be named at once. */
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
