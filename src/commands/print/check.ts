/**
 * The output of `check`.
 * @module
 */
import { formatPlatform } from "../../oci/platform.ts";
import { isFailure } from "../../check/report/findings.ts";
import { escapeLine, joinLines } from "../../ui/text.ts";
import type { CheckProblem, CheckResult } from "../../workflow/check_image.ts";
import type { Output } from "../command.ts";

function problemLines({ message, remedies }: CheckProblem): readonly string[] {
  return [
    `- ${escapeLine(message)}`,
    ...remedies.map(({ text }, i) => `  ${i === 0 ? "fix:" : "or: "} ${escapeLine(text)}`),
  ];
}

function section(title: string, problems: readonly CheckProblem[]): readonly string[] {
  return problems.length === 0 ? [] : ["", title, ...problems.flatMap(problemLines)];
}

/** How many commands start. */
function summary({ image, commands, problems }: CheckResult): string {
  if (commands === 0) return `${escapeLine(image)}: there is no command on its PATH`;
  const failing = new Set(
    problems.filter(({ severity }) => severity === "start").flatMap((
      one,
    ) => [...one.commands, ...one.dependents]),
  ).size;
  const what = commands === 1 ? "1 command" : `${commands} commands`;
  const how = failing === 0
    ? "all start"
    : failing === 1
    ? "1 does not start"
    : `${failing} do not start`;
  return `${escapeLine(image)}: ${what}, ${how}`;
}

/** Notes that only one of several platforms was checked. */
function platformLines({ platform, platforms }: CheckResult): readonly string[] {
  if (platforms.length < 2) return [];
  return [
    `Checked only for ${formatPlatform(platform)}, of ${
      platforms.map(formatPlatform).join(", ")
    }: ` +
    "--platform checks another",
  ];
}

/** Whether an image passes the check. */
export function passes({ problems }: CheckResult): boolean {
  return !problems.some(isFailure);
}

/** The output of `check`. */
export function checkOutput(
  result: CheckResult,
  { quiet, verbose }: { readonly quiet: boolean; readonly verbose: boolean },
): Output {
  const { image, digest, platform, platforms, commands, problems, duplicates } = result;
  const failures = problems.filter(isFailure);
  const ofSeverity = (wanted: CheckProblem["severity"]): readonly CheckProblem[] =>
    problems.filter(({ severity, ofBase }) => !ofBase && severity === wanted);
  return {
    text: (columns) =>
      joinLines(
        quiet ? failures.map(({ message }) => escapeLine(message)) : [
          summary(result),
          ...platformLines(result),
          ...section("Problems:", failures),
          ...section("Needed at run time:", ofSeverity("need")),
          ...section("Rarely needed:", verbose ? ofSeverity("detail") : []),
          ...section("Problems of the base:", problems.filter(({ ofBase }) => ofBase)),
          ...(duplicates.length === 0 ? [] : ["", "Commands provided by two tools:"]),
          ...duplicates.map(({ message }) => `- ${escapeLine(message)}`),
        ],
        columns,
      ),
    json: () => ({
      image,
      digest,
      platform: formatPlatform(platform),
      platforms: platforms.map(formatPlatform),
      ok: passes(result),
      commands,
      problems,
      duplicates,
    }),
  };
}
