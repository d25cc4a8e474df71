import { assertEquals } from "@std/assert";
import { provide, type Step } from "../scripts/gate/set_up.ts";
import type { Part } from "./support/testbed/parts.ts";

const failing = (): Promise<never> => Promise.reject(new Error("unknown\n  certificate"));

async function outcomeOf(step: Omit<Step, "part">): Promise<readonly unknown[]> {
  const missing: Partial<Record<Part, string>> = {};
  const { outcome, reason } = await provide({ part: "mise", ...step }, missing);
  return [outcome, reason, missing.mise];
}

Deno.test("a part whose set-up fails is a failure, and no test is skipped for it in silence", async () => {
  assertEquals(await outcomeOf({ prepare: failing }), [
    "failed",
    "unknown certificate",
    undefined,
  ]);
  const excuse = (): Promise<undefined> => Promise.resolve(undefined);
  assertEquals((await outcomeOf({ prepare: failing, excuse }))[0], "failed");
});

Deno.test("a part that this machine cannot have by its nature is skipped with the reason", async () => {
  const prepare = (): Promise<void> => Promise.resolve();
  const reason = "no network: registry.example";
  assertEquals(await outcomeOf({ prepare }), ["ready", undefined, undefined]);
  const before = { prepare: failing, unavailable: () => "not amd64" };
  assertEquals(await outcomeOf(before), ["skipped", "not amd64", "not amd64"]);
  const after = { prepare: failing, excuse: () => Promise.resolve(reason) };
  assertEquals(await outcomeOf(after), ["skipped", reason, reason]);
});
