/**
 * Writes entries as a tar.
 * @module
 */
import fs from "node:fs";
import {
  closeContent,
  type ContentOptions,
  ContentReader,
  type OpenFile,
  readFully,
} from "./content.ts";
import type { LayerEntry } from "./entry.ts";
import type { HostPathFinder } from "./host_paths.ts";
import { type TarSink, writeAll } from "./output.ts";
import { maybeReadAhead } from "./read_ahead.ts";
import { encodeTarHeader, paddedSize, TAR_BLOCK } from "./tar.ts";

const ZEROS = new Uint8Array(2 * TAR_BLOCK);

/**
 * Writes the entries and the two zero records of the end. Small files are copied into the sink's blocks,
 * large ones read into them.
 *
 * @returns Positions of the entries that were looked at again after they were read, and were as before.
 * @throws {TreeChangedError} if a file is not what the scan saw.
 */
export async function packEntries(
  entries: readonly LayerEntry[],
  sink: TarSink,
  options: ContentOptions & {
    /** Looks at the content on its way. */
    readonly hostPaths?: HostPathFinder | undefined;
  },
): Promise<ReadonlySet<number>> {
  const { hostPaths } = options;
  const reader = new ContentReader(options);
  const settled = new Set<number>();
  using ahead = maybeReadAhead(entries);
  for (const [at, entry] of entries.entries()) {
    if (ahead?.isBehind(at)) await ahead.advance();
    const known = ahead?.content(at);
    if (known !== undefined) settled.add(at);
    // Most writes end at once; waiting for each would cost more than the write itself.
    const written = entry.type === "file"
      ? writeFile(sink, entry, { reader, hostPaths, known })
      : writeAll(sink, encodeTarHeader({ ...entry, size: 0 }));
    if (written !== undefined) await written;
  }
  await writeAll(sink, ZEROS);
  return settled;
}

function writeFile(
  sink: TarSink,
  entry: LayerEntry,
  { reader, hostPaths, known }: {
    readonly reader: ContentReader;
    readonly hostPaths: HostPathFinder | undefined;
    readonly known: Uint8Array | undefined;
  },
): void | Promise<void> {
  const { size, head, rest } = reader.open(entry, known);
  const header = encodeTarHeader({ ...entry, size });
  hostPaths?.begin(entry.path);
  hostPaths?.add(head);
  if (rest !== undefined) return writeLargeFile(sink, header, { size, head, rest, hostPaths });
  hostPaths?.end();
  const padded = paddedSize(size);
  const whole = header.length + padded;
  if (sink.available < whole) {
    return writeParts(sink, [header, head, ZEROS.subarray(0, padded - size)]);
  }
  // The usual case: everything fits into the present block.
  const room = sink.block();
  room.set(header);
  room.set(head, header.length);
  room.fill(0, header.length + size, whole);
  sink.advance(whole);
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
