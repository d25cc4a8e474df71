/**
 * `mise-oci outdated`: finds outdated bases, packages and tools.
 * @module
 */
import { parseRegistryImage } from "../oci/image_source.ts";
import { escapeLine, joinLines } from "../ui/text.ts";
import type { OutdatedItem } from "../workflow/outdated.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, switchFlag } from "./flag.ts";
import { given, PLATFORM_FLAG } from "./flags/build.ts";

const FLAGS = {
  bump: switchFlag({ help: "Also show versions of tools that the config does not allow" }),
  ...PLATFORM_FLAG,
} as const satisfies FlagTable;

/** Imported on demand, for a fast start. */
const tableModule = () => import("../ui/table.ts");

async function table(
  items: readonly OutdatedItem[],
): Promise<(columns?: number) => readonly string[]> {
  const { renderTable } = await tableModule();
  return (columns) =>
    renderTable(
      [{ title: "KIND" }, { title: "NAME" }, { title: "CURRENT" }, { title: "LATEST" }],
      items.map(({ kind, name, current, latest }) => [kind, name, current, latest]),
      columns,
    );
}

/** The commands that update the outdated items, in one line. */
function nextSteps(items: readonly OutdatedItem[], image: string | undefined): string {
  const steps: Readonly<Record<OutdatedItem["kind"], string>> = image === undefined
    ? { base: "mise-oci pin --update", package: "mise-oci pin --update", tool: "mise upgrade" }
    : {
      base: `mise-oci rebase ${image} --onto BASE`,
      package: "mise-oci pin --update",
      tool: `mise-oci push ${image}`,
    };
  return `Next: ${[...new Set(items.map(({ kind }) => steps[kind]))].join("; ")}`;
}

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, globals, positionals: [image] } = input;
  const result = await context.workflows.findOutdated({
    directory: context.place.resolve("."),
    bump: flags.bump,
    yes: globals.yes,
    ...given("image", image === undefined ? undefined : parseRegistryImage(image)),
    ...given("platform", flags.platform),
    ...given("miseEnv", globals.env),
    ...given("misePath", globals.mise),
  }, context);
  const { outdated } = result;
  const lines = outdated.length === 0 ? undefined : await table(outdated);
  context.print({
    text: (columns) =>
      joinLines([
        ...lines?.(columns) ?? (globals.quiet ? [] : ["nothing is outdated"]),
        ...(lines === undefined || globals.quiet
          ? []
          : ["", escapeLine(nextSteps(outdated, image))]),
      ], columns),
    json: () => result,
  });
  return outdated.length === 0 ? 0 : 1;
}

/** The command. */
export const outdated: Command = defineCommand({
  name: "outdated",
  summary: "Show what is outdated: base, system packages, tools",
  description: [
    "For the project: a pinned base whose tag has moved, pinned packages, and the output of mise outdated. For " +
    "an image: its base at the time of the build, and tools that the project has in another version.",
    "The exit code is 1 if something is outdated, for a nightly job.",
  ],
  flags: FLAGS,
  positionals: [{ name: "REF", help: "An image in a registry", optional: true }],
  examples: [
    { text: "The project in this directory", command: "mise-oci outdated" },
    {
      text: "Rebase an image when its base was updated",
      command: "mise-oci outdated ghcr.io/team/app:v1 || " +
        "mise-oci rebase ghcr.io/team/app:v1 --onto debian:bookworm-slim",
    },
  ],
  run,
});
