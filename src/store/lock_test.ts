import { resolveImage } from "../image/mod.ts";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { inTempDir, rejected, startWorker, tree } from "../../tests/support/store_fixtures.ts";
import { acquireLock, openLayout, withLock } from "./mod.ts";

Deno.test("D07: the second holder waits, is told who holds the lock, and gets it", () =>
  inTempDir(async (dir) => {
    const worker = startWorker(["lock", `${dir}/lock`]);
    await worker.ready;
    const waits: string[] = [];
    const lock = acquireLock(`${dir}/lock`, {
      onWait: ({ holder }) => {
        waits.push(holder);
        void worker.proceed();
      },
    });
    await (await lock).release();
    assertEquals(waits.length, 1);
    assertStringIncludes(waits[0] ?? "", "process ");
    await worker.done;
    assertEquals(await tree(dir), []);
  }));

Deno.test("D07: waiting ends with an error after the timeout, naming the holder", () =>
  inTempDir(async (dir) => {
    await using lock = await acquireLock(`${dir}/lock`);
    const error = await rejected(acquireLock(`${dir}/lock`, { timeoutMs: 20 }));
    assertEquals(error.code, "io");
    assertStringIncludes(error.message, `held by process ${Deno.pid}`);
    await lock.release();
    await withLock(`${dir}/lock`, () => Promise.resolve(), { timeoutMs: 0 });
  }));

Deno.test("waiting ends when the signal is aborted", () =>
  inTempDir(async (dir) => {
    await using _lock = await acquireLock(`${dir}/lock`);
    const controller = new AbortController();
    const reason = new Error("stop");
    const waiting = acquireLock(`${dir}/lock`, {
      signal: controller.signal,
      onWait: () => controller.abort(reason),
    });
    assertEquals(await waiting.catch((error) => error), reason);
  }));

Deno.test("D16: a lock is free at once when its holder is killed", () =>
  inTempDir(async (dir) => {
    const worker = startWorker(["lock", `${dir}/lock`]);
    await worker.ready;
    await worker.kill();
    assertEquals(await tree(dir), ["lock"]);
    const lock = await acquireLock(`${dir}/lock`, { timeoutMs: 0 });
    await lock.release();
    assertEquals(await tree(dir), []);
  }));

Deno.test("many holders in turn never hold a lock together", () =>
  inTempDir(async (dir) => {
    let holders = 0;
    let most = 0;
    await Promise.all(Array.from({ length: 12 }, () =>
      withLock(`${dir}/lock`, async () => {
        most = Math.max(most, ++holders);
        await Promise.resolve();
        holders--;
      })));
    assertEquals(most, 1);
  }));

Deno.test("D07: builds into one layout at once all end up in it", () =>
  inTempDir(async (dir) => {
    const tags = ["a", "b", "c", "d"];
    const workers = tags.map((tag) => startWorker(["build", `${dir}/out`, tag]));
    await Promise.all(workers.map((worker) => worker.ready));
    await Promise.all(workers.map((worker) => worker.proceed()));
    for (const worker of workers) assertEquals(await worker.done, { code: 0, stderr: "" });
    const layout = await openLayout(`${dir}/out`);
    await layout.verify();
    for (const tag of tags) assertEquals((await resolveImage(layout, { tag })).tag, tag);
    assertEquals(
      (await tree(`${dir}/out`)).filter((name) => name.includes(".tmp-") || name.includes("lock")),
      [],
    );
  }));
