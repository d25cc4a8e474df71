/**
 * The package database of rpm, as SQLite (rpm 4.16 and later).
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { FoundPackage } from "./found.ts";
import { maybeParseRpmHeader } from "./distributions.ts";

/** Bytes of the header that say that the newest pages are in a log beside the file. */
const JOURNAL_MODE = [18, 19] as const;

/**
 * Packages of the database in a file of ours, which is changed: a database that was closed properly has
 * nothing in its write-ahead log, so that it need not be there.
 *
 * @throws {Error} of SQLite for a file that is no such database.
 */
export async function readRpmDatabase(path: string): Promise<readonly FoundPackage[]> {
  {
    using file = await Deno.open(path, { read: true, write: true });
    for (const at of JOURNAL_MODE) {
      await file.seek(at, Deno.SeekMode.Start);
      await file.write(new Uint8Array([1]));
    }
  }
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = database.prepare("SELECT blob FROM Packages ORDER BY hnum").all();
    return rows.flatMap(({ blob }) =>
      blob instanceof Uint8Array ? maybeParseRpmHeader(blob) ?? [] : []
    );
  } finally {
    database.close();
  }
}
