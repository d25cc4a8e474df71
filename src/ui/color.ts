/**
 * Colours for terminals.
 * @module
 */

/** Adds a colour to a text, or returns it unchanged. */
export type Paint = (text: string) => string;

/** The colours that messages and progress use. */
export interface Colors {
  /** Errors. */
  readonly red: Paint;
  /** Warnings. */
  readonly yellow: Paint;
  /** Hints and bars. */
  readonly cyan: Paint;
  /** Headings. */
  readonly bold: Paint;
  /** What matters less. */
  readonly dim: Paint;
}

/** The colours, or functions that change nothing if colours are off. */
export function makeColors(enabled: boolean): Colors {
  const paint = (on: number, off: number): Paint =>
    enabled ? (text) => `\x1b[${on}m${text}\x1b[${off}m` : (text) => text;
  return {
    red: paint(31, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
    bold: paint(1, 22),
    dim: paint(2, 22),
  };
}
