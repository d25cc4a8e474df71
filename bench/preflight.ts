/**
 * Writes bench/RUNS.md: what the preflight says of each program of the corpus on each base, what happened
 * when it was started, and what the check costs.
 *
 *     deno run -A bench/preflight.ts
 *
 * @module
 */
import { BASE_NAMES } from "../tests/support/preflight/bases.ts";
import { whyNoCorpus } from "../tests/support/preflight/corpus.ts";
import type { Architecture } from "../tests/support/preflight/npm_programs.ts";
import { type Trial, tryBase } from "../tests/support/preflight/trial.ts";
import { type CheckCosts, measureCosts } from "./preflight_cost.ts";
import { writeRuns } from "./runs.ts";

/** `good` or `bad`, and how it differs from what happened. */
function cell(trial: Trial | undefined): string {
  if (trial === undefined) return "";
  const said = trial.verdict === undefined ? "good" : "bad";
  const was = trial.failure === undefined ? "good" : "bad";
  return said === was ? said : `**said ${said}, was ${was}**`;
}

/** What was tried for an architecture, and the table. */
function section(architecture: Architecture, trials: readonly Trial[]): string {
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
  const how = architecture === "arm64" ? ", under qemu" : "";
  return `## ${architecture}${how}

${programs.length} programs on ${BASE_NAMES.length} bases: ${trials.length} verdicts, ${bad.length} of them bad.
Called good and did not start: ${missed.length}. Called bad and started: ${alarms.length}.

| program | ${BASE_NAMES.join(" | ")} |
| --- | ${BASE_NAMES.map(() => "---").join(" | ")} |
${rows.join("\n")}
`;
}

function costs(found: CheckCosts): string {
  const { coldWithout, coldWith, warmWithout, warmWith, command, large } = found;
  const seconds = (value: number): string => `${value.toFixed(2)} s`;
  const percent = (100 * (coldWith / coldWithout - 1)).toFixed(1);
  const size = `${large.size.toFixed(1)} GB in ${large.files} files`;
  return `## What it costs

Builds of the bench project on Debian, with the check and with \`--no-check\` in turn; medians. The list of a
base's programs comes from the reading that every first build on that base does, with \`--no-check\` too.

| | without | with | difference |
| --- | --- | --- | --- |
| cold build, CPU time | ${seconds(coldWithout)} | ${seconds(coldWith)} | ${percent} % |
| build with nothing to do, wall time | ${seconds(warmWithout)} | ${seconds(warmWith)} | ${
    seconds(warmWith - warmWithout)
  } |

\`mise-oci check\` of the image, the start of Deno included: ${
    seconds(command)
  }. Tools of ${size}, when nothing is
known of them: ${seconds(large.seconds)}.
`;
}

/** Every architecture that this machine can try. */
async function tryAll(): Promise<readonly string[]> {
  const sections: string[] = [];
  for (const architecture of ["amd64", "arm64"] as const) {
    const reason = whyNoCorpus(architecture);
    if (reason !== undefined && architecture === "arm64") {
      sections.push(`## arm64\n\nNot tried: ${reason}.\n`);
      continue;
    }
    if (reason !== undefined) throw new Error(`The corpus cannot be used here: ${reason}`);
    const trials: Trial[] = [];
    for (const base of BASE_NAMES) trials.push(...await tryBase(base, architecture));
    sections.push(section(architecture, trials));
  }
  return sections;
}

const INTRODUCTION = `# Verdicts of the check, held against starting the programs

Made by \`deno run -A bench/preflight.ts\`: what [the check](../docs/preflight.md) says of each program on each
base, without running it, and what happens in a chroot there. \`good\` and \`bad\` mean that both agree.
d-: Debian's, c-: compiled for this, p-: Debian's with something else in place of what they need, s-: scripts,
l- and m-: links and modes; the others are from npm.
`;

const sections = [INTRODUCTION, costs(await measureCosts()), ...await tryAll()];
await writeRuns("programs", sections.join("\n"));
