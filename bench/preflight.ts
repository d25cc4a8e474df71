/**
 * Writes the table of bench/RUNS.md: what the preflight says of each program of the corpus on each base, and
 * what happened when it was started.
 *
 *     deno run -A bench/preflight.ts
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import { BASE_NAMES, whyNoCorpus } from "../tests/support/preflight/corpus.ts";
import { type Trial, tryBase } from "../tests/support/preflight/trial.ts";

const RUNS = fromFileUrl(new URL("RUNS.md", import.meta.url));

/** `good` or `bad`, and how it differs from what happened. */
function cell(trial: Trial | undefined): string {
  if (trial === undefined) return "";
  const said = trial.verdict === undefined ? "good" : "bad";
  const was = trial.failure === undefined ? "good" : "bad";
  return said === was ? said : `**said ${said}, was ${was}**`;
}

function document(trials: readonly Trial[]): string {
  const programs = [...new Set(trials.map(({ program }) => program))];
  const missed = trials.filter(({ verdict, failure }) =>
    verdict === undefined && failure !== undefined
  );
  const bad = trials.filter(({ verdict }) => verdict !== undefined);
  const alarms = bad.filter(({ failure }) => failure === undefined);
  const rows = programs.map((program) => {
    const cells = BASE_NAMES.map((base) =>
      cell(trials.find((trial) => trial.program === program && trial.base === base))
    );
    return `| ${program} | ${cells.join(" | ")} |`;
  });
  return `# Verdicts of the check, held against starting the programs

Made by \`deno run -A bench/preflight.ts\`: what [the check](../docs/preflight.md) says of each program on each
base, without running it, and what happens in a chroot there. \`good\` and \`bad\` mean that both agree.
d-: Debian's, c-: compiled for this, s-: scripts, l- and m-: links and modes; the others are from npm.

${programs.length} programs on ${BASE_NAMES.length} bases: ${trials.length} verdicts, ${bad.length} of them bad.
Called good and did not start: ${missed.length}. Called bad and started: ${alarms.length}.

| program | ${BASE_NAMES.join(" | ")} |
| --- | ${BASE_NAMES.map(() => "---").join(" | ")} |
${rows.join("\n")}
`;
}

const reason = whyNoCorpus();
if (reason !== undefined) throw new Error(`The corpus cannot be used here: ${reason}`);
const trials: Trial[] = [];
for (const base of BASE_NAMES) trials.push(...await tryBase(base));
await Deno.writeTextFile(RUNS, document(trials));
