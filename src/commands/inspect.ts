/**
 * `mise-oci inspect`: what an image is made of.
 * @module
 */
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, valueFlag } from "./flag.ts";
import { given, PLATFORM_FLAG } from "./flags/build.ts";
import { IMAGE_FORMS, parseImage } from "./values/image.ts";
import { parseName } from "./values/numbers.ts";

const printModule = () => import("./print/inspect.ts");

const { group: _, ...platform } = PLATFORM_FLAG.platform;
const FLAGS = {
  html: valueFlag({
    valueName: "FILE",
    completes: "file",
    help: "Write a page with a map of the layers and files",
    parse: (text, place) => place.resolve(parseName(text)),
  }),
  platform,
} as const satisfies FlagTable;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, positionals } = input;
  const { inspectOutput } = await printModule();
  const result = await context.workflows.inspectImage({
    source: parseImage(positionals[0] ?? "./mise-oci", context.place),
    directory: context.place.resolve("."),
    ...given("platform", flags.platform),
    ...given("html", flags.html),
  }, context);
  context.print(inspectOutput(result, {
    quiet: input.globals.quiet,
    short: context.io.isTerminal("stdout"),
  }));
  return 0;
}

/** The command. */
export const inspect: Command = defineCommand({
  name: "inspect",
  summary: "Show what an image is made of",
  description: [
    IMAGE_FORMS + " Images of other builders work too.",
    "Layers are downloaded for --html only. With --quiet only the digest is printed.",
  ],
  flags: FLAGS,
  positionals: [{
    name: "IMAGE",
    help: "The image (default: ./mise-oci)",
    optional: true,
    completes: "file",
  }],
  examples: [
    { text: "The image that was just built", command: "mise-oci inspect" },
    { text: "An image of a registry", command: "mise-oci inspect ghcr.io/team/app:v1" },
    {
      text: "A map of its files, to open in a browser",
      command: "mise-oci inspect --html map.html",
    },
  ],
  run,
});
