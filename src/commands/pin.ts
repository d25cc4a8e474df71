/**
 * `mise-oci pin`: digests and versions written into the project's config.
 * @module
 */
import { escapeLine, joinLines } from "../ui/text.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, switchFlag } from "./flag.ts";
import { given } from "./flags/build.ts";

const FLAGS = {
  update: switchFlag({ help: "Move pins that are there to what is newest" }),
  "dry-run": switchFlag({ help: "Say what would be changed and change nothing" }),
} as const satisfies FlagTable;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, globals } = input;
  const result = await context.workflows.pinProject({
    directory: context.place.resolve("."),
    update: flags.update,
    dryRun: flags["dry-run"],
    yes: globals.yes,
    ...given("miseEnv", globals.env),
    ...given("misePath", globals.mise),
  }, context);
  const verb = flags["dry-run"] ? "would pin" : "pinned";
  context.print({
    text: (columns) =>
      joinLines(
        result.changes.length === 0 ? globals.quiet ? [] : ["nothing to pin"] : result.changes.map(
          ({ file, key, from, to }) => escapeLine(`${verb} ${key} in ${file}: ${from} → ${to}`),
        ),
        columns,
      ),
    json: () => result,
  });
  return 0;
}

/** The command. */
export const pin: Command = defineCommand({
  name: "pin",
  summary: "Write the base's digest and the versions of system packages into the config",
  description: [
    "The base in [oci] from gets the digest of its tag beside it, packages in [bootstrap.packages] that say " +
    "latest get the version that they have on that base. Comments, order and formatting of the files stay.",
    "Packages are installed to find their versions, as a build does; that takes root on Linux.",
  ],
  flags: FLAGS,
  examples: [
    { text: "Pin what is open", command: "mise-oci pin" },
    {
      text: "Take over what is newest, in a job that opens a pull request",
      command: "mise-oci pin --update",
    },
  ],
  run,
});
