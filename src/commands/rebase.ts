/**
 * `mise-oci rebase`: puts an image in a registry onto another base.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { formatPlatform } from "../oci/platform.ts";
import { parseRegistryImage } from "../oci/image_source.ts";
import { namesHost, type Reference } from "../oci/reference.ts";
import { escapeLine, joinLines } from "../ui/text.ts";
import type { RebaseResult } from "../workflow/rebase_image.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, listFlag, switchFlag, valueFlag } from "./flag.ts";
import { given } from "./flags/build.ts";

/** Parses a tag in the image's own repository. @throws {MiseOciError} `usage`. */
function parseTag(text: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(text)) return text;
  throw new MiseOciError("usage", `Cannot use ${JSON.stringify(text)} as a tag`, {
    hint: "Name a tag of the same repository, such as v2; to copy the image elsewhere push it",
  });
}

const FLAGS = {
  onto: valueFlag({
    valueName: "BASE",
    help: "The new base, in a registry",
    parse: (text) => parseRegistryImage(text),
  }),
  tag: listFlag({
    short: "t",
    valueName: "TAG",
    defaultText: "the tag of REF",
    help: "Tag of the result in the same repository; REF's tag is then left unchanged",
    parse: parseTag,
  }),
  "no-check": switchFlag({
    help: "Don't check whether the commands of the image would start on the new base",
  }),
} as const satisfies FlagTable;

function parseImage(text: string): Reference {
  const reference = parseRegistryImage(text);
  if (namesHost(text.replace(/^docker:\/\//, ""))) return reference;
  throw new MiseOciError("usage", `Cannot rebase ${JSON.stringify(text)}: no registry host`, {
    hint: "Name the registry, as push does: ghcr.io/team/app:v1",
  });
}

function text(
  { digest, references, base, images, blobs }: RebaseResult,
  columns?: number,
): string {
  const { uploaded, present, mounted } = blobs;
  return joinLines([
    ...images.map(({ platform, from, digest: now }) =>
      `${formatPlatform(platform)}  ${from} → ${now}`
    ),
    ...references.map((reference) =>
      `rebased ${digest} at ${escapeLine(reference)} onto ${escapeLine(base)} ` +
      `(${uploaded} uploaded, ${present} already present, ${mounted} mounted)`
    ),
  ], columns);
}

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, globals, positionals } = input;
  if (flags.onto === undefined) {
    throw new MiseOciError("usage", "Cannot rebase without a base", { hint: "Give --onto BASE" });
  }
  const result = await context.workflows.rebaseImage({
    directory: context.place.resolve("."),
    image: parseImage(positionals[0] ?? ""),
    onto: flags.onto,
    tags: flags.tag,
    check: !flags["no-check"],
    ...given("misePath", globals.mise),
    ...given("jobs", globals.jobs),
  }, context);
  context.print({
    text: (columns) => globals.quiet ? `${result.digest}\n` : text(result, columns),
    json: () => ({
      ...result,
      images: result.images.map((image) => ({
        ...image,
        platform: formatPlatform(image.platform),
      })),
    }),
  });
  return 0;
}

/** The command. */
export const rebase: Command = defineCommand({
  name: "rebase",
  summary: "Put an image in a registry onto another base, without building it",
  description: [
    "Only manifests and configs are fetched; the layers of the tools stay in the registry and those of the base " +
    "are mounted. Settings inherited from the old base are replaced by those of the new one; settings of the " +
    "project are kept. Every platform of an index is rebased.",
    "Refused, leaving the tag unchanged, if the result would not work: with a layer of system packages, " +
    "with directories that conflict with the new base, or with commands that would not start on it.",
    "With --quiet, only the digest is printed.",
  ],
  flags: FLAGS,
  positionals: [{ name: "REF", help: "An image pushed by mise-oci: ghcr.io/team/app:v1" }],
  examples: [
    {
      text: "Apply the security fixes of a base",
      command: "mise-oci rebase ghcr.io/team/app:v1 --onto debian:bookworm-slim",
    },
    {
      text: "Try another base under another tag",
      command: "mise-oci rebase ghcr.io/team/app:v1 --onto ubuntu:24.04 --tag v1-ubuntu",
    },
  ],
  run,
});
