/**
 * What a build cannot do without, besides compressing: CPU time of this process for the calls alone.
 *
 *     deno run -P bench/floor.ts DIRECTORY…
 *
 * A build that changes nothing: listing the directories, and one `lstat` of everything in them. A cold build: of each
 * file two `lstat`, and opening, reading in blocks of 1 MiB, and closing it, as the layer engine does under the
 * permissions of deno.json; and SHA-256 of what was read (the diff ID) and of a third as much again (the digest of
 * the blob).
 * @module
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import process from "node:process";

const BLOCK = new Uint8Array(1 << 20);
const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants;

/** What is below a directory. */
interface Tree {
  readonly directories: string[];
  /** Regular files. */
  readonly files: string[];
  /** Everything. */
  readonly paths: string[];
}

function walk(directory: string, tree: Tree = { directories: [], files: [], paths: [] }): Tree {
  tree.directories.push(directory);
  for (const entry of Deno.readDirSync(directory)) {
    const path = `${directory}/${entry.name}`;
    tree.paths.push(path);
    if (entry.isDirectory) walk(path, tree);
    else if (entry.isFile) tree.files.push(path);
  }
  return tree;
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
function cpu<T>(work: () => T): readonly [T, string] {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return [result, `${((user + system) / 1e6).toFixed(2)} s`];
}

const { directories, files, paths } = Deno.args.map((root) => walk(root)).reduce((all, tree) => ({
  directories: [...all.directories, ...tree.directories],
  files: [...all.files, ...tree.files],
  paths: [...all.paths, ...tree.paths],
}));
for (let round = 0; round < 3; round++) {
  const [, listing] = cpu(() => directories.map((path) => [...Deno.readDirSync(path)].length));
  const [, asking] = cpu(() => paths.forEach((path) => void Deno.lstatSync(path)));
  const [bytes, reading] = cpu(() => files.reduce((sum, path) => sum + read(path), 0));
  const [, hashing] = cpu(() => {
    const hash = createHash("sha256");
    for (let left = bytes * 4 / 3; left > 0; left -= BLOCK.length) hash.update(BLOCK);
    hash.digest();
  });
  const text = `${files.length} files, ${Math.round(bytes / 1e6)} MB: listing ${listing}, ` +
    `lstat ${asking}; reading ${reading}, hashing ${hashing} of CPU\n`;
  await Deno.stdout.write(new TextEncoder().encode(text));
}
