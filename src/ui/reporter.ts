/**
 * Progress and messages as events. Modules emit them; a driver on stderr displays them (or not).
 * @module
 */

/** Something the user should know. */
export interface WarningEvent {
  /** The kind of event. */
  readonly type: "warning";
  /** One sentence. */
  readonly text: string;
  /** The complete list of what the sentence counts: shown with `-v`, and in JSON. */
  readonly items?: readonly string[];
}

/** An event. `id` identifies a running item; `label` is its text for display. */
export type ReportEvent =
  /** An item begins: a blob that is pulled, a layer that is built. */
  | { readonly type: "start"; readonly id: string; readonly label: string; readonly total?: number }
  /** The item's total became known. */
  | { readonly type: "total"; readonly id: string; readonly total: number }
  /** The item advanced by this number of bytes. */
  | { readonly type: "advance"; readonly id: string; readonly bytes: number }
  /** The item ended; `note` is the result: `cached`, `already present`, `mounted`. */
  | { readonly type: "done"; readonly id: string; readonly note?: string }
  /** The item failed; the error itself is thrown. */
  | { readonly type: "failed"; readonly id: string }
  /** One line about the current step. */
  | { readonly type: "step"; readonly text: string }
  /** The terminal belongs to another program (a container) from here on: draw nothing. */
  | { readonly type: "suspend" }
  /** mise-oci may draw on the terminal again. */
  | { readonly type: "resume" }
  /** Something the user should know. */
  | WarningEvent
  /** Detail for `-v` (1) or `-vv` (2). */
  | { readonly type: "detail"; readonly level: 1 | 2; readonly text: string };

/** Takes events; never throws. */
export interface Reporter {
  /** Reports one event. */
  emit(event: ReportEvent): void;
}

/** A reporter that drops everything. */
export const silentReporter: Reporter = { emit: () => {} };
