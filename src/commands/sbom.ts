/**
 * `mise-oci sbom`: prints the bill of materials of an image.
 * @module
 */
import { formatPlatform } from "../oci/platform.ts";
import { escapeLine } from "../ui/text.ts";
import { formatCount } from "../ui/format.ts";
import type { SbomResult } from "../workflow/make_sbom.ts";
import {
  type Command,
  type CommandContext,
  type CommandInput,
  defineCommand,
  type Output,
} from "./command.ts";
import { choiceFlag, type FlagTable, valueFlag } from "./flag.ts";
import { given, PLATFORM_FLAG } from "./flags/build.ts";
import { IMAGE_FORMS, parseImage } from "./values/image.ts";
import { parseOtherOutput } from "./values/build.ts";

const FLAGS = {
  format: choiceFlag(["cyclonedx", "spdx"], {
    help: "CycloneDX 1.6 or SPDX 2.3, both as JSON",
  }),
  output: valueFlag({
    short: "o",
    valueName: "FILE",
    completes: "file",
    help: "Write the document to a file instead of stdout",
    parse: parseOtherOutput,
  }),
  ...PLATFORM_FLAG,
} as const satisfies FlagTable;

/** The document, or the file it was written to. */
function sbomOutput(result: SbomResult, quiet: boolean): Output {
  const { output, document, packages, image, digest, platform, format } = result;
  return {
    text: () => {
      if (output === undefined) return document;
      if (quiet) return "";
      return `wrote ${escapeLine(output)}: ${formatCount(packages, "package")} of ${
        escapeLine(image)
      }\n`;
    },
    json: () => ({
      image,
      digest,
      platform: formatPlatform(platform),
      format,
      packages,
      output,
      document: output === undefined ? JSON.parse(document) : undefined,
    }),
  };
}

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, globals, positionals } = input;
  const result = await context.workflows.makeSbom({
    source: parseImage(positionals[0] ?? "./mise-oci", context.place),
    directory: context.place.resolve("."),
    format: flags.format,
    ...given("platform", flags.platform),
    ...given("output", flags.output),
  }, context);
  context.print(sbomOutput(result, globals.quiet));
  return 0;
}

/** The command. */
export const sbom: Command = defineCommand({
  name: "sbom",
  summary: "List the contents of an image as a bill of materials",
  description: [
    `${IMAGE_FORMS} Images of other builders work too.`,
    "Lists the packages of the base (dpkg, apk, rpm), the tools of mise with the URLs and checksums of " +
    "mise.lock, and their contents: npm, Python and Ruby packages, Go modules, Rust crates. " +
    "Each entry names its layer. The same image gives the same bytes.",
  ],
  flags: FLAGS,
  positionals: [{
    name: "IMAGE",
    help: "The image (default: ./mise-oci)",
    optional: true,
    completes: "image",
  }],
  examples: [
    { text: "The image that was just built", command: "mise-oci sbom -o sbom.cdx.json" },
    {
      text: "An image in a registry, as SPDX",
      command: "mise-oci sbom --format spdx ghcr.io/team/app:v1 > app.spdx.json",
    },
  ],
  run,
});
