/**
 * What a build cannot do without, besides compressing: CPU time of this process for the calls alone.
 *
 *     deno run -P bench/floor.ts DIRECTORY…
 *
 * Of each file two `lstat`, and opening, reading in blocks of 1 MiB, and closing it, as the layer engine does
 * under the permissions of deno.json; and SHA-256 of what was read (the diff ID) and of a third as much again
 * (the digest of the blob).
 * @module
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import process from "node:process";

const BLOCK = new Uint8Array(1 << 20);
const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants;

/** Every regular file below a directory. */
function* filesBelow(directory: string): Generator<string> {
  for (const entry of Deno.readDirSync(directory)) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) yield* filesBelow(path);
    else if (entry.isFile) yield path;
  }
}

function read(path: string): number {
  Deno.lstatSync(path);
  const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  let bytes = 0;
  for (let count = 1; count > 0; bytes += count) {
    count = fs.readSync(fd, BLOCK, 0, BLOCK.length, null);
    if (count < BLOCK.length) {
      bytes += count;
      break;
    }
  }
  fs.closeSync(fd);
  Deno.lstatSync(path);
  return bytes;
}

/** Seconds of CPU that something takes. */
function cpu<T>(work: () => T): readonly [T, number] {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return [result, (user + system) / 1e6];
}

const files = Deno.args.flatMap((directory) => [...filesBelow(directory)]);
for (let round = 0; round < 3; round++) {
  const [bytes, reading] = cpu(() => files.reduce((sum, path) => sum + read(path), 0));
  const [, hashing] = cpu(() => {
    const hash = createHash("sha256");
    for (let left = bytes * 4 / 3; left > 0; left -= BLOCK.length) hash.update(BLOCK);
    hash.digest();
  });
  const text =
    `${files.length} files, ${Math.round(bytes / 1e6)} MB: reading ${reading.toFixed(2)} s, ` +
    `hashing ${hashing.toFixed(2)} s of CPU\n`;
  await Deno.stdout.write(new TextEncoder().encode(text));
}
