/**
 * The state of progress: a pure function of the events so far and their times.
 * @module
 */
import type { ReportEvent } from "./reporter.ts";

/** Something that is being done. Times are in milliseconds. */
export interface ProgressItem {
  /** Its name to the program. */
  readonly id: string;
  /** Its name to people. */
  readonly label: string;
  /** Total bytes, if known. */
  readonly total?: number;
  /** Bytes done. */
  readonly bytes: number;
  /** When it began. */
  readonly startedAt: number;
  /** When it ended. */
  readonly endedAt?: number;
  /** How it stands. */
  readonly status: "running" | "done" | "failed";
  /** How it ended: `cached`. */
  readonly note?: string;
}

/** Everything that progress shows. */
export interface ProgressState {
  /** Items by id, in the order they began. */
  readonly items: ReadonlyMap<string, ProgressItem>;
  /** What is done now. */
  readonly step?: string;
  /** Bytes done of all items. */
  readonly bytes: number;
  /** Recent bytes per second of all items; absent until it is known. */
  readonly rate?: number;
  /** Time and bytes of the last measurement of the rate. */
  readonly measured: { readonly at: number; readonly bytes: number } | undefined;
  /** Whether the terminal belongs to another program now. */
  readonly suspended: boolean;
}

/** Nothing happened yet. */
export const initialProgress: ProgressState = {
  items: new Map(),
  bytes: 0,
  measured: undefined,
  suspended: false,
};

/** Half-life of the rate's average, in milliseconds. */
const RATE_WINDOW_MS = 2000;

function withItem(state: ProgressState, item: ProgressItem): ProgressState {
  return { ...state, items: new Map(state.items).set(item.id, item) };
}

function finish(
  state: ProgressState,
  event: Extract<ReportEvent, { type: "done" | "failed" }>,
  now: number,
): ProgressState {
  const item = state.items.get(event.id);
  if (item === undefined) return state;
  const note = event.type === "done" ? event.note : undefined;
  return withItem(state, {
    ...item,
    status: event.type,
    endedAt: now,
    ...(note === undefined ? {} : { note }),
  });
}

/** The state after an event at a time. Events of items that never began change nothing. */
export function progressReducer(
  state: ProgressState,
  event: ReportEvent,
  now: number,
): ProgressState {
  switch (event.type) {
    case "start": {
      const { id, label, total } = event;
      const begun = { id, label, bytes: 0, startedAt: now, status: "running" as const };
      return withItem(state, total === undefined ? begun : { ...begun, total });
    }
    case "total": {
      const item = state.items.get(event.id);
      return item === undefined ? state : withItem(state, { ...item, total: event.total });
    }
    case "advance": {
      const item = state.items.get(event.id);
      if (item === undefined) return state;
      const moved = withItem(state, { ...item, bytes: item.bytes + event.bytes });
      return { ...moved, bytes: state.bytes + event.bytes };
    }
    case "done":
    case "failed":
      return finish(state, event, now);
    case "step":
      return { ...state, step: event.text };
    case "suspend":
      return { ...state, suspended: true };
    case "resume":
      return { ...state, suspended: false };
    case "warning":
    case "detail":
      return state;
  }
}

/** The state with its rate measured up to now; for each frame. */
export function measureRate(state: ProgressState, now: number): ProgressState {
  const { measured, bytes } = state;
  if (measured === undefined) return { ...state, measured: { at: now, bytes } };
  const elapsed = now - measured.at;
  if (elapsed < 200) return state;
  const current = (bytes - measured.bytes) / elapsed * 1000;
  const weight = 1 - 0.5 ** (elapsed / RATE_WINDOW_MS);
  const rate = state.rate === undefined ? current : state.rate + (current - state.rate) * weight;
  return { ...state, rate, measured: { at: now, bytes } };
}
