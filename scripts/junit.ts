/**
 * What a run of `deno test --junit-path` says.
 * @module
 */

/** The result of one or more test runs. */
export interface TestCounts {
  /** Tests and steps that passed. */
  readonly passed: number;
  /** Names of those that failed. */
  readonly failed: readonly string[];
  /** Names of those that were skipped; the name says why. */
  readonly skipped: readonly string[];
}

/** No tests at all. */
export const NO_TESTS: TestCounts = { passed: 0, failed: [], skipped: [] };

function unescapeXml(text: string): string {
  const names: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => names[name] ?? "");
}

/** Parses a JUnit report as Deno writes it. @throws {SyntaxError} if the text is no report. */
export function parseJunit(xml: string): TestCounts {
  if (!xml.includes("<testsuites") || !xml.trimEnd().endsWith("</testsuites>")) {
    throw new SyntaxError("Cannot parse JUnit report: no complete <testsuites> element");
  }
  let passed = 0;
  const failed: string[] = [];
  const skipped: string[] = [];
  for (const match of xml.matchAll(/<testcase name="([^"]*)"[^>]*>([^]*?)<\/testcase>/g)) {
    const name = unescapeXml(match[1] ?? "");
    const outcome = match[2] ?? "";
    if (/<(?:failure|error)\b/.test(outcome)) failed.push(name);
    else if (/<skipped\b/.test(outcome)) skipped.push(name);
    else passed++;
  }
  return { passed, failed, skipped };
}

/** The sum of two results. */
export function addCounts(a: TestCounts, b: TestCounts): TestCounts {
  return {
    passed: a.passed + b.passed,
    failed: [...a.failed, ...b.failed],
    skipped: [...a.skipped, ...b.skipped],
  };
}
