/**
 * `mise-oci build`: writes an image layout.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { parseImageName } from "../oci/reference.ts";
import type { BuildRequest } from "../build/types.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { choiceFlag, type FlagTable, inGroup, switchFlag, valueFlag } from "./flag.ts";
import { BUILD_FLAGS, buildRequest, given } from "./flags/build.ts";
import { parseArchivePath, parseOutput } from "./values/build.ts";

const printModule = () => import("./print/build.ts");

type OutputRequest = Pick<BuildRequest, "output" | "archive" | "tag">;

const FLAGS = {
  ...inGroup("Output flags", {
    output: valueFlag({
      short: "o",
      valueName: "DIR",
      completes: "directory",
      defaultText: "./mise-oci",
      help:
        "Directory of the image layout, whose other tags are kept, or oci:DIR:TAG, oci-archive:FILE…",
      parse: parseOutput,
    }),
    "output-archive": valueFlag({
      valueName: "FILE",
      completes: "file",
      help: "Write the image into this archive; a layout only if -o is given too",
      parse: parseArchivePath,
    }),
    format: choiceFlag(["oci-archive", "docker-archive"], {
      help: "Format of the archive; docker load takes docker-archive",
    }),
    tag: valueFlag({
      short: "t",
      valueName: "REF",
      help: "Name of the image in the layout",
      parse: parseImageName,
    }),
    "dry-run": switchFlag({ help: "Print what would be built and write nothing" }),
  }),
  ...BUILD_FLAGS,
} as const satisfies FlagTable;

/** A layout, unless only an archive is asked for. */
function outputs(
  { flags, given: names }: CommandInput<typeof FLAGS>,
  { place }: Pick<CommandContext, "place">,
): OutputRequest {
  const { output } = flags;
  const tag = flags.tag ?? output?.tag;
  if (flags.tag !== undefined && output?.tag !== undefined && flags.tag !== output.tag) {
    throw new MiseOciError("usage", "Cannot give the image two names: -o has one too", {
      hint: `Leave -t ${flags.tag} out, or the name in -o`,
    });
  }
  const path = flags["output-archive"];
  if (path !== undefined && output?.archive !== undefined) {
    throw new MiseOciError("usage", "Cannot write two archives", {
      hint: "Leave --output-archive out, or the archive in -o",
    });
  }
  if (path === undefined && names.has("format")) {
    throw new MiseOciError("usage", "Cannot use --format without --output-archive", {
      hint: `Write --output-archive FILE --format ${flags.format}`,
    });
  }
  const archive = path === undefined ? output?.archive : { path, format: flags.format };
  const directory = output?.output ??
    (archive === undefined ? place.resolve("./mise-oci") : undefined);
  return { ...given("archive", archive), ...given("output", directory), ...given("tag", tag) };
}

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const request: BuildRequest = {
    ...buildRequest(input, context),
    ...outputs(input, context),
  };
  if (input.flags["dry-run"]) {
    const { platforms, ...one } = request;
    const requests = platforms?.map((platform) => ({ ...one, platform })) ?? [one];
    const plans = await Promise.all(
      requests.map((each) => context.workflows.planImage(each, context)),
    );
    const { plansOutput } = await printModule();
    context.print(plansOutput(plans));
  } else {
    const [result, { buildOutput }] = await Promise.all([
      context.workflows.buildImage(request, context),
      printModule(),
    ]);
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
  severalProjects: true,
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
    {
      text: "Build for two platforms at once",
      command: "mise-oci build --platform linux/amd64,linux/arm64",
    },
    {
      text: "Build an image and load it into docker without a layout",
      command: "mise-oci build --output-archive app.tar --format docker-archive -t app:dev && " +
        "docker load -i app.tar",
    },
    { text: "See what would be built", command: "mise-oci build --dry-run" },
    {
      text: "Use the digest in a script",
      command: "digest=$(mise-oci build --json | jq -r .digest)",
    },
  ],
  run,
});
