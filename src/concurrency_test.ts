import { assert, assertEquals, assertRejects } from "@std/assert";
import { mapConcurrently, runConcurrently, Semaphore } from "./concurrency.ts";

Deno.test("mapConcurrently() keeps the order of results and never runs more than the limit", async () => {
  let running = 0;
  let most = 0;
  const results = await mapConcurrently([5, 1, 4, 2, 3], { limit: 2 }, async (item) => {
    most = Math.max(most, ++running);
    for (let turn = 0; turn < item; turn++) await Promise.resolve();
    running--;
    return item * 10;
  });
  assertEquals(results, [50, 10, 40, 20, 30]);
  assertEquals(most, 2);
});

Deno.test("mapConcurrently() begins nothing after a failure and throws once the rest has ended", async () => {
  const begun: number[] = [];
  const stopped: number[] = [];
  let ended = 0;
  const run = mapConcurrently([1, 2, 3, 4], { limit: 2 }, async (item, signal) => {
    begun.push(item);
    signal.addEventListener("abort", () => stopped.push(item));
    await Promise.resolve();
    if (item === 1) throw new Error("first");
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    ended++;
  });
  await assertRejects(() => run, Error, "first");
  assertEquals([begun, ended, stopped], [[1, 2], 1, [1, 2]]);
  assert(begun.length < 4);
});

Deno.test("mapConcurrently() begins nothing after its signal is aborted, and throws the reason", async () => {
  const stop = new AbortController();
  const begun: number[] = [];
  const run = mapConcurrently([1, 2, 3], { limit: 1, signal: stop.signal }, (item) => {
    begun.push(item);
    stop.abort(new Error("stopped"));
    return Promise.resolve();
  });
  await assertRejects(() => run, Error, "stopped");
  assertEquals(begun, [1]);
});

Deno.test("runConcurrently() gives the results of jobs in their order", async () => {
  const jobs = [3, 1, 2].map((n) => () => Promise.resolve(n));
  assertEquals(await runConcurrently(jobs, { limit: 2 }), [3, 1, 2]);
});

/** Notes a name when a permit is given. */
function ask(semaphore: Semaphore, got: string[], name: string, spare = 0): Promise<void> {
  return semaphore.acquire(undefined, spare).then(() => void got.push(name));
}

/** Lets everything run that can. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("Semaphore gives permits in the order in which they are asked for", async () => {
  const semaphore = new Semaphore(1);
  const got: string[] = [];
  for (const name of ["a", "b", "c"]) ask(semaphore, got, name);
  await settle();
  assertEquals(got, ["a"]);
  semaphore.release();
  semaphore.release();
  await settle();
  assertEquals(got, ["a", "b", "c"]);
});

Deno.test("Semaphore leaves permits free for others if asked to, and serves the others first", async () => {
  const semaphore = new Semaphore(3);
  const got: string[] = [];
  for (const name of ["patient 1", "patient 2"]) ask(semaphore, got, name, 2);
  await settle();
  assertEquals(got, ["patient 1"]);
  for (const name of ["a", "b", "c"]) ask(semaphore, got, name);
  await settle();
  assertEquals(got, ["patient 1", "a", "b"]);
  semaphore.release();
  await settle();
  assertEquals(got, ["patient 1", "a", "b", "c"]);
  // Two are free, which are to stay so.
  semaphore.release();
  semaphore.release();
  await settle();
  assertEquals(got.length, 4);
  semaphore.release();
  await settle();
  assertEquals(got, ["patient 1", "a", "b", "c", "patient 2"]);
});

Deno.test("Semaphore forgets a caller that stopped waiting, and fails all when told to", async () => {
  const semaphore = new Semaphore(0);
  const stop = new AbortController();
  const stopped = semaphore.acquire(stop.signal);
  const waiting = semaphore.acquire();
  stop.abort(new Error("stopped"));
  await assertRejects(() => stopped, Error, "stopped");
  semaphore.release();
  await waiting;
  const failing = semaphore.acquire();
  semaphore.fail(new Error("broken"));
  await assertRejects(() => failing, Error, "broken");
  await assertRejects(() => semaphore.acquire(), Error, "broken");
});
