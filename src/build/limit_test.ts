import { assert, assertEquals, assertRejects } from "@std/assert";
import { mapLimited } from "./limit.ts";

Deno.test("mapLimited() keeps the order of results and never runs more than the limit", async () => {
  let running = 0;
  let most = 0;
  const results = await mapLimited([5, 1, 4, 2, 3], { limit: 2 }, async (item) => {
    most = Math.max(most, ++running);
    for (let turn = 0; turn < item; turn++) await Promise.resolve();
    running--;
    return item * 10;
  });
  assertEquals(results, [50, 10, 40, 20, 30]);
  assertEquals(most, 2);
});

Deno.test("mapLimited() begins nothing after a failure and throws once the rest has ended", async () => {
  const begun: number[] = [];
  let ended = 0;
  let told = 0;
  const run = mapLimited([1, 2, 3, 4], { limit: 2, onFailure: () => told++ }, async (item) => {
    begun.push(item);
    await Promise.resolve();
    if (item === 1) throw new Error("first");
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    ended++;
  });
  await assertRejects(() => run, Error, "first");
  assertEquals([begun, ended, told], [[1, 2], 1, 1]);
  assert(begun.length < 4);
});
