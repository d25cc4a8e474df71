/**
 * Small JSON records by key, one file each: the data of the cache besides blobs.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { asObject, encodeJson, parseJson, sha256Hex } from "../oci/mod.ts";
import { join } from "@std/path";
import { ioError, maybeLstat, maybeSystemCode, withPath } from "./io_error.ts";
import { writeFileAtomic } from "./temp_file.ts";

/** Version of the records' form; a record of another version is not there. */
const VERSION = 1;
/** The list of the files of a large base layer has some ten MiB. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Bytes that are read sooner than a thread is woken to read them. */
const SMALL = 64 * 1024;

/** A record as it is on disk. */
export interface RecordFile {
  /** Its path. */
  readonly path: string;
  /** Its length in bytes. */
  readonly size: number;
  /** When it was last used; the file's mtime, since reading must not need more than a touch. */
  readonly lastUsed: Date;
}

/** Says that something in the cache was not as it was left. */
export type ProblemListener = (text: string) => void;

/** Sets a file's time of last use to now; a file system that refuses costs only the order of pruning. */
export function touch(path: string): void {
  const now = new Date();
  try {
    Deno.utimeSync(path, now, now);
  } catch {
    // Its age is all that is wrong then.
  }
}

/** A directory of records. */
export class Records {
  /** The absolute directory. */
  readonly path: string;
  readonly #onProblem: ProblemListener;

  /** @param onProblem called for every damaged record; such a record is removed. */
  constructor(path: string, onProblem: ProblemListener) {
    this.path = path;
    this.#onProblem = onProblem;
  }

  async #pathOf(key: string): Promise<string> {
    const name = /^[0-9a-f]{64}$/.test(key) ? key : await sha256Hex(key);
    return join(this.path, `${name}.json`);
  }

  /** The value of a key; `undefined` if it does not exist or is damaged. */
  async get(key: string): Promise<unknown> {
    const path = await this.#pathOf(key);
    const bytes = await readRegularFile(path);
    if (bytes === undefined) return undefined;
    const value = await maybeParseRecord(bytes, key);
    if (value === undefined) {
      this.#onProblem(`Cache record "${path}" is damaged and was removed`);
      await this.remove(key);
      return undefined;
    }
    touch(path);
    return value.value;
  }

  /** Stores a value that JSON can hold, replacing the key's old one atomically. @throws {MiseOciError} `io`. */
  async put(key: string, value: unknown): Promise<void> {
    const path = await this.#pathOf(key);
    await withPath("create", this.path, () => Deno.mkdir(this.path, { recursive: true }));
    const check = await sha256Hex(JSON.stringify(value));
    // Not flushed: after a crash a record that is torn fails its check and is made again.
    await writeFileAtomic(path, encodeJson({ version: VERSION, key, check, value }), {
      durable: false,
    });
  }

  /** Forgets a key; never fails. */
  async remove(key: string): Promise<void> {
    await Deno.remove(await this.#pathOf(key)).catch(() => {});
  }

  /** All records with their keys and values; damaged and foreign files are left out. */
  async *list(): AsyncGenerator<RecordFile & { readonly key: string; readonly value: unknown }> {
    for (const name of await readNames(this.path)) {
      if (!/^[0-9a-f]{64}\.json$/.test(name)) continue;
      const path = join(this.path, name);
      const [info, bytes] = [maybeLstat(path), await readRegularFile(path)];
      const record = bytes === undefined ? undefined : await maybeParseRecord(bytes);
      if (record === undefined || info === undefined) continue;
      yield { path, size: info.size, lastUsed: info.mtime ?? new Date(0), ...record };
    }
  }
}

/** The names in a directory, sorted; none if it is not there or cannot be read. */
export async function readNames(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path), (entry) => entry.name)).sort();
  } catch (error) {
    if (maybeSystemCode(error) === undefined) throw ioError(error, "read", path);
    return [];
  }
}

async function readRegularFile(path: string): Promise<Uint8Array | undefined> {
  try {
    const info = maybeLstat(path);
    if (!info?.isFile || info.size > MAX_BYTES) return undefined;
    return info.size < SMALL ? Deno.readFileSync(path) : await Deno.readFile(path);
  } catch (error) {
    // Unreadable is absent: a cache may always miss.
    if (error instanceof MiseOciError || maybeSystemCode(error) !== undefined) return undefined;
    throw ioError(error, "read", path);
  }
}

async function maybeParseRecord(
  bytes: Uint8Array,
  expectedKey?: string,
): Promise<{ readonly key: string; readonly value: unknown } | undefined> {
  try {
    const { version, key, check, value } = asObject(
      parseJson(bytes, { what: "record", maxBytes: MAX_BYTES }),
      "record",
    );
    const valid = version === VERSION && typeof key === "string" &&
      (expectedKey === undefined || key === expectedKey) &&
      check === await sha256Hex(JSON.stringify(value));
    return valid ? { key, value } : undefined;
  } catch {
    return undefined;
  }
}
