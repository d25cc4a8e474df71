/**
 * Writes the part of bench/RUNS.md about tools: an image of tools of every family that mise has on each base,
 * every command of it started in containers as several users, beside what `mise-oci check` says.
 *
 *     deno run -A bench/toolset.ts
 *
 * @module
 */
import { startPodman } from "../tests/support/testbed.ts";
import { TOOLSET_BASES } from "../tests/support/toolset/bases.ts";
import { makeToolset, type Toolset } from "../tests/support/toolset/toolset.ts";
import {
  isFalseBad,
  isFalseGood,
  startToolsHere,
  type ToolsetChoice,
  type ToolsetTrial,
  type ToolsetUser,
  tryToolset,
  USERS,
} from "../tests/support/toolset/trials.ts";
import { writeRuns } from "./runs.ts";

const USER_NAMES = Object.keys(USERS) as ToolsetUser[];

/** `good`, `part` or `bad`, and how it differs from what happened. */
function word(trial: ToolsetTrial): string {
  if (trial.onHost === true) return "own fault";
  const said = trial.verdict === undefined ? "good" : trial.severity === "part" ? "part" : "bad";
  if (isFalseGood(trial) || isFalseBad(trial)) {
    return `**said ${said}, was ${trial.failure === undefined ? "good" : "bad"}**`;
  }
  return said;
}

/** One word if all users agree. */
function cell(trials: readonly ToolsetTrial[]): string {
  const words = trials.map((trial) => [trial.user, word(trial)] as const);
  const [first] = words;
  if (words.every(([, one]) => one === first?.[1])) return first?.[1] ?? "";
  return words.map(([user, one]) => `${user}: ${one}`).join(", ");
}

function percent(part: number, all: number): string {
  return `${part} (${(100 * part / Math.max(all, 1)).toFixed(1)} %)`;
}

/** What was tried with the host's path in the image, as a sentence. */
function linkedReport(trials: readonly ToolsetTrial[]): string {
  const commands = [...new Set(trials.map(({ command }) => command))].sort();
  const started = commands.filter((command) =>
    trials.every((trial) => trial.command !== command || trial.failure === undefined)
  );
  return `With \`host_links = true\` on Debian (families ${
    LINKED.join(", ")
  }): ${trials.length} starts of ${commands.length} commands; started by every user: ${
    started.join(", ")
  }. Called good and did not start: **${
    trials.filter(isFalseGood).length
  }**. Called bad and started: **${trials.filter(isFalseBad).length}**.`;
}

function report(
  { families, left }: Toolset,
  trials: readonly ToolsetTrial[],
  linked: readonly ToolsetTrial[],
): string {
  const commands = [...new Set(trials.map(({ command }) => command))].sort();
  const tools = Object.values(families).flat().length;
  const bad = trials.filter(({ severity }) => severity === "start").length;
  const dead = trials.filter(({ failure }) => failure !== undefined).length;
  const rows = commands.map((command) => {
    const cells = TOOLSET_BASES.map((base) =>
      cell(trials.filter((trial) => trial.command === command && trial.base === base))
    );
    return `| ${command} | ${cells.join(" | ")} |`;
  });
  const missing = Object.entries(left).map(([name, why]) => `- ${name}: not tried, ${why}`);
  return `# Tools of every family, each command started

Made by \`deno run -A bench/toolset.ts\`. One image of all tools for each base, started by podman with \`--network none\` as root,
as uid 1000 and as root with \`--read-only --read-only-tmpfs=false\`; a static program starts each command of the tools (and mise)
with \`--version\`. \`good\`: the check says nothing and it started. \`bad\`: the check says that it does not start, and it did
not. \`part\`: the check says what of it cannot work; whether it starts decides nothing. A command that says which of its
modules, files or programs is missing did not start. \`own fault\`: it fails in the same way on the machine where it was installed.

${tools} lines of [tools], ${commands.length} commands, ${TOOLSET_BASES.length} bases, ${USER_NAMES.length} users: ${trials.length} starts, of which ${dead} failed and
${bad} were called bad. Called good and did not start: **${
    trials.filter(isFalseGood).length
  }**. Called bad and started: **${percent(trials.filter(isFalseBad).length, bad)}**.

${linkedReport(linked)}

| family | tools |
| --- | --- |
${
    Object.entries(families).map(([name, lines]) =>
      `| ${name} | ${lines.map((line) => line.split(" = ")[0]?.replaceAll('"', "")).join(", ")} |`
    ).join("\n")
  }

${missing.join("\n")}

| command | ${TOOLSET_BASES.join(" | ")} |
| --- | ${TOOLSET_BASES.map(() => "---").join(" | ")} |
${rows.join("\n")}
`;
}

/** Families that are also tried where the host's path leads to the tools: Ruby has it compiled in. */
const LINKED = ["ruby (compiled here)", "gem"];

const trials: ToolsetTrial[] = [];
const linked: ToolsetTrial[] = [];
await using podman = await startPodman();
const here = await startToolsHere();

/** Tries one image, and says at once what was said wrongly. */
async function tryOne(
  choice: Omit<ToolsetChoice, "users" | "here">,
): Promise<readonly ToolsetTrial[]> {
  const tried = await tryToolset(podman, { ...choice, users: USER_NAMES, here });
  for (const one of tried.filter((trial) => isFalseGood(trial) || isFalseBad(trial))) {
    // deno-lint-ignore no-console
    console.error(
      `${choice.base}, ${one.user}: ${one.command}: ${word(one)}: ${one.failure ?? one.verdict}`,
    );
  }
  return tried;
}

for (const base of TOOLSET_BASES) trials.push(...await tryOne({ base }));
linked.push(...await tryOne({ base: "Debian", families: LINKED, hostLinks: true }));
await writeRuns("tools", report(await makeToolset(), trials, linked));
