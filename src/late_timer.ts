/**
 * A timer for what mostly ends long before its time. The first `setTimeout` of a process loads twenty
 * modules of Deno's, 12 ms, which a push that has nothing to send would spend for nothing; a signal that
 * times out loads none, but cannot be stopped. So one such signal serves all waits that begin within a
 * moment, and only what still waits after it gets a timer of its own.
 * @module
 */

/** How long nothing is timed exactly, in milliseconds. */
const MOMENT_MS = 500;

interface Wait {
  readonly due: number;
  readonly onTime: () => void;
  timer?: ReturnType<typeof setTimeout>;
}

const waits = new Set<Wait>();
/** Held so that it is not collected before its time. */
let moment: AbortSignal | undefined;

function setTimer(wait: Wait): void {
  wait.timer = setTimeout(wait.onTime, Math.max(0, wait.due - performance.now()));
}

function endMoment(): void {
  moment = undefined;
  for (const wait of waits) setTimer(wait);
  waits.clear();
}

/**
 * Calls `onTime` once so many milliseconds have passed. Unlike `setTimeout` it does not keep the process
 * alive by itself: there must be something that is waited for.
 *
 * @returns what stops it.
 */
export function startLateTimer(milliseconds: number, onTime: () => void): () => void {
  const wait: Wait = { due: performance.now() + milliseconds, onTime };
  if (milliseconds <= MOMENT_MS) setTimer(wait);
  else {
    waits.add(wait);
    if (moment === undefined) {
      moment = AbortSignal.timeout(MOMENT_MS);
      moment.addEventListener("abort", endMoment, { once: true });
    }
  }
  return () => {
    waits.delete(wait);
    if (wait.timer !== undefined) clearTimeout(wait.timer);
  };
}
