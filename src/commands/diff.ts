/**
 * `mise-oci diff`: why two images differ.
 * @module
 */
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, switchFlag } from "./flag.ts";
import { given, PLATFORM_FLAG } from "./flags/build.ts";
import { parseImage } from "./values/image.ts";

const printModule = () => import("./print/diff.ts");

const FLAGS = {
  files: switchFlag({ help: "Also list the differing files of tools with another version" }),
  packages: switchFlag({
    help: "Compare packages even if that requires reading layers, as sbom does",
  }),
  "exit-code": switchFlag({ help: "Exit with 1 if the images differ" }),
  ...PLATFORM_FLAG,
} as const satisfies FlagTable;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, globals, positionals } = input;
  const { diffOutput } = await printModule();
  const [a = "", b = ""] = positionals;
  const result = await context.workflows.diffImages({
    a: parseImage(a, context.place),
    b: parseImage(b, context.place),
    directory: context.place.resolve("."),
    files: flags.files,
    packages: flags.packages,
    ...given("platform", flags.platform),
  }, context);
  const options = { quiet: globals.quiet, verbose: globals.verbose > 0, asked: [a, b] } as const;
  context.print(diffOutput(result, options));
  return flags["exit-code"] && !result.identical ? 1 : 0;
}

/** The command. */
export const diff: Command = defineCommand({
  name: "diff",
  summary: "Show why two images differ, and how much a pull of the second downloads",
  description: [
    "A and B are images in the same forms as for inspect. Only names of environment variables are shown, as their " +
    "values may be secrets.",
    "If a layer has the same version but different content, its differing files are listed; -v lists all. " +
    "With --quiet, only the names of the differences are printed.",
    "Packages that were added, removed or updated are listed if an earlier sbom has read all layers, " +
    "or with --packages.",
  ],
  flags: FLAGS,
  positionals: [
    { name: "A", help: "The image before", completes: "image" },
    { name: "B", help: "The image after", completes: "image" },
  ],
  examples: [
    {
      text: "What a release changed",
      command: "mise-oci diff ghcr.io/team/app:v1 ghcr.io/team/app:v2",
    },
    {
      text: "Check that the pushed image is the one built here",
      command: "mise-oci diff --exit-code ghcr.io/team/app:v1 ./mise-oci",
    },
  ],
  run,
});
