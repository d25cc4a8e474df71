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
  files: switchFlag({ help: "List the files that differ of tools with another version too" }),
  packages: switchFlag({
    help: "Compare the packages even if layers have to be read for it, as sbom does",
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
  summary: "Show why two images differ and what a pull of the second costs",
  description: [
    "A and B are images as inspect takes them. Of environment variables only the names are shown: their " +
    "values may be secret.",
    "Of a layer with other content under the same version the files are listed; -v lists all of them. " +
    "With --quiet only the names of what differs are printed.",
    "Packages that were added, removed or bumped are listed if all layers are known from an sbom of before, " +
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
      text: "Whether what was built is what was pushed",
      command: "mise-oci diff --exit-code ghcr.io/team/app:v1 ./mise-oci",
    },
  ],
  run,
});
