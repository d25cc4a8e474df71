/**
 * Groups the problems of a report: problems with the same remedy form one finding, so that a program
 * without five libraries, or a tool with forty programs for another system, gives one message.
 * @module
 */
import { dirname } from "@std/path/posix";
import { type Cause, causeKey, type Severity, severityOf } from "../cause.ts";
import type { CheckReport, Problem } from "../check_image.ts";
import { describeProblem } from "./describe.ts";
import { remediesFor, type Remedy } from "./remedies.ts";

/** A group of problems and their remedies. */
export interface Finding {
  /** One sentence without a final period. */
  readonly message: string;
  /** The severity. */
  readonly severity: Severity;
  /** Commands that fail because they are or load the failing file; sorted by name. */
  readonly commands: readonly string[];
  /** Commands that need one of those to run, sorted by name. */
  readonly dependents: readonly string[];
  /** Whether only commands of the base are affected. */
  readonly ofBase: boolean;
  /** The causes, all of one type. */
  readonly causes: readonly [Cause, ...Cause[]];
  /** Remedies, the best first. */
  readonly remedies: readonly Remedy[];
}

/** The key by which problems are grouped. */
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
 * Whether a finding fails the check: a command does not start, or a part of it cannot work. Problems of the
 * base are not counted, and needs are warnings.
 */
export function isFailure({ severity, ofBase }: Pick<Finding, "severity" | "ofBase">): boolean {
  return !ofBase && (severity === "start" || severity === "part");
}

/** The findings of a report, the most severe first. */
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
