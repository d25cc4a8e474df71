/**
 * A strict, streaming parser of the tar archives that layers are. It takes chunks and calls back
 * synchronously, without a promise per entry, because a base image has tens of thousands.
 *
 * Read: v7, ustar, PAX and GNU long names; files, directories, symbolic and hard links, and (for the
 * consumer to skip) devices and FIFOs. Everything that readers disagree about is an error: see
 * `header.ts`, faults U01, U19, U25, U26 and U28.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  checkLinkTarget,
  isZeroBlock,
  normalizeTarPath,
  parseHeader,
  type RawHeader,
  TAR_BLOCK,
} from "./header.ts";
import { decodeUtf8, parsePax, paxNumber, type PaxRecords, paxTime } from "./pax.ts";

/** Bounds of what is read from one archive. */
export interface TarLimits {
  /** Most bytes of one entry. */
  readonly maxBytes: number;
  /** Most entries. */
  readonly maxEntries: number;
}

/** 20 GiB, 2 million entries. */
export const TAR_LIMITS: TarLimits = { maxBytes: 20 * 1024 ** 3, maxEntries: 2_000_000 };

/** Options of everything that reads archives. */
export interface TarReadOptions {
  /** Description of the archive in messages; default `layer`. */
  readonly what?: string;
  /** Bounds; those left out have the values of {@linkcode TAR_LIMITS}. */
  readonly limits?: Partial<TarLimits>;
  /** Stops an iteration. */
  readonly signal?: AbortSignal;
}

/** What an entry is. */
export type TarEntryType =
  | "file"
  | "directory"
  | "symlink"
  | "hardlink"
  | "character-device"
  | "block-device"
  | "fifo";

/** One verified entry. */
export interface TarEntry {
  /** Number of the entry in the archive, from 1. */
  readonly number: number;
  /** Path relative to the image's root, normalised; empty for the root itself. */
  readonly path: string;
  /** What it is. */
  readonly type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  /** User id. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
  /** Bytes of content; 0 unless it is a file. */
  readonly size: number;
  /** Target of a symbolic link as written; of a hard link normalised like `path`. */
  readonly linkTarget?: string;
  /** Modification time, whole seconds since 1970. */
  readonly mtime: number;
  /** PAX records, if there are any. */
  readonly pax?: ReadonlyMap<string, string>;
  /** Number of extended attributes and ACLs, which are not read. */
  readonly xattrs: number;
}

/** Takes what the parser finds. */
export interface TarHandler {
  /** An entry begins; its content follows in `data` if this returns true. */
  entry(entry: TarEntry): boolean;
  /** Content of the current entry; a view that is only valid during the call. */
  data?(chunk: Uint8Array): void;
  /** The current entry's content is complete. */
  end?(): void;
}

const TYPES: Readonly<Record<string, TarEntryType>> = {
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
};
/** Most bytes of an extended header or a long name. */
const MAX_META = 1024 * 1024;
/** Global PAX keys that would change every entry after them. */
const GLOBAL_REFUSED = ["path", "linkpath", "size", "uid", "gid"];

/** The parser: `push` chunks, then `finish`. */
export class TarParser {
  readonly #handler: TarHandler;
  readonly #what: string;
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #block = new Uint8Array(TAR_BLOCK);
  #filled = 0;
  #left = 0;
  #padding = 0;
  #mode: "skip" | "data" | "meta" = "skip";
  #zeroBlocks = 0;
  #number = 0;
  #shown = "";
  #meta: { type: string; body: Uint8Array; filled: number } | undefined;
  #pax: PaxRecords | undefined;
  #longName: string | undefined;
  #longLink: string | undefined;

  /** A parser that reports to `handler`. */
  constructor(handler: TarHandler, options: TarReadOptions = {}) {
    this.#handler = handler;
    this.#what = options.what ?? "layer";
    const limits = { ...TAR_LIMITS, ...options.limits };
    this.#maxEntries = limits.maxEntries;
    this.#maxBytes = limits.maxBytes;
  }

  /** Parses a chunk. @throws {MiseOciError} `invalid` naming the entry, and what the handler throws. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && this.#zeroBlocks < 2;) {
      if (this.#left > 0) {
        const part = chunk.subarray(at, at + Math.min(this.#left, chunk.length - at));
        at += part.length;
        this.#left -= part.length;
        this.#body(part);
      } else if (this.#padding > 0) {
        const skipped = Math.min(this.#padding, chunk.length - at);
        this.#padding -= skipped;
        at += skipped;
      } else if (this.#filled === 0 && chunk.length - at >= TAR_BLOCK) {
        this.#onBlock(chunk.subarray(at, at + TAR_BLOCK));
        at += TAR_BLOCK;
      } else {
        const part = chunk.subarray(at, at + TAR_BLOCK - this.#filled);
        this.#block.set(part, this.#filled);
        this.#filled += part.length;
        at += part.length;
        if (this.#filled < TAR_BLOCK) continue;
        this.#filled = 0;
        this.#onBlock(this.#block);
      }
    }
  }

  /** Whether the end blocks have been read; what follows them is ignored. */
  get ended(): boolean {
    return this.#zeroBlocks >= 2;
  }

  /**
   * Skips content that the handler does not want, for a reader that can seek in a file.
   *
   * @param available number of bytes after those that were pushed.
   * @returns how many of them are skipped.
   */
  skip(available: number): number {
    if (this.#mode !== "skip") return 0;
    const content = Math.min(this.#left, available);
    const padding = Math.min(this.#padding, available - content);
    this.#left -= content;
    this.#padding -= padding;
    return content + padding;
  }

  /**
   * Ends the archive. Missing end blocks are accepted; a truncated entry is not. @throws {MiseOciError}
   * `integrity`.
   */
  finish(): void {
    if (this.#left > 0 || this.#padding > 0) this.#cut("the content");
    if (this.#filled > 0) this.#cut("the header after");
    if (this.#hasMeta()) this.#cut("the extended header after");
  }

  #cut(where: string): never {
    throw new MiseOciError(
      "integrity",
      `Cannot read ${this.#what}: the archive ends inside ${where} of entry ${this.#number}${this.#shown}`,
    );
  }

  #fail(why: string, code: "invalid" | "unsupported" = "invalid"): never {
    throw new MiseOciError(
      code,
      `Cannot read ${this.#what}: entry ${this.#number}${this.#shown}: ${why}`,
    );
  }

  #hasMeta(): boolean {
    return this.#pax !== undefined || this.#longName !== undefined || this.#longLink !== undefined;
  }

  #onBlock(block: Uint8Array): void {
    if (isZeroBlock(block)) {
      if (this.#hasMeta()) this.#cut("the extended header after");
      this.#zeroBlocks++;
      return;
    }
    if (this.#zeroBlocks === 0 && !this.#hasMeta()) {
      this.#number++;
      this.#shown = "";
    }
    try {
      if (this.#zeroBlocks === 1) throw new RangeError("it stands after an end block");
      const header = parseHeader(block);
      if ("xgLK".includes(header.type)) this.#beginMeta(header);
      else this.#beginEntry(header);
    } catch (error) {
      if (error instanceof RangeError) this.#fail(error.message);
      throw error;
    }
  }

  #beginMeta(header: RawHeader): void {
    if (header.size > MAX_META) {
      throw new RangeError(`its extended header is over ${MAX_META} bytes`);
    }
    if (header.size === 0 && header.type !== "x" && header.type !== "g") {
      throw new RangeError("its long name is empty");
    }
    this.#meta = { type: header.type, body: new Uint8Array(header.size), filled: 0 };
    this.#setBody(header.size, "meta");
    if (header.size === 0) this.#endMeta();
  }

  #setBody(size: number, mode: "skip" | "data" | "meta"): void {
    this.#left = size;
    this.#padding = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
    this.#mode = mode;
  }

  #body(part: Uint8Array): void {
    if (this.#mode === "data") {
      this.#handler.data?.(part);
      if (this.#left === 0) this.#handler.end?.();
    } else if (this.#mode === "meta" && this.#meta !== undefined) {
      this.#meta.body.set(part, this.#meta.filled);
      this.#meta.filled += part.length;
      if (this.#left > 0) return;
      try {
        this.#endMeta();
      } catch (error) {
        if (error instanceof RangeError) this.#fail(error.message);
        throw error;
      }
    }
  }

  #endMeta(): void {
    const { type, body } = this.#meta!;
    this.#meta = undefined;
    if (type === "x") {
      if (this.#pax !== undefined) throw new RangeError("it has two PAX headers");
      this.#pax = parsePax(body);
    } else if (type === "g") {
      const { records } = parsePax(body);
      const refused = GLOBAL_REFUSED.find((key) => records.has(key));
      if (refused !== undefined) throw new RangeError(`a global PAX header sets its ${refused}`);
    } else {
      const end = body.indexOf(0);
      const text = decodeUtf8(end < 0 ? body : body.subarray(0, end), "long name");
      const twice = (type === "L" ? this.#longName : this.#longLink) !== undefined;
      if (twice) throw new RangeError("it has two long names");
      if (type === "L") this.#longName = text;
      else this.#longLink = text;
    }
  }

  #beginEntry(header: RawHeader): void {
    const pax = this.#pax?.records;
    const name = this.#name(pax?.get("path"), this.#longName, header.name, "name");
    this.#shown = ` (${JSON.stringify(name.slice(0, 200))})`;
    const entry = this.#entry(header, name, pax);
    this.#pax = this.#longName = this.#longLink = undefined;
    if (this.#number > this.#maxEntries) {
      throw new MiseOciError(
        "invalid",
        `Refusing to read ${this.#what}: it has more than ${this.#maxEntries} entries`,
      );
    }
    const wanted = this.#handler.entry(entry);
    this.#setBody(entry.size, wanted ? "data" : "skip");
    if (wanted && entry.size === 0) this.#handler.end?.();
  }

  #entry(header: RawHeader, name: string, pax: ReadonlyMap<string, string> | undefined): TarEntry {
    const stated = TYPES[header.type];
    if (header.type === "S") {
      this.#fail("it is a sparse file, which layers cannot have", "unsupported");
    }
    if (stated === undefined) this.#fail(`its type ${JSON.stringify(header.type)} is not known`);
    const isOldDirectory = header.isOldRegular && name.endsWith("/");
    const type = isOldDirectory ? "directory" : stated;
    if (type === "file" && name.endsWith("/")) {
      this.#fail("it is a file whose name ends with a slash");
    }
    const paxSize = pax === undefined ? undefined : paxNumber(pax, "size");
    // In old archives the header of a hard link has the size of its target, but no content follows.
    const size = type === "hardlink" ? paxSize ?? 0 : paxSize ?? header.size;
    if (type !== "file" && size > 0) this.#fail(`it is a ${type} with content`);
    if (size > this.#maxBytes) this.#fail(`its size of ${size} bytes is over the limit`);
    const link = type === "symlink" || type === "hardlink"
      ? this.#name(pax?.get("linkpath"), this.#longLink, header.linkName, "link target")
      : undefined;
    return {
      number: this.#number,
      path: normalizeTarPath(name),
      type,
      mode: header.mode,
      uid: (pax === undefined ? undefined : paxNumber(pax, "uid")) ?? header.uid,
      gid: (pax === undefined ? undefined : paxNumber(pax, "gid")) ?? header.gid,
      size,
      ...(link === undefined
        ? {}
        : { linkTarget: type === "symlink" ? checkLinkTarget(link) : normalizeTarPath(link) }),
      mtime: (pax === undefined ? undefined : paxTime(pax)) ?? header.mtime,
      ...(pax === undefined ? {} : { pax }),
      xattrs: this.#pax?.xattrs ?? 0,
    };
  }

  /** The effective name; two extensions with different names are ambiguous. */
  #name(
    pax: string | undefined,
    long: string | undefined,
    header: Uint8Array,
    what: string,
  ): string {
    if (pax !== undefined && long !== undefined && pax !== long) {
      throw new RangeError(`it has two different ${what}s`);
    }
    return pax ?? long ?? decodeUtf8(header, what);
  }
}

/** A handler that forwards everything to each of `handlers`, and content only to those that want it. */
export function teeHandlers(...handlers: readonly TarHandler[]): TarHandler {
  let wanting: readonly TarHandler[] = [];
  return {
    entry: (entry) => {
      wanting = handlers.filter((handler) => handler.entry(entry));
      return wanting.length > 0;
    },
    data: (chunk) => wanting.forEach((handler) => handler.data?.(chunk)),
    end: () => wanting.forEach((handler) => handler.end?.()),
  };
}
