/**
 * Flags that every command takes, before or after its name.
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

/** A path if it has a slash, else a name that is looked up on PATH. */
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
    help: "Work as if started in DIR; relative paths start there; several for build and push",
    parse: parseName,
  }),
  env: valueFlag({
    short: "E",
    valueName: "ENV",
    help: "Environment of mise: loads mise.ENV.toml too",
    parse: parseName,
  }),
  mise: valueFlag({
    valueName: "PATH",
    completes: "file",
    env: "MISE_OCI_MISE",
    defaultText: "mise on PATH",
    help: "The mise executable to ask about the project",
    parse: parseExecutable,
  }),
  jobs: valueFlag({
    short: "j",
    valueName: "N",
    env: "MISE_JOBS",
    defaultText: "number of cores",
    help: "How much to do at the same time",
    parse: parseJobs,
  }),
  yes: switchFlag({ short: "y", help: "Answer yes to whatever mise asks" }),
  quiet: switchFlag({
    short: "q",
    help: "Only errors on stderr, and the result in its shortest form on stdout",
  }),
  verbose: countFlag({ short: "v", help: "Say more on stderr; -vv says everything" }),
  json: switchFlag({ help: "Print the result, or the error, as one JSON object on stdout" }),
  progress: choiceFlag(["auto", "plain", "none"], {
    help: "Progress on stderr: bars on a terminal, else one line per step",
  }),
  "no-color": switchFlag({ help: "No colours; so does the environment variable NO_COLOR" }),
  debug: switchFlag({ help: "Show the stack and the causes of an error" }),
  help: switchFlag({ short: "h", help: "Show help for the command" }),
  version: switchFlag({ help: "Show the version" }),
});

/** What the global flags give. */
export type Globals = FlagValues<typeof GLOBAL_FLAGS>;
