/**
 * What is told of a report: problems with one answer are one finding, so that a program without five
 * libraries, or a tool with forty programs for another system, is one message.
 * @module
 */
import { dirname } from "@std/path/posix";
import { type Cause, causeKey, type Severity, severityOf } from "./cause.ts";
import type { CheckReport, Problem } from "./check_image.ts";
import { describeProblem } from "./describe.ts";
import { remediesFor, type Remedy } from "./remedies.ts";

/** Something to tell, and what to do about it. */
export interface Finding {
  /** One sentence without a final period. */
  readonly message: string;
  /** How grave it is. */
  readonly severity: Severity;
  /** Commands that are, or load, what fails; by name, sorted. */
  readonly commands: readonly string[];
  /** Commands that need one of those to run, by name, sorted. */
  readonly dependents: readonly string[];
  /** Whether only the base's own commands fail. */
  readonly ofBase: boolean;
  /** Everything that is missing or wrong, of one type. */
  readonly causes: readonly [Cause, ...Cause[]];
  /** What to do, the best first. */
  readonly remedies: readonly Remedy[];
}

/** What problems have in common that one finding tells. */
function findingKey({ cause, commands, dependents, ofBase }: Problem): string {
  const parts = (...more: readonly string[]): string =>
    JSON.stringify([cause.type, severityOf(cause), ofBase, more]);
  const who = [...commands, "", ...dependents];
  switch (cause.type) {
    case "missing-perl-module":
      return parts(String(cause.hasOwn), ...who);
    case "missing-library":
      return parts(dirname(cause.elsewhere ?? ""), ...who);
    case "missing-version":
      return parts(cause.library, ...who);
    case "wrong-architecture":
    case "wrong-system":
      return parts(dirname(cause.file), cause.found);
    case "malformed":
    case "not-executable":
    case "dangling-link":
    case "no-program":
      return parts(dirname(cause.file));
    case "host-path":
      return parts(dirname(cause.path));
    case "dangling-file":
      return parts(cause.tool, dirname(cause.target));
    case "missing-module-library":
      return parts(cause.owner, cause.runtime);
    default:
      return parts(causeKey(cause));
  }
}

function union(lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())].sort();
}

/**
 * Whether a finding makes an image fail its check: a command does not start, or a part of it cannot work.
 * What only the base has, its image cannot change; what a command may need is a warning.
 */
export function isFailure({ severity, ofBase }: Pick<Finding, "severity" | "ofBase">): boolean {
  return !ofBase && (severity === "start" || severity === "part");
}

/** The findings of a report, the gravest first. */
export function findingsOf(report: CheckReport): readonly Finding[] {
  const groups = new Map<string, [Problem, ...Problem[]]>();
  for (const problem of report.problems) {
    const key = findingKey(problem);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [problem]);
    else group.push(problem);
  }
  return [...groups.values()].map(([first, ...rest]) => {
    const all = [first, ...rest];
    const commands = union(all.map((problem) => problem.commands));
    const dependents = union(all.map((problem) => problem.dependents))
      .filter((name) => !commands.includes(name));
    const causes: Finding["causes"] = [first.cause, ...rest.map(({ cause }) => cause)];
    return {
      message: describeProblem({ causes, commands, dependents }),
      severity: severityOf(first.cause),
      commands,
      dependents,
      ofBase: first.ofBase,
      causes,
      remedies: remediesFor(causes, report),
    };
  });
}
