/**
 * `mise-oci doctor`: finds problems that would make other commands fail.
 * @module
 */
import { escapeLine, joinLines, wrap } from "../ui/text.ts";
import type { DoctorFinding } from "../workflow/doctor.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, inGroup, switchFlag } from "./flag.ts";
import { BUILD_FLAGS, buildRequest } from "./flags/build.ts";

const FLAGS = {
  ...inGroup("Doctor flags", {
    offline: switchFlag({ help: "Do not contact registries" }),
  }),
  ...BUILD_FLAGS,
} as const satisfies FlagTable;

const MARKS = { ok: "ok    ", note: "note  ", broken: "broken" } as const;

/** Width of the columns before a finding's text. */
const LEFT = 18;

function findingLines(
  { part, state, text, fix }: DoctorFinding,
  columns = Infinity,
): readonly string[] {
  const head = `${MARKS[state]}  ${part.padEnd(8)}  `;
  const lines = [escapeLine(text), ...(fix === undefined ? [] : [`fix: ${escapeLine(fix)}`])]
    .flatMap((line) => wrap(line, columns - LEFT));
  return lines.map((line, at) => (at === 0 ? head : " ".repeat(LEFT)) + line);
}

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { findings } = await context.workflows.diagnose({
    project: buildRequest(input, context),
    output: context.place.resolve("./mise-oci"),
    online: !input.flags.offline,
  }, context);
  const bad = findings.filter(({ state }) => state === "broken").length;
  const summary = bad === 0 ? "Nothing is broken" : `${bad} broken`;
  context.print({
    text: (columns) =>
      joinLines([
        ...findings.filter(({ state }) => !input.globals.quiet || state === "broken")
          .flatMap((finding) => findingLines(finding, columns)),
        ...(input.globals.quiet ? [] : ["", summary]),
      ], columns),
    json: () => ({ ok: bad === 0, findings }),
  });
  return bad === 0 ? 0 : 1;
}

/** The command. */
export const doctor: Command = defineCommand({
  name: "doctor",
  summary: "Find what would make other commands fail, and how to fix it",
  description: [
    "Checks mise, the project and its tools, the registries of its base and its tag and their " +
    "logins, the container engine, the cache, free space, and the output directory. Changes nothing.",
    "The exit code is 1 if something is broken.",
  ],
  flags: FLAGS,
  examples: [
    { text: "Check this machine and project", command: "mise-oci doctor" },
    { text: "Without a network, for a program", command: "mise-oci doctor --offline --json" },
  ],
  run,
});
