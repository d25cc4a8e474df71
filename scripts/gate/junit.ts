/**
 * What a run of `deno test --junit-path` says.
 * @module
 */

/** One test or step. */
export interface TestCase {
  readonly name: string;
  /** Seconds. */
  readonly seconds: number;
  readonly outcome: "passed" | "failed" | "skipped";
}

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

function outcomeOf(text: string): TestCase["outcome"] {
  if (/<(?:failure|error)\b/.test(text)) return "failed";
  return /<skipped\b/.test(text) ? "skipped" : "passed";
}

/** Parses a JUnit report as Deno writes it. @throws {SyntaxError} if the text is not a whole report. */
export function parseJunit(xml: string): readonly TestCase[] {
  if (!xml.includes("<testsuites") || !xml.trimEnd().endsWith("</testsuites>")) {
    throw new SyntaxError("Cannot parse JUnit report: no complete <testsuites> element");
  }
  const cases = xml.matchAll(/<testcase name="([^"]*)"([^>]*)>([^]*?)<\/testcase>/g);
  return [...cases].map(([, name = "", attributes = "", content = ""]) => ({
    name: unescapeXml(name),
    seconds: Number(/\btime="([\d.]+)"/.exec(attributes)?.[1] ?? 0),
    outcome: outcomeOf(content),
  }));
}

/** Counts tests. */
export function countTests(cases: readonly TestCase[]): TestCounts {
  const names = (outcome: TestCase["outcome"]): readonly string[] =>
    cases.filter((one) => one.outcome === outcome).map(({ name }) => name);
  return {
    passed: names("passed").length,
    failed: names("failed"),
    skipped: names("skipped"),
  };
}

/** The sum of two results. */
export function addCounts(a: TestCounts, b: TestCounts): TestCounts {
  return {
    passed: a.passed + b.passed,
    failed: [...a.failed, ...b.failed],
    skipped: [...a.skipped, ...b.skipped],
  };
}
