/**
 * Writes entries as a tar.
 * @module
 */
import fs from "node:fs";
import { closeContent, ContentReader, type OpenFile, readFully } from "./content.ts";
import { applyPatches } from "../relocate/elf_paths.ts";
import type { LayerEntry } from "../entry.ts";
import type { HostPathFinder } from "../relocate/host_paths.ts";
import { type TarSink, writeAll } from "./output.ts";
import { maybeReadAhead } from "./read_ahead.ts";
import type { RewriteOptions } from "../relocate/rewrite.ts";
import { encodeTarHeader } from "../../tar/encode.ts";
import { paddedSize, TAR_BLOCK } from "../../tar/header.ts";

const ZEROS = new Uint8Array(2 * TAR_BLOCK);

/** Positions of entries, possibly many. */
export type Positions = Pick<ReadonlySet<number>, "has">;

/**
 * Writes the entries and the two zero blocks at the end. Small files are copied into the sink's blocks,
 * large ones are read into them.
 *
 * @returns Positions of entries that were verified to be unchanged after they were read.
 * @throws {TreeChangedError} if a file differs from the scan.
 */
export async function packEntries(
  entries: readonly LayerEntry[],
  sink: TarSink,
  options: RewriteOptions & {
    /** Searches the content while it is packed. */
    readonly hostPaths?: HostPathFinder | undefined;
  },
): Promise<Positions> {
  const packer = new Packer(sink, options);
  const settled = new Uint8Array(entries.length);
  using ahead = maybeReadAhead(entries);
  let at = -1;
  for (const entry of entries) {
    at++;
    if (ahead?.isBehind(at)) await ahead.advance();
    const known = ahead?.content(at);
    if (known !== undefined) settled[at] = 1;
    // Most writes complete synchronously, and awaiting each would cost more than the write.
    const written = entry.type === "file"
      ? packer.writeFile(entry, known)
      : writeAll(sink, packer.header(entry, 0));
    if (written !== undefined) await written;
  }
  await writeAll(sink, ZEROS);
  return { has: (position) => settled[position] === 1 };
}

/** Writes entries to one sink. */
class Packer {
  readonly #sink: TarSink;
  readonly #reader: ContentReader;
  readonly #hostPaths: HostPathFinder | undefined;
  readonly #scratch = new Uint8Array(TAR_BLOCK);

  constructor(
    sink: TarSink,
    options: RewriteOptions & { readonly hostPaths?: HostPathFinder | undefined },
  ) {
    this.#sink = sink;
    this.#reader = new ContentReader(options);
    this.#hostPaths = options.hostPaths;
  }

  /** The header of an entry; valid only until the next one. */
  header({ path, type, mode, uid, gid, target }: LayerEntry, size: number): Uint8Array {
    return encodeTarHeader({ path, type, mode, uid, gid, target, size }, this.#scratch);
  }

  /** Writes a file, from memory if its content is known. */
  writeFile(entry: LayerEntry, known: Uint8Array | undefined): void | Promise<void> {
    const sink = this.#sink;
    const hostPaths = this.#hostPaths;
    const { size, head, clean, rest } = this.#reader.open(entry, known);
    const header = this.header(entry, size);
    if (clean !== true) hostPaths?.begin(entry.path);
    if (clean !== true) hostPaths?.add(head);
    if (rest !== undefined) return writeLargeFile(sink, header, { size, head, rest, hostPaths });
    if (clean !== true) hostPaths?.end();
    const padded = paddedSize(size);
    const whole = header.length + padded;
    if (sink.available < whole) {
      return writeParts(sink, [header, head, ZEROS.subarray(0, padded - size)]);
    }
    // The usual case: everything fits into the current block.
    const room = sink.block();
    room.set(header);
    room.set(head, header.length);
    if (padded > size) room.fill(0, header.length + size, whole);
    sink.advance(whole);
  }
}

async function writeParts(sink: TarSink, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) await writeAll(sink, part);
}

async function writeLargeFile(
  sink: TarSink,
  header: Uint8Array,
  { size, head, rest, hostPaths }: {
    size: number;
    head: Uint8Array;
    rest: OpenFile;
    hostPaths: HostPathFinder | undefined;
  },
): Promise<void> {
  try {
    await writeAll(sink, header);
    await writeAll(sink, head);
    for (let left = rest.size; left > 0;) {
      if (sink.available === 0) await sink.nextBlock();
      const room = sink.block();
      const part = room.subarray(0, Math.min(left, room.length));
      readFully(rest.fd, part, rest.host);
      applyPatches(part, rest.offset + rest.size - left, rest.patches);
      hostPaths?.add(part);
      sink.advance(part.length);
      left -= part.length;
    }
  } catch (error) {
    fs.closeSync(rest.fd);
    throw error;
  }
  closeContent(rest);
  hostPaths?.end();
  await writeAll(sink, ZEROS.subarray(0, paddedSize(size) - size));
}
