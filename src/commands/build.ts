/**
 * `mise-oci build`: writes an image layout.
 * @module
 */
import type { BuildRequest } from "../workflow/types.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, inGroup, switchFlag, valueFlag, valueFlagOr } from "./flag.ts";
import { BUILD_FLAGS, buildRequest, given } from "./flags/build.ts";
import { parseDirectory } from "./flags/image.ts";
import { parseTag } from "./values/build.ts";

const FLAGS = {
  ...inGroup("Output flags", {
    output: valueFlagOr("./mise-oci", {
      short: "o",
      valueName: "DIR",
      completes: "directory",
      help: "Directory of the image layout; other tags in it are kept",
      parse: parseDirectory,
    }),
    tag: valueFlag({
      short: "t",
      valueName: "REF",
      help: "Name of the image in the layout",
      parse: parseTag,
    }),
    "dry-run": switchFlag({ help: "Print what would be built and write nothing" }),
  }),
  ...BUILD_FLAGS,
} as const satisfies FlagTable;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const request: BuildRequest = {
    ...buildRequest(input, context),
    output: input.flags.output,
    ...given("tag", input.flags.tag),
  };
  const { planOutput, buildOutput } = await import("./print/build.ts");
  if (input.flags["dry-run"]) {
    context.print(planOutput(await context.workflows.planImage(request, context)));
  } else {
    const result = await context.workflows.buildImage(request, context);
    context.print(buildOutput(result, {
      quiet: input.globals.quiet,
      short: context.io.isTerminal("stdout"),
    }));
  }
  return 0;
}

/** The command. */
export const build: Command = defineCommand({
  name: "build",
  summary: "Build an image of the project's tools, one layer per tool",
  description: [
    "Writes an OCI image layout and prints its directory, the digest of the image manifest and its " +
    "layers. Layers that did not change are taken from the cache.",
    "With --quiet only the digest is printed.",
  ],
  flags: FLAGS,
  examples: [
    { text: "Build the project in this directory into ./mise-oci", command: "mise-oci build" },
    {
      text: "Choose base, name and place of the image",
      command: "mise-oci build --from ubuntu:24.04 -t example.com/team/app:v1 -o ./image",
    },
    {
      text: "Add the application to the tools, owned by user 1000",
      command: "mise-oci build --copy ./dist:/workspace/dist --owner 1000",
    },
    { text: "See what would be built", command: "mise-oci build --dry-run" },
    {
      text: "Use the digest in a script",
      command: "digest=$(mise-oci build --json | jq -r .digest)",
    },
  ],
  run,
});
