/**
 * `mise-oci generate`: generates files for other programs.
 * @module
 */
import { GENERATORS } from "../fleet/generate/mod.ts";
import { escapeLine } from "../ui/text.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, switchFlag, valueFlag } from "./flag.ts";
import { BUILD_FLAGS, buildRequest, given } from "./flags/build.ts";
import { parseOtherOutput } from "./values/build.ts";
import { parsePath } from "./values/numbers.ts";

const FLAGS = {
  output: valueFlag({
    short: "o",
    valueName: "FILE",
    completes: "file",
    help: "Write the file instead of printing it",
    parse: parseOtherOutput,
  }),
  force: switchFlag({ help: "Replace a file that was changed since it was generated" }),
  check: switchFlag({ help: "Write nothing; exit code 1 if the file is out of date" }),
  ...BUILD_FLAGS,
} as const satisfies FlagTable;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags, positionals: [kind = "", ...directories] } = input;
  const build = buildRequest(input, context);
  const { platforms = build.platform === undefined ? [] : [build.platform] } = build;
  const result = await context.workflows.generateFile({
    kind,
    projects: directories.length === 0 ? [build] : directories.map((text) => ({
      ...build,
      directory: parsePath(text, context.place),
    })),
    directory: context.place.resolve("."),
    force: flags.force,
    check: flags.check,
    platforms,
    ...given("output", flags.output),
  }, context);
  context.print({
    text: () => {
      if (result.file === undefined) return result.text;
      const how = !flags.check ? "wrote" : result.isCurrent ? "up to date:" : "out of date:";
      return `${how} ${escapeLine(result.file)}\n`;
    },
    json: () => ({ kind, ...result }),
  });
  return result.isCurrent === false ? 1 : 0;
}

/** The command. */
export const generate: Command = defineCommand({
  name: "generate",
  summary: "Generate a file for another program",
  description: [
    ...GENERATORS.map(({ name, summary, file }) => `${name}: ${summary} (${file}).`),
    "A file that was changed since it was generated is replaced only with --force.",
  ],
  flags: FLAGS,
  positionals: [
    { name: "KIND", help: "What to generate", choices: GENERATORS.map(({ name }) => name) },
    {
      name: "DIR",
      help: "Directory of a project; can be repeated for bake (default: this one)",
      optional: true,
      many: true,
      completes: "directory",
    },
  ],
  examples: [
    {
      text: "Let BuildKit compile tools on every platform",
      command: "mise-oci generate dockerfile -o Dockerfile && " +
        "docker buildx build --platform linux/amd64,linux/arm64 .",
    },
    {
      text: "Build several projects at once",
      command: "mise-oci generate bake services/api services/web -o docker-bake.hcl",
    },
    {
      text: "A pipeline that also checks that it is up to date",
      command: "mise-oci generate github-action -o .github/workflows/image.yml && " +
        "mise-oci generate github-action --check",
    },
  ],
  run,
});
