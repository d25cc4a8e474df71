import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { BASE_NAMES, makeCorpus, whyNoCorpus } from "../support/preflight/corpus.ts";
import { type Trial, tryBase } from "../support/preflight/trial.ts";

const reason = whyNoCorpus();

/** Registers a test that needs the corpus; skipped, with the reason in its name, where that cannot be. */
function corpusTest(name: string, fn: (context: Deno.TestContext) => Promise<void>): void {
  const suffix = reason === undefined ? "" : ` (skipped: ${reason})`;
  Deno.test({ name: name + suffix, ignore: reason !== undefined, fn });
}

function describe(trials: readonly Trial[]): string {
  return trials.map(({ program, base, verdict, failure }) =>
    `${program} on ${base}: said ${verdict ?? "good"}, was ${failure ?? "good"}`
  ).join("\n");
}

corpusTest(
  "preflight: what is said of real programs on real bases is what happens",
  async (context) => {
    await makeCorpus();
    const trials: Trial[] = [];
    for (const base of BASE_NAMES) {
      await context.step(base, async () => {
        const found = await tryBase(base);
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
  },
);
