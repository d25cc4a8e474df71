/**
 * `mise-oci outdated`: what is behind.
 * @module
 */
import { parseRegistryImage } from "../oci/image_source.ts";
import { escapeLine, joinLines } from "../ui/text.ts";
import type { OutdatedItem } from "../workflow/outdated.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, switchFlag } from "./flag.ts";
import { given, PLATFORM_FLAG } from "./flags/build.ts";

const FLAGS = {
  bump: switchFlag({ help: "Show versions of tools that the config does not allow too" }),
  ...PLATFORM_FLAG,
} as const satisfies FlagTable;

/** Loaded late: help prints no table. */
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

/** The commands that take over what is behind, one line. */
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
        ...lines?.(columns) ?? (globals.quiet ? [] : ["nothing is behind"]),
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
  summary: "Show what is behind: base, system packages, tools",
  description: [
    "Of the project: a pinned base whose tag has moved, pinned packages, and tools as mise outdated says. Of " +
    "an image: its base as it was when it was built, and tools that the project has in another version.",
    "Exit code 1 if something is behind, for a nightly job.",
  ],
  flags: FLAGS,
  positionals: [{ name: "REF", help: "An image of a registry", optional: true }],
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
