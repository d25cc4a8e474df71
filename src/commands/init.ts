/**
 * `mise-oci init`: writes `[oci]`.
 * @module
 */
import { DEFAULT_FROM } from "../oci/image_source.ts";
import { MANAGER_NAMES, packageManager } from "../oci/package_managers.ts";
import { parseImageName } from "../oci/reference.ts";
import { escapeLine } from "../ui/text.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, switchFlag, valueFlag } from "./flag.ts";
import { given } from "./flags/build.ts";
import { parseName } from "./values/numbers.ts";

const OTHER_BASES = MANAGER_NAMES.flatMap((name) => {
  const { base } = packageManager(name);
  return base === DEFAULT_FROM ? [] : `${base} for a project with packages of ${name}`;
});

const FLAGS = {
  from: valueFlag({
    valueName: "IMAGE",
    defaultText: [DEFAULT_FROM, ...OTHER_BASES].join(", or "),
    help: "Base image",
    parse: parseName,
  }),
  tag: valueFlag({
    short: "t",
    valueName: "REF",
    help: "Name of the image; omitted by default",
    parse: parseImageName,
  }),
  check: switchFlag({ help: "Write nothing; exit code 1 if something is missing" }),
} as const satisfies FlagTable;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags: { from, tag, check } } = input;
  const directory = context.place.resolve(".");
  const result = await context.workflows.initProject({
    directory,
    check,
    ...given("from", from),
    ...given("tag", tag),
  });
  const { file, existed, added } = result;
  const lines = Object.entries(added).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  const isDone = lines.length === 0;
  context.print({
    text: () => {
      if (isDone) return `[oci] of ${escapeLine(file)} is complete\n`;
      const what = check ? "Missing in" : "Added to";
      return `${what} [oci] of ${escapeLine(file)}: ${escapeLine(lines.join(", "))}\n` +
        (check ? "" : `Next: ${existed ? "" : "mise trust, then "}mise-oci build\n`);
    },
    json: () => ({ ...result, written: !isDone && !check }),
  });
  return check && !isDone ? 1 : 0;
}

/** The command. */
export const init: Command = defineCommand({
  name: "init",
  summary: "Add the settings that [oci] of mise.toml lacks",
  description: [
    "Never prompts. Existing settings and the formatting of the file are kept; a second run " +
    "changes nothing.",
  ],
  flags: FLAGS,
  examples: [
    { text: "From a directory to an image", command: "mise-oci init && mise-oci build" },
    { text: "In CI: check that it was run", command: "mise-oci init --check" },
  ],
  run,
});
