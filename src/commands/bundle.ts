/**
 * `mise-oci bundle`: images in an archive.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { escapeLine, joinLines } from "../ui/text.ts";
import { formatBytes } from "../ui/format.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, listFlag, valueFlag } from "./flag.ts";
import { checkArchiveOnStdout, parseOutputFile } from "./values/build.ts";
import { parseImage } from "./values/image.ts";

const FLAGS = {
  output: valueFlag({
    short: "o",
    valueName: "FILE",
    completes: "file",
    help: "The archive to write, - for stdout",
    parse: parseOutputFile,
  }),
  without: listFlag({
    valueName: "IMAGE",
    completes: "image",
    help: "An image or bundle that the recipient has, whose layers are left out",
    parse: parseImage,
  }),
} as const satisfies FlagTable;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, globals, positionals } = input;
  if (flags.output === undefined) {
    throw new MiseOciError("usage", "Cannot bundle without a file", { hint: "Give -o FILE" });
  }
  const isStdout = flags.output === "-";
  if (isStdout) {
    checkArchiveOnStdout({ json: globals.json, instead: "Name a file with -o" }, context);
  }
  const result = await context.workflows.bundleImages({
    directory: context.place.resolve("."),
    images: positionals.map((text) => parseImage(text, context.place)),
    without: flags.without,
    output: flags.output,
  }, context);
  const { images, layers, left, file } = result;
  const place = isStdout ? "stdout" : escapeLine(file);
  if (isStdout && globals.quiet) return 0;
  context.print({
    text: (columns) =>
      globals.quiet ? `${file}\n` : joinLines([
        ...images.map(({ name, digest }) => `${digest}  ${escapeLine(name)}`),
        `bundled ${layers.count} layers (${formatBytes(layers.bytes)}) into ${place}, ` +
        `${left.count} left out (${formatBytes(left.bytes)})`,
      ], columns),
    json: () => result,
  }, isStdout ? "stderr" : "stdout");
  return 0;
}

/** The command. */
export const bundle: Command = defineCommand({
  name: "bundle",
  summary: "Put images into an archive, without the layers that the recipient has",
  description: [
    "The OCI archive contains every manifest and config, and the layers that no image of " +
    "--without has. A registry with those images provides the rest.",
  ],
  flags: FLAGS,
  positionals: [{
    name: "IMAGE",
    help: "A layout, an archive or an image in a registry",
    many: true,
    completes: "image",
  }],
  examples: [
    {
      text: "What is new since the last delivery",
      command: "mise-oci bundle ghcr.io/team/app:v2 --without ghcr.io/team/app:v1 -o update.tar",
    },
    {
      text: "The same, relative to an earlier bundle",
      command: "mise-oci bundle ghcr.io/team/app:v3 --without update.tar -o update-2.tar",
    },
    {
      text: "Without a file, to a machine that ssh reaches",
      command: "mise-oci bundle ghcr.io/team/app:v3 -o - | ssh HOST podman load",
    },
  ],
  run,
});
