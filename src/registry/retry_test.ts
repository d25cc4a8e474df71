import { assertEquals, assertRejects } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { fakeClock } from "../../tests/support/faultreg/fake_clock.ts";
import { Attempts, maybeRetryAfter, systemClock } from "./retry.ts";

const NOW = Date.UTC(2026, 0, 1);

function parse(retryAfter: string | undefined, date?: string): number | undefined {
  const headers = new Headers();
  if (retryAfter !== undefined) headers.set("retry-after", retryAfter);
  if (date !== undefined) headers.set("date", date);
  return maybeRetryAfter(headers, NOW);
}

Deno.test("R01: maybeRetryAfter() reads seconds and dates, and nothing else", () => {
  assertEquals(parse("7"), 7000);
  assertEquals(parse(" 0 "), 0);
  assertEquals(parse("86400"), 86_400_000);
  assertEquals(parse("Thu, 01 Jan 2026 00:00:30 GMT"), 30_000);
  assertEquals(parse("Wed, 31 Dec 2025 00:00:30 GMT"), 0);
  for (
    const junk of [undefined, "", "soon", "-1", "1.5", "1e3", "9".repeat(40), "Thu, 99 Foo"]
  ) {
    assertEquals(parse(junk), undefined, junk);
  }
});

Deno.test("maybeRetryAfter() takes a date by the server's own clock", () => {
  assertEquals(parse("Thu, 01 Jan 2026 05:00:30 GMT", "Thu, 01 Jan 2026 05:00:00 GMT"), 30_000);
});

Deno.test("Attempts waits longer each time and gives up after the fifth", async () => {
  const clock = fakeClock();
  const attempts = new Attempts({ clock, random: () => 1 });
  const error = new MiseOciError("network", "Cannot reach it");
  for (let i = 0; i < 4; i++) await attempts.again({ error });
  assertEquals(clock.slept, [500, 1000, 2000, 4000]);
  assertEquals(await assertRejects(() => attempts.again({ error }), MiseOciError), error);
});

Deno.test("Attempts spreads its waits", async () => {
  const clock = fakeClock();
  const error = new MiseOciError("network", "Cannot reach it");
  await new Attempts({ clock, random: () => 0 }).again({ error });
  assertEquals(clock.slept, [250]);
});

Deno.test("systemClock.sleep() ends at once when it is aborted, and leaves no timer", async () => {
  const abort = new AbortController();
  const sleeping = systemClock.sleep(60_000, abort.signal);
  abort.abort(new Error("enough"));
  await assertRejects(() => sleeping, Error, "enough");
  await assertRejects(() => systemClock.sleep(60_000, abort.signal), Error, "enough");
});
