/**
 * Explains failures of mise, in one sentence with a hint.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { describeCall, type MiseAnswer } from "./command.ts";

/**
 * The oldest supported mise, the first with `[oci]`. Older ones also omit some secrets from `mise
 * env --redacted` (before 2026.4.6), or lack it (before 2025.8.18).
 */
export const MINIMUM_MISE_VERSION = "2026.4.19";

/** Maximum number of lines shown of mise's message. */
const MAX_LINES = 12;

/** A place named in mise's message. */
export interface MessagePlace {
  /** The config file. */
  readonly file: string;
  /** Line, from 1. */
  readonly line?: number;
}

// deno-lint-ignore no-control-regex
const ANSI = /\x1b\[[0-9;?]*[A-Za-z]/g;
const NOISE =
  /^(mise by @|mise [^\w\s]|Version: |Run with --verbose|See https:|Trust them with |Location:|\s*src\/|mise::config::)/;

/** mise's message without colour, warnings, install progress, and boilerplate. */
export function cleanMessage(stderr: string): string {
  const lines = stderr.replace(ANSI, "").split(/\r?\n/)
    .filter((line) => !/^mise\s+(WARN|INFO|DEBUG|TRACE|deprecated)\b/i.test(line))
    .map((line) => line.replace(/^mise ERROR /, "").trimEnd())
    .filter((line) => line !== "" && !NOISE.test(line));
  const shown = lines.slice(0, MAX_LINES).map((line) =>
    line.length > 300 ? `${line.slice(0, 300)}…` : line
  );
  return (lines.length > MAX_LINES ? [...shown, "…"] : shown).join("\n").trim();
}

/** The config file named in a message of mise. */
export function maybePlace(stderr: string): MessagePlace | undefined {
  const text = stderr.replace(ANSI, "");
  const boxed = /\[(\/[^\n\]]*|[A-Za-z]:\\[^\n\]]*?):(\d+):\d+\]/.exec(text);
  if (boxed?.[1] !== undefined) return { file: boxed[1], line: Number(boxed[2]) };
  const named = /error parsing config file: (\S.*)/.exec(text);
  return named?.[1] === undefined ? undefined : { file: named[1].trim() };
}

/** Compares two versions of mise (`2026.9.15`), or other dotted numbers. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) =>
    text.split(".").map((part) => parseInt(part, 10) || 0)
  );
  for (let i = 0; i < 3; i++) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The error for a mise that is too old. */
export function tooOld(version: string, misePath: string): MiseOciError {
  return new MiseOciError(
    "mise",
    `mise ${version} at ${JSON.stringify(misePath)} is too old: ` +
      `${MINIMUM_MISE_VERSION} or later is needed`,
    { hint: 'Run "mise self-update", or pass another mise with --mise' },
  );
}

/** Quotes an argument for a shell, only if necessary. */
function shellArgument(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  // deno-lint-ignore no-control-regex
  if (!/[\x00-\x1f\x7f]/.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `$'${escaped}'`;
}

function trustError(text: string): MiseOciError | undefined {
  const file = /Config files? (?:in )?([^]+?) (?:are|is) not trusted/.exec(text)?.[1];
  if (file === undefined) return undefined;
  return new MiseOciError("mise", `mise does not trust the config file ${JSON.stringify(file)}`, {
    hint: `Read it, then run: mise trust ${shellArgument(file)}`,
  });
}

/**
 * An error in `[env]`: a required variable, a file or a script. Quotes no line, which may contain a
 * secret.
 */
function envError(text: string): MiseOciError | undefined {
  const [, name, file] =
    /Required environment variable '([^']+)' is not defined(?:[^]*?\(Required in: (.+?)\))?/
      .exec(text) ?? [];
  if (name !== undefined) {
    const place = file === undefined ? "" : ` in ${JSON.stringify(file)}`;
    return new MiseOciError("config", `Variable "${name}" is required${place} and not set`, {
      hint: "Set it in the environment, or in a more specific config file such as mise.local.toml",
    });
  }
  const dotenv = /failed to parse dotenv file: (.+)/.exec(text)?.[1];
  if (dotenv !== undefined) {
    return new MiseOciError(
      "config",
      `Cannot parse env file ${JSON.stringify(dotenv)}: a line is not NAME=VALUE`,
      { hint: 'Correct it; "mise env" in the project shows the line' },
    );
  }
  const [, script = "", code] =
    /command \[.*"\. \\"(.+?)\\"\\nexport -p.*\] exited with code (\d+)/.exec(text) ?? [];
  if (code === undefined) return undefined;
  return new MiseOciError(
    "config",
    `Cannot read the variables of ${
      JSON.stringify(script)
    } (_.source): it ended with exit code ${code}`,
    { hint: `Correct the script; run it to see more: bash ${shellArgument(script)}` },
  );
}

function versionError(text: string): MiseOciError | undefined {
  const match = /mise version (\S+) is required, but you are using (\S+)/.exec(text);
  if (match === null) return undefined;
  return new MiseOciError(
    "mise",
    `The project needs mise ${match[1]}, but this is ${match[2]}`,
    { hint: 'Run "mise self-update", or pass another mise with --mise' },
  );
}

function syntaxError(text: string): MiseOciError | undefined {
  const place = maybePlace(text);
  if (place === undefined) return undefined;
  const why = /╰── (.+)/.exec(text)?.[1] ?? cleanMessage(text).split("\n").slice(1).join(": ");
  const where = place.line === undefined ? place.file : `${place.file}:${place.line}`;
  return new MiseOciError(
    "config",
    `Cannot parse config file ${JSON.stringify(where)}: ${why || "mise cannot read it"}`,
    { hint: 'Correct the file; "mise config ls" shows whether mise can read it' },
  );
}

function templateError(text: string): MiseOciError | undefined {
  const template = /failed to (?:parse|render) template:? (.+?)(?:: error: .*)?$/m.exec(text)?.[1];
  if (template === undefined) return undefined;
  const why = /(?:^|: )(?:mise ERROR )?error: (.+?)(?:\. Available (?:variables|fields):.*)?$/m
    .exec(text)
    ?.[1];
  return new MiseOciError(
    "config",
    `mise cannot render the template ${template}${why === undefined ? "" : `: ${why}`}`,
    { hint: "Correct it in the project's config, or set the variable that it needs" },
  );
}

/** Converts a failed call to an error, by mise's message. */
export function explainFailure(args: readonly string[], answer: MiseAnswer): MiseOciError {
  const text = answer.stderr.replace(ANSI, "");
  const known = trustError(text) ?? versionError(text) ?? templateError(text) ??
    envError(text) ?? syntaxError(text);
  if (known !== undefined) return known;
  if (answer.killedBy !== undefined) {
    return new MiseOciError("mise", `${describeCall(args)} was ended by ${answer.killedBy}`, {
      hint: answer.killedBy === "SIGKILL"
        ? "The machine may be out of memory; try again"
        : "Try again",
    });
  }
  const message = cleanMessage(answer.stderr);
  const unknownUsage =
    /^(?:mise ERROR )?(?:error: )?(?:unexpected argument|unrecognized subcommand|invalid value '.*' for )/im
      .test(text);
  return new MiseOciError(
    "mise",
    `${describeCall(args)} failed with exit code ${answer.code}${
      message === "" ? "" : `: ${message}`
    }`,
    {
      hint: unknownUsage
        ? `This mise may be too old: ${MINIMUM_MISE_VERSION} or later is needed`
        : message === ""
        ? "Check that it is a real mise, and up to date: run mise version"
        : args[0] === "install"
        ? 'Check names and versions in [tools]; "mise ls-remote NAME" lists the versions that there are'
        : "Run it in the project to see more",
    },
  );
}
