/**
 * `mise-oci inspect`: shows the contents of an image.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, switchFlag, valueFlag } from "./flag.ts";
import { given, PLATFORM_FLAG } from "./flags/build.ts";
import { IMAGE_FORMS, parseImage } from "./values/image.ts";
import { parseOutputFile } from "./values/build.ts";

const printModule = () => import("./print/inspect.ts");

const FLAGS = {
  html: valueFlag({
    valueName: "FILE",
    completes: "file",
    help: "Write a page with a map of the layers and files; - for stdout",
    parse: parseOutputFile,
  }),
  raw: switchFlag({
    help:
      "Print the manifest as stored, or the index if there are several platforms; --platform selects one",
  }),
  config: switchFlag({ help: "Print the image config as stored" }),
  ...PLATFORM_FLAG,
} as const satisfies FlagTable;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, positionals, globals } = input;
  const document = flags.config ? "config" : flags.raw ? "manifest" : undefined;
  const other = flags.config && flags.raw ? "--config" : globals.json ? "--json" : undefined;
  if (document !== undefined && other !== undefined) {
    const flag = flags.raw ? "--raw" : "--config";
    throw new MiseOciError("usage", `Cannot use ${flag} together with ${other}`, {
      hint: other === "--json"
        ? `Leave --json out: ${flag} prints JSON`
        : "Leave one of the two out",
    });
  }
  if (flags.html === "-" && (document !== undefined || globals.json)) {
    const other = globals.json ? "--json" : `--${document === "config" ? "config" : "raw"}`;
    throw new MiseOciError("usage", `Cannot use ${other} together with --html -`, {
      hint: "Both print on stdout: name a file for the page",
    });
  }
  const { inspectOutput } = await printModule();
  const result = await context.workflows.inspectImage({
    source: parseImage(positionals[0] ?? "./mise-oci", context.place),
    directory: context.place.resolve("."),
    ...given("platform", flags.platform),
    ...given("html", flags.html),
    ...(document === undefined ? {} : { document }),
  }, context);
  context.print(inspectOutput(result, {
    quiet: globals.quiet,
    short: context.io.isTerminal("stdout"),
    history: globals.verbose > 0,
    chosen: flags.platform !== undefined,
  }));
  return 0;
}

/** The command. */
export const inspect: Command = defineCommand({
  name: "inspect",
  summary: "Show the layers and config of an image",
  description: [
    IMAGE_FORMS + " Images of other builders work too.",
    "Shows the config, the annotations and the layers; with -v, also the history. Layers are downloaded for " +
    "--html only. With --quiet, only the digest is printed: that of the index if there are several platforms, unless " +
    "--platform selects one.",
  ],
  flags: FLAGS,
  positionals: [{
    name: "IMAGE",
    help: "The image (default: ./mise-oci)",
    optional: true,
    completes: "image",
  }],
  examples: [
    { text: "The image that was just built", command: "mise-oci inspect" },
    { text: "An image in a registry", command: "mise-oci inspect ghcr.io/team/app:v1" },
    {
      text: "The default command of its containers, for a script",
      command: "mise-oci inspect --json ghcr.io/team/app:v1 | jq .config.Cmd",
    },
    { text: "The digest that a tag has now", command: "mise-oci inspect -q ghcr.io/team/app:v1" },
    {
      text: "Its manifest, unchanged",
      command: "mise-oci inspect --raw ghcr.io/team/app:v1 | sha256sum",
    },
    {
      text: "A map of its files, to open in a browser",
      command: "mise-oci inspect --html map.html",
    },
  ],
  run,
});
