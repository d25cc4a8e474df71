import { assert, assertEquals } from "@std/assert";
import { startLateTimer } from "./late_timer.ts";

/** Milliseconds until it is called; something else keeps the process alive meanwhile. */
async function timed(milliseconds: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const alive = setInterval(() => {}, 1000);
  const start = performance.now();
  startLateTimer(milliseconds, resolve);
  await promise;
  clearInterval(alive);
  return performance.now() - start;
}

Deno.test("a late timer is on time, within its moment and after it", async () => {
  const times = [0, 100, 700, 1200];
  const passed = await Promise.all(times.map(timed));
  for (const [i, time] of times.entries()) {
    const late = (passed[i] ?? NaN) - time;
    assert(late > -5 && late < 500, `${time} ms took ${passed[i]}`);
  }
});

Deno.test("a late timer that is stopped is never called, whenever that is", async () => {
  const called: string[] = [];
  const stops = [10, 600, 800].map((time) => startLateTimer(time, () => called.push(`${time}`)));
  stops[0]?.();
  stops[1]?.();
  await timed(650); // The moment is over, and the third has a timer.
  stops[2]?.();
  await timed(250);
  assertEquals(called, []);
});

Deno.test("late timers of any number share one wait", async () => {
  const stops = Array.from({ length: 10_000 }, () => startLateTimer(30_000, () => {}));
  for (const stop of stops) stop();
  assert(await timed(510) < 1_500);
});
