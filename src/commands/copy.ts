/**
 * `mise-oci copy`: sends an existing image to a registry unchanged.
 * @module
 */
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { given, PLATFORM_FLAG } from "./flags/build.ts";
import { IMAGE_FORMS, parseDestinations, parseImage } from "./values/image.ts";

const printModule = () => import("./print/push.ts");

const FLAGS = PLATFORM_FLAG;

async function run(
  { flags, globals, positionals }: CommandInput<typeof FLAGS>,
  context: CommandContext,
): Promise<number> {
  const [image = "", ...references] = positionals;
  const [destination, ...also] = parseDestinations(references);
  const directory = context.place.resolve(".");
  const source = parseImage(image, context.place);
  const { pushOutput } = await printModule();
  const result = await context.workflows.pushImage({
    directory,
    image: { kind: "image", source, directory, check: "off", ...given("platform", flags.platform) },
    destination,
    ...(also.length === 0 ? {} : { also }),
    updateIndex: false,
    tool: "auto",
    ...given("jobs", globals.jobs),
  }, context);
  context.print(
    await pushOutput(result, { quiet: globals.quiet, short: context.io.isTerminal("stdout") }),
  );
  return 0;
}

/** The command. */
export const copy: Command = defineCommand({
  name: "copy",
  summary: "Copy an image to a registry, or to another tag of it",
  description: [
    "Sends the image unchanged, including all platforms, attestations and signatures, but only what the registry " +
    "lacks. " + IMAGE_FORMS,
    "The same as push --image. With --quiet, only the digest is printed.",
  ],
  flags: FLAGS,
  positionals: [
    { name: "IMAGE", help: "The image", completes: "image" },
    {
      name: "REF",
      help: "The destination, including the registry host; can be repeated",
      many: true,
    },
  ],
  examples: [
    {
      text: "From one registry to another",
      command: "mise-oci copy ghcr.io/team/app:v1 registry.example.com/app:v1",
    },
    {
      text: "Give an image one more tag",
      command: "mise-oci copy ghcr.io/team/app:v1 ghcr.io/team/app:latest",
    },
    {
      text: "The image that was just built",
      command: "mise-oci copy ./mise-oci ghcr.io/team/app:v1",
    },
  ],
  run,
});
