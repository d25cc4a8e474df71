/**
 * `mise-oci tag`: lists and removes the tags of a layout.
 * @module
 */
import {
  type Command,
  type CommandContext,
  type CommandInput,
  defineCommand,
  defineCommandGroup,
} from "./command.ts";
import type { TagRequest } from "../workflow/manage_tags.ts";
import { parseImage } from "./values/image.ts";

const printModule = () => import("./print/tag.ts");

function requestOf({ positionals }: CommandInput, { place }: CommandContext): TagRequest {
  return { source: parseImage(positionals[0] ?? "", place), directory: place.resolve(".") };
}

async function runList(input: CommandInput, context: CommandContext): Promise<number> {
  const { tagListOutput } = await printModule();
  const list = await context.workflows.listTags(requestOf(input, context), context);
  const short = context.io.isTerminal("stdout");
  context.print(tagListOutput(list, { quiet: input.globals.quiet, short }));
  return 0;
}

async function runRemove(input: CommandInput, context: CommandContext): Promise<number> {
  const { tagRemoveOutput } = await printModule();
  const removed = await context.workflows.removeTag(requestOf(input, context), context);
  context.print(tagRemoveOutput(removed));
  return 0;
}

const ls = defineCommand({
  name: "ls",
  summary: "List the tags of a layout, an archive or a repository",
  description: [
    "With --quiet, and for a repository, only the tags are printed.",
  ],
  flags: {},
  positionals: [{
    name: "IMAGE",
    help: "A layout, an archive or a repository",
    completes: "image",
  }],
  examples: [
    { text: "What is in the layout", command: "mise-oci tag ls ./mise-oci" },
    { text: "Every tag of a repository", command: "mise-oci tag ls ghcr.io/team/app" },
  ],
  run: runList,
});

const rm = defineCommand({
  name: "rm",
  summary: "Remove a tag of a layout, and the blobs that only it uses",
  flags: {},
  positionals: [{ name: "IMAGE", help: "A layout with a tag: oci:DIR:TAG", completes: "image" }],
  examples: [
    {
      text: "Remove yesterday's image",
      command: "mise-oci tag rm oci:mise-oci:ghcr.io/team/dev:v1",
    },
  ],
  run: runRemove,
});

/** The command. */
export const tag: Command = defineCommandGroup({
  name: "tag",
  summary: "Show the tags of a layout or a repository, or remove one of a layout",
  examples: [],
  subcommands: [ls, rm],
});
