/**
 * `mise-oci load`: puts a built image into podman or docker.
 * @module
 */
import { parseImageName } from "../oci/reference.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, valueFlag } from "./flag.ts";
import { given, PLATFORM_FLAG } from "./flags/build.ts";
import { ENGINE_FLAG, maybeNamedImage, NAMED_IMAGE_FLAGS } from "./flags/image.ts";
import { IMAGE_FORMS, parseImage } from "./values/image.ts";

const { group: _, ...engine } = ENGINE_FLAG.engine;
const FLAGS = {
  ...NAMED_IMAGE_FLAGS,
  tag: valueFlag({
    short: "t",
    valueName: "REF",
    defaultText: "the one it has",
    help: "Name of the image in the engine",
    parse: parseImageName,
  }),
  engine,
  ...PLATFORM_FLAG,
} as const satisfies FlagTable;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags } = input;
  const result = await context.workflows.loadImage({
    source: maybeNamedImage(flags) ?? parseImage("./mise-oci", context.place),
    directory: context.place.resolve("."),
    engine: flags.engine,
    ...given("tag", flags.tag),
    ...given("platform", flags.platform),
  }, context);
  context.print({
    text: () =>
      input.globals.quiet
        ? `${result.image}\n`
        : `loaded ${result.digest} into ${result.engine} as ${result.image}\n`,
    json: () => result,
  });
  return 0;
}

/** The command. */
export const load: Command = defineCommand({
  name: "load",
  summary: "Put a built image into podman or docker",
  description: [
    "Without --image, the layout in ./mise-oci is loaded. " + IMAGE_FORMS,
    "With --quiet, only the image's name in the engine is printed.",
  ],
  flags: FLAGS,
  examples: [
    {
      text: "Load an archive from another machine",
      command: "mise-oci load --image oci-archive:app.tar -t app:v1",
    },
    {
      text: "Build an image and load it into docker",
      command: "mise-oci build && mise-oci load --engine docker -t app:dev",
    },
  ],
  run,
});
