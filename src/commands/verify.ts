/**
 * `mise-oci verify`: verifies that a key signed an image in a registry.
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
      hint: "Pass the signer's public key: cosign.pub",
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
    "Accepts signatures of mise-oci sign, push --sign and cosign sign --key. The exit code is 1 if no signature " +
    "of the key is valid for the image, with the reason for each.",
    "Bases and layer stores are verified before use if [_.oci] verify in mise.toml requires it.",
    "With --quiet, only the digest is printed, for deployments.",
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
