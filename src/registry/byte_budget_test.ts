import { assertEquals, assertRejects } from "@std/assert";
import { ByteBudget } from "./byte_budget.ts";

/** Lets everything that can go on go on. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("ByteBudget hands out no more than its total, in order of asking", async () => {
  const budget = new ByteBudget(10);
  const served: string[] = [];
  const ask = async (name: string, bytes: number): Promise<() => void> => {
    const release = await budget.take(bytes);
    served.push(name);
    return release;
  };
  const a = ask("a", 6);
  const b = ask("b", 6);
  const c = ask("c", 4);
  await settle();
  assertEquals(served, ["a"]);
  (await a)();
  await settle();
  assertEquals(served, ["a", "b", "c"]);
  (await b)();
  (await c)();
});

Deno.test("ByteBudget serves more than its total only alone", async () => {
  const budget = new ByteBudget(10);
  const small = await budget.take(1);
  let served = false;
  const large = budget.take(100).then((release) => {
    served = true;
    return release;
  });
  await settle();
  assertEquals(served, false);
  small();
  const release = await large;
  const next = budget.take(1);
  release();
  (await next)();
});

Deno.test("ByteBudget lets a waiter go whose signal is aborted, and serves those behind it", async () => {
  const budget = new ByteBudget(10);
  const held = await budget.take(5);
  const controller = new AbortController();
  const large = budget.take(10, controller.signal);
  const small = budget.take(5);
  controller.abort(new Error("stop"));
  await assertRejects(() => large, Error, "stop");
  (await small)();
  held();
  await assertRejects(() => budget.take(1, controller.signal), Error, "stop");
});
