/**
 * The package database of rpm, as SQLite (rpm 4.16 and later).
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { FoundPackage } from "./found.ts";
import { maybeParseRpmHeader } from "./distributions.ts";

/** Header bytes that indicate a write-ahead log next to the file. */
const JOURNAL_MODE = [18, 19] as const;

/**
 * Reads the packages in a copy of the database, which is modified not to require its write-ahead log: after
 * a clean shutdown the log is empty.
 *
 * @throws {Error} of SQLite for a file that is not such a database.
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
