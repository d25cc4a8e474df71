/**
 * A clock that never waits: `sleep` moves it on and resolves.
 * @module
 */

/** A clock for tests; fits `Clock` of src/registry. */
export interface FakeClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Moves the clock on and resolves at once. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Moves the clock on. */
  advance(ms: number): void;
  /** What was slept, in order, in milliseconds. */
  readonly slept: readonly number[];
}

/** Creates a clock that stands at 2026-01-01. */
export function fakeClock(start: number = Date.UTC(2026, 0, 1)): FakeClock {
  let now = start;
  const slept: number[] = [];
  return {
    now: () => now,
    sleep: (ms, signal) => {
      if (signal?.aborted) return Promise.reject(signal.reason);
      slept.push(ms);
      now += ms;
      return Promise.resolve();
    },
    advance: (ms) => {
      now += ms;
    },
    slept,
  };
}
