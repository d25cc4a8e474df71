/**
 * Problems in words.
 * @module
 */
import type { Cause } from "./cause.ts";
import type { Duplicate, Problem } from "./check_image.ts";

const SHOWN = 5;

/** Names as a list in a sentence: `a`, `a and b`, `a, b and c`, `a, b, c, d, e and 3 more`. */
export function listNames(names: readonly string[]): string {
  if (names.length > SHOWN + 1) {
    return `${names.slice(0, SHOWN).join(", ")} and ${names.length - SHOWN} more`;
  }
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}

/** A cause as a clause. */
export function describeCause(cause: Cause): string {
  switch (cause.type) {
    case "missing-library":
      return `the library ${cause.library} is missing, which ${cause.file} needs`;
    case "missing-version":
      return `${cause.file} needs ${cause.version}, which ${cause.library} does not have`;
    case "missing-loader":
      return `its loader ${cause.loader} is missing`;
    case "missing-interpreter":
      return `${JSON.stringify(cause.interpreter)} is missing, which its first line names`;
    case "missing-command":
      return `${cause.command} is not on the image's PATH, which its first line asks env for`;
    case "missing-entrypoint":
      return `the image's ${cause.field} names it, and it is not in the image`;
    case "wrong-architecture":
      return `${cause.file} is for ${cause.found}, not for ${cause.expected}`;
    case "wrong-system":
      return `${cause.file} is for another system (${cause.found})`;
    case "malformed":
      return `${cause.file} is damaged: ${cause.reason}`;
    case "not-executable":
      return `${cause.file} may not be executed`;
    case "dangling-link":
      return `${cause.file} is a link to ${
        JSON.stringify(cause.target)
      }, which is not in the image`;
    case "endless-scripts":
      return `${cause.file} is a script whose interpreters are scripts without end`;
  }
}

/**
 * A problem as a sentence without a final period: which commands, why, and which others depend on them.
 */
export function describeProblem({ cause, commands, dependents }: Problem): string {
  const first = commands.length > 0 ? commands : dependents;
  const verb = first.length === 1 ? "does" : "do";
  const others = commands.length > 0 && dependents.length > 0
    ? `, nor ${dependents.length === 1 ? "does" : "do"} ${listNames(dependents)}, which need${
      dependents.length === 1 ? "s" : ""
    } ${commands.length === 1 ? "it" : "them"}`
    : "";
  return `${listNames(first)} ${verb} not start in the image: ${describeCause(cause)}${others}`;
}

/** Two tools with one command as a sentence without a final period. */
export function describeDuplicate({ command, winner, shadowed }: Duplicate): string {
  const others = listNames([...new Set(shadowed.map(({ tool }) => tool))]);
  return `${command} is that of ${winner.tool}; ${others} ${
    shadowed.length === 1 ? "has" : "have"
  } one too`;
}
