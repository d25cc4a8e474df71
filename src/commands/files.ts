/**
 * `mise-oci cat` and `mise-oci export`: read files of an image.
 * @module
 */
import { maybeCause, MiseOciError } from "../errors.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, valueFlag } from "./flag.ts";
import { given, PLATFORM_FLAG } from "./flags/build.ts";
import { IMAGE_FORMS, parseImage } from "./values/image.ts";
import { parseOtherOutput } from "./values/build.ts";

const FLAGS = {
  output: valueFlag({
    short: "o",
    valueName: "FILE",
    completes: "file",
    defaultText: "stdout",
    help: "Write to this file",
    parse: parseOtherOutput,
  }),
  ...PLATFORM_FLAG,
} as const satisfies FlagTable;

type ReadFilesRequest = Parameters<CommandContext["workflows"]["catFile"]>[0];

function filesRequest(
  { flags, positionals }: CommandInput<typeof FLAGS>,
  { place }: Pick<CommandContext, "place">,
): ReadFilesRequest {
  const [image = "", path = "/"] = positionals;
  return {
    source: parseImage(image, place),
    directory: place.resolve("."),
    path: path.startsWith("/") ? path : `/${path}`,
    ...given("platform", flags.platform),
    ...given("output", flags.output),
  };
}

const IMAGE = { name: "IMAGE", help: "The image", completes: "image" } as const;

/** The command. */
export const cat: Command = defineCommand({
  name: "cat",
  summary: "Print a file from an image",
  description: [
    "All layers are read and verified first; links are resolved within the image. " + IMAGE_FORMS,
  ],
  flags: FLAGS,
  positionals: [IMAGE, { name: "PATH", help: "The file's path in the image" }],
  foreignStdout: true,
  examples: [
    {
      text: "The config that the image's mise reads",
      command: "mise-oci cat ./mise-oci /etc/mise/config.toml",
    },
    {
      text: "A file from an image in a registry",
      command: "mise-oci cat ghcr.io/team/app:v1 /etc/os-release",
    },
  ],
  run: async (input, context) => {
    try {
      await context.workflows.catFile(filesRequest(input, context), context);
    } catch (error) {
      // `| head` has what it wanted.
      if (maybeCause(error, Deno.errors.BrokenPipe) === undefined) throw error;
    }
    return 0;
  },
});

/** The command. */
export const exportCommand: Command = defineCommand({
  name: "export",
  summary: "Write the files of an image as a tar archive",
  description: [
    "The archive has what a container would see at and below PATH, with owners and modes; times are " +
    "0. All layers are read and verified first. " + IMAGE_FORMS,
  ],
  flags: FLAGS,
  positionals: [
    IMAGE,
    { name: "PATH", help: "A directory or file of the image (default: /)", optional: true },
  ],
  foreignStdout: true,
  examples: [
    { text: "Everything, into a file", command: "mise-oci export ./mise-oci -o root.tar" },
    {
      text: "One directory, unpacked here",
      command: "mise-oci export ./mise-oci /etc/mise | tar x",
    },
  ],
  run: async (input, context) => {
    if (input.flags.output === undefined && context.io.isTerminal("stdout")) {
      throw new MiseOciError("usage", "Cannot write an archive to the terminal", {
        hint: "Redirect stdout, such as mise-oci export IMAGE | tar x, or write -o FILE",
      });
    }
    await context.workflows.exportFiles(filesRequest(input, context), context);
    return 0;
  },
});
