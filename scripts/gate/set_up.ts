/**
 * Preparing one real part: it is ready, this machine cannot have it, or its set-up failed.
 * @module
 */
import { type Part, whyMissing } from "../../tests/support/testbed.ts";

/** One part and how it is prepared. */
export interface Step {
  readonly part: Part;
  /** Parts without which this one cannot be had. */
  readonly needs?: readonly Part[];
  /** Why this machine cannot have it, asked before. */
  readonly unavailable?: () => string | undefined | Promise<string | undefined>;
  readonly prepare: () => Promise<unknown>;
  /** Why the machine could not have it after all, asked when preparing failed. */
  readonly excuse?: () => Promise<string | undefined>;
}

/** How a step ended. */
export interface StepResult {
  readonly outcome: "ready" | "skipped" | "failed";
  readonly reason?: string;
}

/** The message of what was thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, " ").slice(0, 300);
}

/**
 * Prepares a part.
 * @param missing receives the reason if this machine cannot have the part. A part that failed is not put there:
 * the gate fails for it, whatever the tests that need it do.
 */
export async function provide(
  { part, needs = [], unavailable, prepare, excuse }: Step,
  missing: Partial<Record<Part, string>>,
): Promise<StepResult> {
  const skip = (reason: string): StepResult => {
    missing[part] = reason;
    return { outcome: "skipped", reason };
  };
  const lacks = needs.map((need) => whyMissing(need, missing)).find((one) => one !== undefined);
  const before = missing[part] ?? lacks ?? await unavailable?.();
  if (before !== undefined) return skip(before);
  try {
    await prepare();
    return { outcome: "ready" };
  } catch (error) {
    const reason = await excuse?.();
    return reason === undefined ? { outcome: "failed", reason: messageOf(error) } : skip(reason);
  }
}
