import { assert, assertEquals } from "@std/assert";
import { type CompressionPool, createCompressionPool, type PoolClient } from "./pool.ts";

const LENGTH = 200_000;

/** Compresses a block of zeros and notes a name when it is done. */
async function compress(
  pool: CompressionPool,
  client: PoolClient,
  done: string[],
  name: string,
): Promise<void> {
  const buffer = await pool.acquire(client);
  const start = pool.parameters.dictionary;
  const job = { kind: "gzip", level: 5, start, end: start + LENGTH, dictionary: 0 } as const;
  const block = await pool.compress(client, buffer, { ...job, last: false });
  assert(block.bytes.length < LENGTH / 100);
  done.push(name);
  pool.release(block.buffer);
}

Deno.test("blocks of a layer that yields wait while other layers have some", async () => {
  await using pool = createCompressionPool({ compression: { kind: "gzip" }, workers: 1 });
  const [large, small] = [pool.join({ yields: true }), pool.join()];
  const done: string[] = [];
  const first = ["large 1", "large 2", "large 3"].map((name) => compress(pool, large, done, name));
  // The worker has two of them by now.
  await Promise.resolve();
  await Promise.resolve();
  const rest = ["small 1", "small 2"].map((name) => compress(pool, small, done, name));
  await Promise.all([...first, ...rest]);
  assertEquals(done, ["large 1", "large 2", "small 1", "small 2", "large 3"]);
  assertEquals(pool.started, 1);
});

Deno.test("a second worker is started rather than that one gets two blocks", async () => {
  await using pool = createCompressionPool({ compression: { kind: "gzip" }, workers: 2 });
  const client = pool.join();
  const done: string[] = [];
  const both = ["a", "b"].map((name) => compress(pool, client, done, name));
  await Promise.resolve();
  await Promise.resolve();
  assertEquals(pool.started, 2);
  await Promise.all(both);
  assertEquals(done.sort(), ["a", "b"]);
});
