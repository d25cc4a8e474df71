/**
 * `mise-oci pin`: writes digests and versions into the project's config.
 * @module
 */
import { escapeLine, joinLines } from "../ui/text.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, switchFlag } from "./flag.ts";
import { given } from "./flags/build.ts";

const FLAGS = {
  update: switchFlag({ help: "Update existing pins to the newest versions" }),
  "dry-run": switchFlag({ help: "Show what would be changed, without changing it" }),
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
    "The base in [oci] from gets the digest of its tag in addition; packages in [bootstrap.packages] with version " +
    "latest get the version available on that base. Comments, order and formatting of the files are kept.",
    "Packages are installed to find their versions, as in a build; this requires root on Linux.",
  ],
  flags: FLAGS,
  examples: [
    { text: "Pin everything that is not pinned", command: "mise-oci pin" },
    {
      text: "Update the pins, in a job that opens a pull request",
      command: "mise-oci pin --update",
    },
  ],
  run,
});
