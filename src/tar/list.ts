/**
 * Listing a tar file for random access: where the content of each entry is. Only headers are read; what
 * counts as malformed is decided by {@linkcode TarParser} alone.
 * @module
 */
import { type TarEntry, TarParser } from "./parser.ts";
import { TAR_BLOCK } from "./header.ts";

/** Entries of one archive: an image has some hundred, an attack has millions. */
const MAX_ENTRIES = 100_000;

/** An entry and where its content is. */
export interface ListedTarEntry extends TarEntry {
  /** Offset of the first byte of content in the file. */
  readonly offset: number;
}

/**
 * Lists the entries of an open tar file.
 *
 * @param what description of the file in messages: `Cannot read WHAT: …`.
 * @throws {MiseOciError} `invalid` naming the entry and what is wrong with it, `integrity` if the archive is
 * truncated.
 */
export function listTar(
  file: Pick<Deno.FsFile, "readSync" | "seekSync">,
  fileSize: number,
  what: string,
): readonly ListedTarEntry[] {
  const entries: ListedTarEntry[] = [];
  let at = 0;
  const parser = new TarParser({
    entry: (entry) => {
      entries.push({ ...entry, offset: at });
      return false;
    },
  }, { what, limits: { maxEntries: MAX_ENTRIES, maxBytes: Infinity } });
  const block = new Uint8Array(TAR_BLOCK);
  while (at < fileSize && !parser.ended) {
    file.seekSync(at, Deno.SeekMode.Start);
    const read = file.readSync(block);
    if (read === null) break;
    at += read;
    parser.push(block.subarray(0, read));
    at += parser.skip(fileSize - at);
  }
  parser.finish();
  return entries;
}
