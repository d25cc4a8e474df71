/**
 * `mise-oci run`: builds an image and runs a command in it.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { type FlagTable, inGroup, listFlag, type Place, switchFlag, valueFlag } from "./flag.ts";
import { given } from "./flags/build.ts";
import {
  CONTAINER_FLAGS,
  containerArgs,
  isVolume,
  maybeEngineFlagHint,
  volumeHint,
} from "./flags/container.ts";
import { ENGINE_FLAG, IMAGE_FLAGS, imageRequest } from "./flags/image.ts";
import { maybeOnePlatform } from "./flags/platforms.ts";

/** `NAME=VALUE` or `NAME`; the value may be any text, including an empty one or newlines. */
function parseEnv(text: string): string {
  if (!/^=|^$|\0/.test(text)) return text;
  // The value may be a secret, so it is not repeated.
  throw new MiseOciError("usage", "Cannot set an environment variable without a name", {
    hint: "Write -e NAME=VALUE, or -e NAME for the value it has here",
  });
}

/** `HOST:CONTAINER[:OPTIONS]`; relative host paths are resolved, as docker accepts only absolute ones. */
function parseVolume(text: string, place: Place): string {
  const colon = text.indexOf(":");
  const host = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (colon <= 0 || !rest.startsWith("/") || text.includes("\0")) {
    throw new MiseOciError("usage", `Cannot mount volume ${JSON.stringify(text)}`, {
      hint: "Write HOST:CONTAINER[:OPTIONS] with an absolute container path, such as .:/work:ro",
    });
  }
  // A name without a slash is a volume of the engine, as in docker and podman.
  const isPath = host.includes("/") || host === "." || host === "..";
  return isPath ? `${place.resolve(host)}:${rest}` : text;
}

/** An absolute directory of the container. */
function parseWorkdir(text: string): string {
  if (text.startsWith("/") && !text.includes("\0")) return text;
  throw new MiseOciError("usage", `Cannot use working directory ${JSON.stringify(text)}`, {
    hint: "Write an absolute directory of the container, such as /work",
  });
}

const FLAGS = {
  ...inGroup("Run flags", {
    interactive: switchFlag({ short: "i", help: "Keep stdin open" }),
    tty: switchFlag({ short: "t", help: "Give the container a terminal" }),
    env: listFlag({
      short: "e",
      valueName: "NAME[=VALUE]",
      help: "Set a variable in the container; without a value, copy it from this environment",
      parse: parseEnv,
    }),
    volume: listFlag({
      valueName: "HOST:CONTAINER",
      completes: "directory",
      help: "Mount a directory, file or volume (HOST:CONTAINER[:OPTIONS])",
      parse: parseVolume,
    }),
    workdir: valueFlag({
      short: "w",
      valueName: "DIR",
      help: "Working directory in the container",
      parse: parseWorkdir,
    }),
    ...CONTAINER_FLAGS,
    keep: switchFlag({ help: "Keep the image in the engine afterwards" }),
    ...ENGINE_FLAG,
    "engine-arg": listFlag({
      valueName: "ARG",
      help: "One more argument for the engine's run, such as --engine-arg=--memory=1g",
      foreign: true,
      parse: (text) => text,
    }),
  }),
  ...IMAGE_FLAGS,
} as const satisfies FlagTable;

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const { flags } = input;
  maybeOnePlatform(flags.platform, "run");
  const [first] = input.trailing;
  if (input.globals.verbose > 0 && isVolume(first)) {
    throw new MiseOciError("usage", `Cannot run ${JSON.stringify(first)}: it looks like a mount`, {
      hint: volumeHint(first),
    });
  }
  const { exitCode } = await context.workflows.runImage({
    image: imageRequest(input, context),
    engine: flags.engine,
    interactive: flags.interactive,
    tty: flags.tty,
    env: flags.env,
    volumes: flags.volume,
    keep: flags.keep,
    engineArgs: [...containerArgs(flags, input.given), ...flags["engine-arg"]],
    command: input.trailing,
    ...given("name", flags.name),
    ...given("workdir", flags.workdir),
  }, context);
  return exitCode;
}

/** The command. */
export const runCommand: Command = defineCommand({
  name: "run",
  summary: "Build an image and run a command in it with podman or docker",
  description: [
    "The command begins at the first word that is not a flag; what follows belongs to it, with or without " +
    "-- before it.",
    "The exit code, stdin, stdout, stderr and signals are the command's. Container and image are " +
    "removed afterwards, unless --keep.",
    "The engine fetches only layers that it lacks. docker keeps the layers of a removed image in its " +
    "build cache (docker builder prune frees them); podman does not, so it loads the image " +
    "again each time, unless --keep left one with the same layers.",
    "In this command --env sets a variable in the container; mise's environment is -E. " +
    "-v is --verbose; mounts are --volume. Other flags of the engine's run go through --engine-arg.",
  ],
  flags: FLAGS,
  trailing: { name: "CMD", help: "What to run; default: the image's own", optional: true },
  foreignStdout: true,
  maybeFlagHint: maybeEngineFlagHint,
  examples: [
    { text: "Open a shell with the project's tools", command: "mise-oci run -it bash" },
    {
      text: "Run the tests of this directory",
      command: "mise-oci run --volume .:/work -w /work npm test",
    },
    {
      text: "Pass a secret from this environment without showing it",
      command: "mise-oci run -e API_TOKEN node deploy.js",
    },
    {
      text: "Run an image that was built before",
      command: "mise-oci run --image ./mise-oci node --version",
    },
  ],
  run,
});
