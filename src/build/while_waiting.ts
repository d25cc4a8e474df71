/**
 * Waits for the base, which is usually ready soon; otherwise layers are built in the meantime.
 * @module
 */
import type { AheadPlan, BuildAheadOptions } from "./build_ahead.ts";
import type { WorkflowContext } from "../context.ts";

/** Imported on demand: building layers before the base is ready. */
const aheadModule = () => import("./build_ahead.ts");

/** A base that is ready within this time, in milliseconds, was cached. */
const PATIENCE_MS = 50;

/** Whether a promise is settled within a time. */
async function settlesWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  // `setTimeout` is not used, because its first call takes 12 ms to load modules of Deno.
  const time = AbortSignal.timeout(milliseconds);
  time.addEventListener("abort", () => resolve(false), { once: true });
  const settled = promise.then(() => true, () => true);
  return await Promise.race([settled, late]);
}

/**
 * Waits for the base, and builds layers in the meantime if that takes long.
 *
 * @returns The base, and the cache keys of the layers that were built.
 * @throws the error of `base`. Errors of a layer are reported when it is built again.
 */
export async function buildWhileWaiting<T>(
  base: Promise<T>,
  { plan, ...options }: BuildAheadOptions & { readonly plan: AheadPlan },
  context: WorkflowContext,
): Promise<{ readonly base: T; readonly built: ReadonlySet<string> }> {
  const nothing: ReadonlySet<string> = new Set();
  if (plan.from.kind === "scratch" || await settlesWithin(base, PATIENCE_MS)) {
    return { base: await base, built: nothing };
  }
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const { buildAhead } = await aheadModule();
  const ahead = buildAhead(plan, options, { ...context, signal }).catch((error: unknown) => {
    const text = `Not built while the base was on its way: ${error}`;
    if (!signal.aborted) context.reporter.emit({ type: "detail", level: 1, text });
    return nothing;
  });
  try {
    await base;
  } catch (error) {
    stop.abort();
    await ahead;
    throw error;
  }
  return { base: await base, built: await ahead };
}
