/**
 * `mise-oci cache`: manages what is kept between builds.
 * @module
 */
import {
  type Command,
  type CommandContext,
  type CommandInput,
  defineCommand,
  defineCommandGroup,
} from "./command.ts";
import { type FlagTable, switchFlag, valueFlag } from "./flag.ts";
import { given } from "./flags/build.ts";
import { parseByteSize, parseDuration } from "./values/numbers.ts";

const printModule = () => import("./print/cache.ts");

const ls = defineCommand({
  name: "ls",
  summary: "List what is in the cache",
  description: [
    "Related entries are grouped, the largest first; -v lists every entry. With --quiet, only the size is " +
    "printed.",
  ],
  flags: {},
  examples: [{ text: "See what uses the space", command: "mise-oci cache ls" }],
  run: async ({ globals: { quiet, verbose } }, context) => {
    const { cacheListOutput } = await printModule();
    const entries = await context.workflows.listCache();
    context.print(cacheListOutput(entries, { quiet, verbose: verbose > 0 }));
    return 0;
  },
});

const df = defineCommand({
  name: "df",
  summary: "Show how much space the cache uses, by kind",
  description: [
    "blob: layers, and manifests and configs of bases. install: tools for other platforms. rootfs: bases in which " +
    "packages are installed. layer, manifest, document: small records about them.",
  ],
  flags: {},
  examples: [{ text: "What could be removed", command: "mise-oci cache df" }],
  run: async ({ globals: { quiet } }, context) => {
    const { cacheUseOutput } = await printModule();
    context.print(cacheUseOutput(await context.workflows.measureCache(), { quiet }));
    return 0;
  },
});

const path = defineCommand({
  name: "path",
  summary: "Print the directory of the cache",
  description: ["It is $MISE_OCI_CACHE_DIR, or mise-oci in the user's cache directory."],
  flags: {},
  examples: [{ text: "Measure it", command: "du -sh $(mise-oci cache path)" }],
  run: async (_input, context) => {
    const directory = await context.workflows.cacheDirectory();
    context.print({ text: () => `${directory}\n`, json: () => ({ path: directory }) });
    return 0;
  },
});

const PRUNE_FLAGS = {
  "older-than": valueFlag({
    valueName: "TIME",
    help: "Remove entries not used for this long: 12h, 7d, 2w",
    parse: parseDuration,
  }),
  "max-size": valueFlag({
    valueName: "SIZE",
    help: "Remove the least recently used entries until the cache is this small: 10GB",
    parse: parseByteSize,
  }),
  "dry-run": switchFlag({ help: "Show what would be removed, without removing it" }),
} as const satisfies FlagTable;

async function runPrune(
  { flags, globals }: CommandInput<typeof PRUNE_FLAGS>,
  context: CommandContext,
): Promise<number> {
  const dryRun = flags["dry-run"];
  const { cachePruneOutput } = await printModule();
  const result = await context.workflows.pruneCache({
    dryRun,
    ...given("olderThanMs", flags["older-than"]),
    ...given("maxBytes", flags["max-size"]),
  });
  context.print(cachePruneOutput(result, { dryRun, quiet: globals.quiet }));
  return 0;
}

const prune = defineCommand({
  name: "prune",
  summary: "Remove entries from the cache, by age or size",
  description: [
    "Without flags, everything that no running build uses is removed; the next build creates it again.",
  ],
  flags: PRUNE_FLAGS,
  examples: [
    {
      text: "Keep entries used in the last week, up to 10 GB",
      command: "mise-oci cache prune --older-than 7d --max-size 10GB",
    },
    {
      text: "See what would be removed",
      command: "mise-oci cache prune --older-than 30d --dry-run",
    },
  ],
  run: runPrune,
});

/** The command. */
export const cache: Command = defineCommandGroup({
  name: "cache",
  summary: "Show or clear what is kept between builds",
  examples: [],
  subcommands: [ls, df, prune, path],
});
