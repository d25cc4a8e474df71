/**
 * `mise-oci sign`: signs an image in a registry, as cosign does.
 * @module
 */
import { parseRegistryImage } from "../oci/image_source.ts";
import { escapeLine } from "../ui/text.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, switchFlag, valueFlag } from "./flag.ts";
import { parseSigner } from "./values/signer.ts";
import { MiseOciError } from "../errors.ts";

const FLAGS = {
  key: valueFlag({
    valueName: "FILE",
    completes: "file",
    help:
      "Private key: cosign.key of cosign generate-key-pair, or PEM; keyless: the CI job's identity",
    parse: parseSigner,
  }),
  recursive: switchFlag({ short: "r", help: "Sign the images of an index too" }),
} as const satisfies FlagTable;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, globals, positionals } = input;
  if (flags.key === undefined) {
    throw new MiseOciError("usage", "Missing --key FILE", {
      hint: "Create a pair with cosign generate-key-pair, and pass cosign.key",
    });
  }
  const result = await context.workflows.signImage({
    reference: parseRegistryImage(positionals[0] ?? ""),
    key: flags.key,
    recursive: flags.recursive,
    directory: context.place.resolve("."),
  }, context);
  const { image, digests } = result;
  context.print({
    text: () =>
      globals.quiet ? "" : digests.map((one) => `signed ${escapeLine(image)}: ${one}\n`).join(""),
    json: () => result,
  });
  return 0;
}

/** The command. */
export const sign: Command = defineCommand({
  name: "sign",
  summary: "Sign an image in a registry, as cosign does",
  description: [
    "Signs the manifest or index that IMAGE names, in both of cosign's formats, of which cosign verify --key accepts " +
    "either. What the key has signed before is not signed again.",
    "The password of an encrypted key comes from COSIGN_PASSWORD or a prompt on the terminal. Nothing is " +
    "sent to a transparency log: verify with cosign verify --insecure-ignore-tlog.",
  ],
  flags: FLAGS,
  positionals: [{ name: "IMAGE", help: "The image, by tag or digest" }],
  examples: [
    {
      text: "Sign what a tag names",
      command: "mise-oci sign --key cosign.key ghcr.io/team/app:v1",
    },
  ],
  run,
});
