/**
 * The blobs of the cache, and how the cache detects without reading them that they are unchanged: a stamp of
 * size, inode and times, taken when the bytes were last hashed. A layout shares the inode of a blob that is
 * linked into it, so a blob can be changed through the layout; then its times differ from the stamp, the blob
 * is hashed again, and is removed if its bytes do not match its name.
 * @module
 */
import { type Digest, digestHex, Sha256 } from "../oci/mod.ts";
import { join } from "@std/path";
import { BlobDirectory } from "./blob_directory.ts";
import { lockShared, tryLock } from "./lock.ts";
import { maybeLstat, maybeSystemCode, withPath } from "./io_error.ts";
import { type ProblemListener, touch } from "./records.ts";
import { writeFileAtomic } from "./temp_file.ts";

/** The identity of a file's content as far as `lstat` shows it. */
function stampOf(info: Deno.FileInfo): string {
  // ctime also changes when a link is created or removed, which costs one more hashing, but it is the only
  // one of the times that cannot be set back.
  const time = (date: Date | null | undefined): number | null => date?.getTime() ?? null;
  const { size, dev, ino, mtime } = info;
  const { ctime } = info as Deno.FileInfo & { ctime?: Date | null };
  return JSON.stringify([size, dev, ino, time(mtime), time(ctime)]);
}

/** Blobs with stamps. The mtime of a stamp is when its blob was last used. */
export class CacheBlobs {
  /** The blobs themselves. */
  readonly directory: BlobDirectory;
  /** Where the stamps are. */
  readonly stamps: string;
  readonly #onProblem: ProblemListener;

  /** @param root the cache's directory. */
  constructor(root: string, place: string, onProblem: ProblemListener) {
    this.directory = new BlobDirectory(join(root, "blobs", "sha256"), place);
    this.stamps = join(root, "stamps");
    this.#onProblem = onProblem;
  }

  /** Makes the directories. @throws {MiseOciError} `io`. */
  async prepare(): Promise<void> {
    for (const path of [this.directory.path, this.stamps]) {
      await withPath("create", path, () => Deno.mkdir(path, { recursive: true }));
    }
  }

  /** The path of a blob's stamp. */
  stampPath(digest: Digest): string {
    return join(this.stamps, digestHex(digest));
  }

  /** Notes that a blob's bytes are known to be right as the file is now. */
  async stamp(digest: Digest, info: Deno.FileInfo): Promise<void> {
    const text = new TextEncoder().encode(stampOf(info));
    await writeFileAtomic(this.stampPath(digest), text, { durable: false });
  }

  /** Notes that a sound blob was linked, which moves its ctime; not if anything else about it changed. */
  async restamp(digest: Digest, before: Deno.FileInfo): Promise<void> {
    const info = maybeLstat(this.directory.pathOf(digest));
    if (info === undefined || stampOf(info) === stampOf(before)) return;
    const { size, dev, ino, mtime } = info;
    const same = size === before.size && dev === before.dev && ino === before.ino &&
      mtime?.getTime() === before.mtime?.getTime();
    if (same) await this.stamp(digest, info);
  }

  /**
   * Whether a blob exists and is intact; marks it as used. A damaged blob is removed and reported. The bytes
   * are read only if the file does not match its stamp.
   */
  async use(digest: Digest, size: number): Promise<boolean> {
    const path = this.directory.pathOf(digest);
    const info = maybeLstat(path);
    if (info === undefined) return false;
    if (!info.isFile || info.size !== size) {
      return await this.#drop(
        digest,
        info.isFile ? `has ${info.size} bytes, ${size} expected` : "is no file",
      );
    }
    if (await this.#useStamp(digest, stampOf(info))) return true;
    const actual = await this.#hash(path);
    if (actual === undefined) return false;
    if (actual !== digest) return await this.#drop(digest, "was changed");
    await this.stamp(digest, info);
    return true;
  }

  /** Touches the stamp while no prune can remove the blob; `false` if it is another or none. */
  async #useStamp(digest: Digest, expected: string): Promise<boolean> {
    const path = this.stampPath(digest);
    try {
      using file = Deno.openSync(path, { read: true, write: true });
      await lockShared(file);
      const buffer = new Uint8Array(512);
      const read = file.readSync(buffer) ?? 0;
      if (new TextDecoder().decode(buffer.subarray(0, read)) !== expected) return false;
      touch(path);
      return maybeLstat(this.directory.pathOf(digest)) !== undefined;
    } catch (error) {
      if (maybeSystemCode(error) === undefined) throw error;
      return false;
    }
  }

  async #hash(path: string): Promise<string | undefined> {
    try {
      using file = await Deno.open(path);
      const hash = new Sha256();
      const buffer = new Uint8Array(1024 * 1024);
      for (let read = await file.read(buffer); read !== null; read = await file.read(buffer)) {
        hash.update(buffer.subarray(0, read));
      }
      return `sha256:${await hash.hex()}`;
    } catch (error) {
      if (maybeSystemCode(error) === undefined) throw error;
      return undefined;
    }
  }

  async #drop(digest: Digest, why: string): Promise<false> {
    this.#onProblem(`Cached blob "${digest}" ${why}; it was removed and will be made again`);
    await this.#removeFiles(digest);
    return false;
  }

  async #removeFiles(digest: Digest): Promise<void> {
    await Deno.remove(this.directory.pathOf(digest), { recursive: false }).catch(() => {});
    await Deno.remove(this.stampPath(digest)).catch(() => {});
  }

  /** When a blob was last used: its stamp's mtime, else its own. */
  lastUsed(digest: Digest): Date {
    const info = maybeLstat(this.stampPath(digest)) ??
      maybeLstat(this.directory.pathOf(digest));
    return info?.mtime ?? new Date(0);
  }

  /**
   * Removes a blob for pruning unless it was used, also by another process just now.
   * @param lastUsed the value of {@linkcode lastUsed} when the removal was decided.
   * @returns whether it was removed.
   */
  async removeUnused(digest: Digest, lastUsed: Date): Promise<boolean> {
    try {
      using file = await Deno.open(this.stampPath(digest), { read: true, write: true });
      if (!await tryLock(file)) return false;
      if ((await file.stat()).mtime?.getTime() !== lastUsed.getTime()) return false;
      await this.#removeFiles(digest);
    } catch (error) {
      if (maybeSystemCode(error) === undefined) throw error;
      // No stamp: a run died between the blob and its stamp, or they are about to be written.
      if (this.lastUsed(digest).getTime() !== lastUsed.getTime()) return false;
      await this.#removeFiles(digest);
    }
    return maybeLstat(this.directory.pathOf(digest)) === undefined;
  }
}
