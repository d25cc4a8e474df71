/**
 * `mise-oci build`: writes an image layout.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { isWithin } from "../paths.ts";
import { parseImageName } from "../oci/reference.ts";
import type { BuildRequest, BuildResult } from "../build/types.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { choiceFlag, type FlagTable, inGroup, listFlag, switchFlag, valueFlag } from "./flag.ts";
import { ALL_FLAG, BUILD_FLAGS, buildRequest, given } from "./flags/build.ts";
import { CONFIG_FLAGS, overridesRequest } from "./flags/config.ts";
import { ENGINE_FLAG } from "./flags/image.ts";
import type { Delivery } from "./print/build.ts";
import {
  checkArchiveOnStdout,
  parseOutput,
  parseOutputFile,
  parseReportFile,
} from "./values/build.ts";
import { parseDestination } from "./values/image.ts";

const printModule = () => import("./print/build.ts");

type OutputRequest = Pick<BuildRequest, "output" | "archive" | "tag">;

const FLAGS = {
  ...inGroup("Output flags", {
    ...ALL_FLAG,
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
      help: "Write the image to this archive, - for stdout; a layout only with -o",
      parse: parseOutputFile,
    }),
    format: choiceFlag(["oci-archive", "docker-archive"], {
      help: "Format of the archive; docker load reads docker-archive",
    }),
    tag: valueFlag({
      short: "t",
      valueName: "REF",
      help: "Name of the image in the layout",
      parse: parseImageName,
    }),
    push: listFlag({
      valueName: "REF",
      help: "Push the image there afterwards",
      parse: parseDestination,
    }),
    load: switchFlag({ help: "Load the image into podman or docker afterwards" }),
    ...ENGINE_FLAG,
    "metadata-file": valueFlag({
      valueName: "FILE",
      completes: "file",
      help: "Also write the result of --json to this file",
      parse: parseReportFile,
    }),
    iidfile: valueFlag({
      valueName: "FILE",
      completes: "file",
      help: "Write the digest to this file",
      parse: parseReportFile,
    }),
    "dry-run": switchFlag({ help: "Print what would be built and write nothing" }),
  }),
  ...CONFIG_FLAGS,
  ...BUILD_FLAGS,
} as const satisfies FlagTable;

/** A layout, unless only an archive is requested. */
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
  // Push and load use the layout, since an archive on stdout cannot be read back.
  const needsLayout = archive === undefined || flags.push.length > 0 || flags.load;
  const directory = output?.output ?? (needsLayout ? place.resolve("./mise-oci") : undefined);
  return { ...given("archive", archive), ...given("output", directory), ...given("tag", tag) };
}

/** @throws {MiseOciError} `usage` if each of several projects would replace the output of the one before. */
function checkSharedOutput(
  { flags }: CommandInput<typeof FLAGS>,
  { archive, output }: OutputRequest,
  { project }: Pick<CommandContext, "project">,
): void {
  const path = archive?.path ?? (flags.tag === undefined ? undefined : output);
  if (project === undefined || path === undefined || isWithin(path, project)) return;
  throw new MiseOciError("usage", `Cannot write several projects to ${JSON.stringify(path)}`, {
    hint: "Name a path below each project, which a relative one is, or build one at a time",
  });
}

/** @throws {MiseOciError} `usage` for flags that contradict each other. */
function checkFlags(
  input: CommandInput<typeof FLAGS>,
  request: OutputRequest,
  context: Pick<CommandContext, "io" | "project">,
): void {
  const { flags, given: names, globals } = input;
  const { archive } = request;
  const { io, project } = context;
  const fail = (message: string, hint: string): never => {
    throw new MiseOciError("usage", message, { hint });
  };
  if (names.has("engine") && !flags.load) {
    fail("Cannot use --engine without --load", "Write --load --engine NAME, or leave --engine out");
  }
  const once = ["push", "metadata-file", "iidfile"].find((name) => names.has(name)) ??
    (archive?.path === "-" ? "output-archive -" : undefined);
  if (project !== undefined && once !== undefined) {
    fail(
      `Cannot use --${once} with several projects`,
      "Build one at a time, or write mise-oci push -C DIR -C DIR HOST/{project}:TAG",
    );
  }
  checkSharedOutput(input, request, context);
  if (flags["dry-run"]) {
    const after = ["push", "load", "metadata-file", "iidfile"].find((name) => names.has(name));
    if (after !== undefined) {
      fail(`Cannot use --${after} together with --dry-run`, "Leave one of the two out");
    }
    return;
  }
  if (archive?.path !== "-") return;
  checkArchiveOnStdout({ json: globals.json, instead: "Write --metadata-file FILE instead" }, {
    io,
  });
}

async function dryRun(request: BuildRequest, context: CommandContext): Promise<void> {
  const { platforms, ...one } = request;
  const requests = platforms?.map((platform) => ({ ...one, platform })) ?? [one];
  const plans = await Promise.all(
    requests.map((each) => context.workflows.planImage(each, context)),
  );
  const { plansOutput } = await printModule();
  context.print(plansOutput(plans));
}

/** Pushes and loads the built image from its layout. */
async function deliver(
  result: BuildResult,
  { flags, globals }: CommandInput<typeof FLAGS>,
  context: CommandContext,
): Promise<Delivery> {
  const { output, digest, tag } = result;
  if (output === undefined) return {};
  const directory = context.place.resolve(".");
  const source = { kind: "layout", location: output, digest } as const;
  const [destination, ...also] = flags.push;
  const pushed = destination && await context.workflows.pushImage({
    directory,
    image: { kind: "image", source, directory, check: "off" },
    destination,
    ...(also.length === 0 ? {} : { also }),
    updateIndex: false,
    tool: "auto",
    ...given("jobs", globals.jobs),
  }, context);
  const loaded = flags.load
    ? await context.workflows.loadImage({
      source,
      directory,
      engine: flags.engine,
      ...given("tag", tag),
    }, context)
    : undefined;
  return { ...given("pushed", pushed), ...given("loaded", loaded) };
}

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, globals: { quiet } } = input;
  const request: BuildRequest = {
    ...buildRequest(input, context),
    ...overridesRequest(input),
    ...outputs(input, context),
  };
  checkFlags(input, request, context);
  if (flags["dry-run"]) {
    await dryRun(request, context);
    return 0;
  }
  const { "metadata-file": metadata, iidfile } = flags;
  for (const path of [metadata, iidfile]) {
    if (path !== undefined) await context.workflows.checkReport(path);
  }
  if (flags.load) await context.workflows.checkEngine(flags.engine);
  const [result, { buildOutput }] = await Promise.all([
    context.workflows.buildImage(request, context),
    printModule(),
  ]);
  const delivery = await deliver(result, input, context);
  const isArchive = request.archive?.path === "-";
  const stream = isArchive ? "stderr" : "stdout";
  const short = context.io.isTerminal(stream);
  const output = buildOutput(result, { quiet, short }, delivery);
  if (iidfile !== undefined) await context.workflows.writeReport(iidfile, result.digest);
  if (metadata !== undefined) {
    const json = { ...output.json() as object, warnings: context.warnings };
    await context.workflows.writeReport(metadata, `${JSON.stringify(json, undefined, 2)}\n`);
  }
  if (!isArchive || !quiet) context.print(output, stream);
  return 0;
}

/** The command. */
export const build: Command = defineCommand({
  name: "build",
  severalProjects: true,
  summary: "Build an image of the project's tools, one layer per tool",
  description: [
    "Writes an OCI image layout and prints its directory, the digest of the image manifest and its " +
    "layers. Unchanged layers are taken from the cache.",
    "--push and --load read the image from the layout. With --output-archive -, results are printed to " +
    "stderr. With --quiet, only the digest is printed.",
  ],
  flags: FLAGS,
  examples: [
    { text: "Build the project in this directory into ./mise-oci", command: "mise-oci build" },
    {
      text: "Choose the base, name and directory of the image",
      command: "mise-oci build --from ubuntu:24.04 -t example.com/team/app:v1 -o ./image",
    },
    {
      text: "Add the application to the tools, owned by user 1000",
      command: "mise-oci build --copy ./dist:/workspace/dist --owner 1000",
    },
    {
      text: "Set a label, a variable and the command for this build only",
      command: "mise-oci build --label org.opencontainers.image.revision=$SHA --env PORT=8080 " +
        '--cmd "node server.js"',
    },
    {
      text: "Build for two platforms at once",
      command: "mise-oci build --platform linux/amd64,linux/arm64",
    },
    {
      text: "Build an image and load it into docker without a layout",
      command: "mise-oci build --output-archive - --format docker-archive -t app:dev | docker load",
    },
    {
      text: "Build, push under two tags and load, and keep the result for the next step",
      command: "mise-oci build --push ghcr.io/team/app:v1 --push ghcr.io/team/app:latest --load " +
        "--metadata-file build.json",
    },
    { text: "See what would be built", command: "mise-oci build --dry-run" },
    {
      text: "Use the digest in a script",
      command: "digest=$(mise-oci build --json | jq -r .digest)",
    },
  ],
  run,
});
