import { assertEquals, assertRejects } from "@std/assert";
import { Slots } from "./slots.ts";

/** Notes a name when a place is given. */
function ask(slots: Slots, got: string[], name: string, spare = 0): Promise<void> {
  return slots.acquire(undefined, spare).then(() => void got.push(name));
}

/** Lets everything run that can. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("Slots gives places in the order in which they are asked for", async () => {
  const slots = new Slots(1);
  const got: string[] = [];
  for (const name of ["a", "b", "c"]) ask(slots, got, name);
  await settle();
  assertEquals(got, ["a"]);
  slots.release();
  slots.release();
  await settle();
  assertEquals(got, ["a", "b", "c"]);
});

Deno.test("Slots leaves places free for others if asked to, and serves the others first", async () => {
  const slots = new Slots(3);
  const got: string[] = [];
  for (const name of ["patient 1", "patient 2"]) ask(slots, got, name, 2);
  await settle();
  assertEquals(got, ["patient 1"]);
  for (const name of ["a", "b", "c"]) ask(slots, got, name);
  await settle();
  assertEquals(got, ["patient 1", "a", "b"]);
  slots.release();
  await settle();
  assertEquals(got, ["patient 1", "a", "b", "c"]);
  // Two are free, which are to stay so.
  slots.release();
  slots.release();
  await settle();
  assertEquals(got.length, 4);
  slots.release();
  await settle();
  assertEquals(got, ["patient 1", "a", "b", "c", "patient 2"]);
});

Deno.test("Slots forgets who has stopped waiting, and fails all when told to", async () => {
  const slots = new Slots(0);
  const stop = new AbortController();
  const stopped = slots.acquire(stop.signal);
  const waiting = slots.acquire();
  stop.abort(new Error("stopped"));
  await assertRejects(() => stopped, Error, "stopped");
  slots.release();
  await waiting;
  const failing = slots.acquire();
  slots.fail(new Error("broken"));
  await assertRejects(() => failing, Error, "broken");
  await assertRejects(() => slots.acquire(), Error, "broken");
});
