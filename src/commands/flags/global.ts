/**
 * Flags of every command, accepted before or after its name.
 * @module
 */
import {
  choiceFlag,
  countFlag,
  type FlagValues,
  inGroup,
  type Place,
  switchFlag,
  valueFlag,
} from "../flag.ts";
import { parseJobs, parseName } from "../values/numbers.ts";

/** A path if it contains a slash, otherwise a name to look up on PATH. */
function parseExecutable(text: string, place: Place): string {
  const name = parseName(text);
  return name.includes("/") || name.includes("\\") ? place.resolve(name) : name;
}

/** The global flags. */
export const GLOBAL_FLAGS = inGroup("Global flags", {
  cd: valueFlag({
    short: "C",
    valueName: "DIR",
    completes: "directory",
    help: "Work as if started in DIR; can be repeated for build and push",
    parse: parseName,
  }),
  env: valueFlag({
    short: "E",
    valueName: "ENV",
    help: "Environment of mise: also loads mise.ENV.toml",
    parse: parseName,
  }),
  mise: valueFlag({
    valueName: "PATH",
    completes: "file",
    env: "MISE_OCI_MISE",
    defaultText: "mise on PATH",
    help: "The mise executable that reads the project",
    parse: parseExecutable,
  }),
  jobs: valueFlag({
    short: "j",
    valueName: "N",
    env: "MISE_JOBS",
    defaultText: "number of cores",
    help: "How many jobs to run at the same time",
    parse: parseJobs,
  }),
  yes: switchFlag({ short: "y", help: "Answer yes to all prompts of mise" }),
  quiet: switchFlag({
    short: "q",
    help: "Print only errors on stderr, and the shortest form of the result on stdout",
  }),
  verbose: countFlag({ short: "v", help: "Print more details on stderr; -vv prints all" }),
  json: switchFlag({ help: "Print the result, or the error, as one JSON object on stdout" }),
  progress: choiceFlag(["auto", "plain", "none"], {
    help: "Progress on stderr: bars on a terminal, otherwise one line per step",
  }),
  "no-color": switchFlag({
    help: "No colours; the environment variable NO_COLOR has the same effect",
  }),
  debug: switchFlag({ help: "Show the stack and the causes of an error" }),
  help: switchFlag({ short: "h", help: "Show help for the command" }),
  version: switchFlag({ help: "Show the version" }),
});

/** The values of the global flags. */
export type Globals = FlagValues<typeof GLOBAL_FLAGS>;
