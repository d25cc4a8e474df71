/**
 * `mise-oci verify`: whether a key signed an image of a registry.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { parseRegistryImage } from "../oci/image_source.ts";
import { escapeLine, joinLines } from "../ui/text.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, valueFlag } from "./flag.ts";
import { parsePath } from "./values/numbers.ts";

const FLAGS = {
  key: valueFlag({
    valueName: "FILE",
    completes: "file",
    help: "Public key: cosign.pub of cosign generate-key-pair, or PEM",
    parse: parsePath,
  }),
} as const satisfies FlagTable;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, globals, positionals } = input;
  if (flags.key === undefined) {
    throw new MiseOciError("usage", "Missing --key FILE", {
      hint: "Name the public key of who signs: cosign.pub",
    });
  }
  const result = await context.workflows.verifyImage({
    reference: parseRegistryImage(positionals[0] ?? ""),
    key: flags.key,
    directory: context.place.resolve("."),
  }, context);
  const { image, digest, verified, skipped } = result;
  context.print({
    text: (columns) =>
      globals.quiet ? `${digest}\n` : joinLines([
        `verified ${escapeLine(image)}: ${digest}`,
        ...verified.map(({ predicateType, manifest, format }) =>
          `  ${escapeLine(predicateType)} (${format} ${manifest})`
        ),
        ...skipped.map((reason) => `  skipped ${escapeLine(reason)}`),
      ], columns),
    json: () => result,
  });
  return 0;
}

/** The command. */
export const verify: Command = defineCommand({
  name: "verify",
  summary: "Verify that a key signed an image in a registry",
  description: [
    "Accepts what mise-oci sign, push --sign and cosign sign --key make. The exit code is 1 if no signature " +
    "of the key approves the image, with the reason for each that was looked at.",
    "Bases and layer stores are verified before anything of them is used if [_.oci] verify in mise.toml says so.",
    "With --quiet only the digest is printed: that is what to deploy.",
  ],
  flags: FLAGS,
  positionals: [{ name: "IMAGE", help: "The image, by tag or digest" }],
  examples: [
    {
      text: "Verify what a tag names",
      command: "mise-oci verify --key cosign.pub ghcr.io/team/app:v1",
    },
  ],
  run,
});
