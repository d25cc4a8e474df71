/**
 * `mise-oci check`: finds the commands of an image that would not start, without running it.
 * @module
 */
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { given, PLATFORM_FLAG } from "./flags/build.ts";
import { IMAGE_FORMS, parseImage } from "./values/image.ts";

const printModule = () => import("./print/check.ts");

const FLAGS = PLATFORM_FLAG;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, globals, positionals } = input;
  const { checkOutput, passes } = await printModule();
  const result = await context.workflows.checkImage({
    source: parseImage(positionals[0] ?? "./mise-oci", context.place),
    directory: context.place.resolve("."),
    ...given("platform", flags.platform),
  }, context);
  context.print(checkOutput(result, { quiet: globals.quiet, verbose: globals.verbose > 0 }));
  return passes(result) ? 0 : 1;
}

/** The command. */
export const check: Command = defineCommand({
  name: "check",
  summary: "Find the commands of an image that would not start, without running it",
  description: [
    IMAGE_FORMS +
    " Images of other builders and platforms work too, and no container engine is needed.",
    "Checks every command on the image's PATH, its entrypoint and its default command: loaders, " +
    "libraries, symbol versions, architectures and #! lines, by the rules of the kernel, glibc and " +
    "musl.",
    "Also checks what commands open at run time: libraries of Python's, Ruby's and Node.js's " +
    "extension modules, targets of a tool's links, CA certificates, time zones and so on.",
    "The exit code is 1 if a command does not start, or a part of it cannot work. Problems of the base of " +
    "a mise-oci image, and of features that commands rarely use, are shown but not " +
    "counted.",
  ],
  flags: FLAGS,
  positionals: [{
    name: "IMAGE",
    help: "The image (default: ./mise-oci)",
    optional: true,
    completes: "image",
  }],
  examples: [
    { text: "Check the image that was built here", command: "mise-oci check" },
    {
      text: "Check an image in a registry for another platform",
      command: "mise-oci check --platform linux/arm64 debian:bookworm-slim",
    },
    {
      text: "Fail in CI, and keep the findings",
      command: "mise-oci check --json ./image > check.json",
    },
  ],
  run,
});
