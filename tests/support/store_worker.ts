/**
 * The other process in this folder's tests. Says `ready` on stdout when it is where the test wants it,
 * then waits for a line (or the end) of stdin.
 */
import { MiseOciError } from "../../src/errors.ts";
import { parseDigest } from "../../src/oci/mod.ts";
import { acquireLock, createLayout, openCache } from "../../src/store/mod.ts";
import { writeImage } from "./store_fixtures.ts";

async function ready(): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode("ready\n"));
  await Deno.stdin.read(new Uint8Array(16));
}

const WORKERS: Readonly<Record<string, (args: readonly string[]) => Promise<unknown>>> = {
  /** Holds a lock. */
  lock: async ([path = ""]) => {
    await using _lock = await acquireLock(path);
    await ready();
  },
  /** Is in the middle of a blob. */
  blob: async ([dir = ""]) => {
    const writer = await (await createLayout(dir)).create();
    await writer.write(new Uint8Array(1000));
    await ready();
    await writer.abort();
  },
  /** Builds an image when told to. */
  build: async ([dir = "", tag = ""]) => {
    await ready();
    const layout = await createLayout(dir);
    await layout.setTag(await writeImage(layout, `image ${tag}`), tag);
  },
  /** Writes blobs of one MiB until something is wrong. */
  fill: async ([dir = "", count = "64"]) => {
    const layout = await createLayout(dir);
    const writer = await layout.create();
    for (let i = 0; i < Number(count); i++) await writer.write(new Uint8Array(1024 * 1024).fill(i));
    await writer.commit();
  },
  /** Begins many blobs at once. */
  many: async ([dir = "", count = ""]) => {
    const layout = await createLayout(dir);
    const writers = [];
    try {
      for (let i = 0; i < Number(count); i++) writers.push(await layout.create());
    } finally {
      await Promise.all(writers.map((writer) => writer.abort()));
    }
  },
  /** Puts the same bytes into a cache when told to. */
  put: async ([dir = ""]) => {
    const cache = await openCache(dir);
    await ready();
    for (let i = 0; i < 5; i++) {
      const writer = await cache.create();
      for (let part = 0; part < 8; part++) await writer.write(new Uint8Array(65536).fill(part));
      await writer.commit();
    }
  },
  /** Holds a lease on a cache, having used one of its blobs. */
  lease: async ([dir = "", digest = "", size = ""]) => {
    const cache = await openCache(dir);
    const lease = await cache.lease();
    if (!await cache.has(parseDigest(digest), Number(size))) throw new Error("not there");
    await ready();
    await lease.release();
  },
};

if (import.meta.main) {
  const [name = "", ...args] = Deno.args;
  try {
    await WORKERS[name]?.(args);
  } catch (error) {
    if (!(error instanceof MiseOciError)) throw error;
    await Deno.stderr.write(new TextEncoder().encode(`${error.code}: ${error.message}\n`));
    Deno.exit(1);
  }
}
