/**
 * Reports the problems of an image.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { linkWarning } from "../../layer/relocate/link_warning.ts";
import { describeDuplicate } from "./describe.ts";
import { type Finding, findingsOf, isFailure } from "./findings.ts";
import type { CheckReport, PackageRemedy } from "../mod.ts";
import { packageKey } from "../../plan/project.ts";
import type { WorkflowContext } from "../../context.ts";

/** What to do about commands that do not start: `warn` is the default. */
export type CheckMode = "warn" | "strict" | "off";

/** A finding with its best remedy, as a sentence without a final period. */
function findingText({ message, remedies: [remedy] }: Finding, fixable = false): string {
  if (remedy === undefined) return message;
  const flag = fixable && remedy.packages !== undefined ? ", or give --fix" : "";
  return `${message}. ${remedy.text}${flag}`;
}

/** The packages that would fix problems. */
export function packagesOf(report: CheckReport): readonly PackageRemedy[] {
  const found = findingsOf(report).flatMap(({ ofBase, severity, remedies: [first] }) =>
    ofBase || severity === "detail" ? [] : first?.packages ?? []
  );
  return [...new Map(found.map((one) => [packageKey(one), one])).values()];
}

/** Whether the layers' warnings about dangling links already cover a finding. */
function wasTold({ causes }: Finding, told: readonly string[]): boolean {
  return causes.every((cause) => {
    if (cause.type !== "dangling-link" && cause.type !== "dangling-file") return false;
    const text = linkWarning(cause.file, cause.target);
    return told.some((warning) => warning.endsWith(text));
  });
}

/**
 * Reports the problems of an image.
 *
 * @throws {MiseOciError} `check` if there are any and the check is strict.
 */
export function reportProblems(
  report: CheckReport,
  { check, fixable, told = [] }: {
    readonly check: CheckMode;
    /** Whether `--fix` is available. */
    readonly fixable: boolean;
    /** Warnings that were already shown. */
    readonly told?: readonly string[];
  },
  { reporter }: WorkflowContext,
): void {
  const findings = findingsOf(report);
  const own = findings.filter(({ ofBase, severity }) => !ofBase && severity !== "detail");
  for (const finding of own.filter((one) => !wasTold(one, told))) {
    reporter.emit({ type: "warning", text: findingText(finding, fixable) });
  }
  for (const finding of findings.filter((one) => !own.includes(one))) {
    const place = finding.ofBase ? "In the base: " : "";
    reporter.emit({ type: "detail", level: 1, text: `${place}${findingText(finding)}` });
  }
  for (const duplicate of report.duplicates) {
    reporter.emit({ type: "detail", level: 1, text: describeDuplicate(duplicate) });
  }
  const failures = own.filter(isFailure);
  if (failures.length === 0 || check !== "strict") return;
  const canFix = fixable && packagesOf(report).length > 0;
  throw new MiseOciError(
    "check",
    failures.length === 1
      ? "The image fails its check: see the warning above"
      : `The image fails its check: see the ${failures.length} warnings above`,
    {
      hint: canFix
        ? "Give --fix to write the missing packages into the config file, or leave --strict out"
        : "Follow the warnings, or leave --strict out",
    },
  );
}
