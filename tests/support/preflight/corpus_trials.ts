/**
 * What `check` says of every program of the corpus is what happens when the program is started.
 * @module
 */
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { testUnless } from "../testbed/parts.ts";
import { BASE_NAMES } from "./bases.ts";
import { makeCorpus, whyNoCorpus } from "./corpus.ts";
import type { Architecture } from "./npm_programs.ts";
import { type Trial, tryBase } from "./trial.ts";

function describe(trials: readonly Trial[]): string {
  return trials.map(({ program, base, verdict, failure }) =>
    `${program} on ${base}: said ${verdict ?? "good"}, was ${failure ?? "good"}`
  ).join("\n");
}

async function tryAll(architecture: Architecture, context: Deno.TestContext): Promise<void> {
  await makeCorpus(architecture);
  const trials: Trial[] = [];
  for (const base of BASE_NAMES) {
    await context.step(base, async () => {
      const found = await tryBase(base, architecture);
      trials.push(...found);
      const missed = found.filter(({ verdict, failure }) =>
        verdict === undefined && failure !== undefined
      );
      assertEquals(describe(missed), "", "called good, and did not start");
      assertGreaterOrEqual(found.length, 40);
    });
  }
  const bad = trials.filter(({ verdict }) => verdict !== undefined);
  const wrong = bad.filter(({ failure }) => failure === undefined);
  assert(wrong.length <= bad.length * 0.02, describe(wrong));
  assertGreaterOrEqual(bad.length, 40);
  assertGreaterOrEqual(trials.length - bad.length, 40);
}

/** Registers the test of an architecture's programs on every base. */
export function testCorpus(architecture: Architecture): void {
  const name =
    `preflight: what is said of real programs for ${architecture} on real bases is what happens`;
  testUnless(
    whyNoCorpus(architecture),
    { needs: [], name },
    (context) => tryAll(architecture, context),
  );
}
