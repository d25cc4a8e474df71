/**
 * What is made once and kept in the user's cache, under the hash of what makes it: shared by every clone and
 * made again when the code that makes it changes.
 * @module
 */
import { createHash } from "node:crypto";
import { dirname, join } from "@std/path";
import { exists, removeTree } from "./command.ts";
import { TESTBED } from "./paths.ts";

/** Something that is kept. */
export interface KeptPart {
  /** Name of its directory without the hash; may have directories in it. */
  readonly name: string;
  /** Files, as `import.meta.url` or as absolute paths, whose text decides what it is. Default: none. */
  readonly sources?: readonly string[];
  /** What else decides it: a platform, a release. */
  readonly also?: string;
}

/** A version of a part that nobody used for so long goes when another one is made, in milliseconds. */
const UNUSED = 14 * 24 * 60 * 60_000;
const DAY = 24 * 60 * 60_000;

/** Absolute path of a part, whether it is made or not. */
export function keptPath({ name, sources = [], also = "" }: KeptPart): string {
  if (sources.length === 0 && also === "") return join(TESTBED, name);
  const hash = createHash("sha256").update(also);
  for (const source of sources) {
    const text = Deno.readTextFileSync(source.startsWith("file:") ? new URL(source) : source);
    hash.update("\0").update(text);
  }
  return join(TESTBED, `${name}-${hash.digest("hex").slice(0, 12)}`);
}

/**
 * Runs `action` while no other process holds the lock of the same name; a process that died holds none.
 * @param parent the directory of the locks is below it. Default: the testbed.
 */
export async function withLock<T>(
  name: string,
  action: () => Promise<T>,
  parent = TESTBED,
): Promise<T> {
  const directory = join(parent, "locks");
  await Deno.mkdir(directory, { recursive: true });
  using file = await Deno.open(join(directory, name.replaceAll("/", "_")), {
    create: true,
    write: true,
  });
  await file.lock(true);
  return await action();
}

/** Removes other versions of a part that nobody used for long. */
async function removeUnused(path: string): Promise<void> {
  const stem = /^(.*)-[0-9a-f]{12}$/.exec(path)?.[1];
  if (stem === undefined || !stem.startsWith(`${TESTBED}/`)) return;
  for (const { name } of [...Deno.readDirSync(dirname(path))]) {
    const other = join(dirname(path), name);
    if (/^(.*)-[0-9a-f]{12}$/.exec(other)?.[1] !== stem || other === path) continue;
    const { mtime } = await Deno.stat(other);
    if (Date.now() - (mtime?.getTime() ?? 0) > UNUSED) await removeTree(other);
  }
}

/** Notes that a part is in use. */
async function touch(path: string): Promise<void> {
  const { mtime } = await Deno.stat(path);
  const now = Date.now();
  if (now - (mtime?.getTime() ?? 0) > DAY) await Deno.utime(path, now / 1000, now / 1000);
}

/**
 * The absolute path of a part. Made by `make` in a temporary directory beside it and renamed when complete;
 * made once, however many processes of however many clones ask.
 */
export async function cached(
  part: KeptPart,
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const final = keptPath(part);
  if (await exists(final)) {
    await touch(final);
    return final;
  }
  return await withLock(final.slice(TESTBED.length + 1), async () => {
    if (await exists(final)) return final;
    const partial = `${final}.partial`;
    await removeTree(partial);
    await Deno.mkdir(partial, { recursive: true });
    await make(partial);
    await Deno.rename(partial, final);
    await removeUnused(final);
    return final;
  });
}
