/**
 * Lines of a program's output.
 * @module
 */

/** Longest line in characters; what is longer is cut into several, so that memory stays bounded. */
const MAX_LINE = 4096;

/**
 * Splits one stream into lines at `\n`, `\r\n` and `\r` (progress bars); empty lines are left out. Each
 * stream needs a splitter of its own: characters and lines may be divided anywhere between two chunks.
 * `TextLineStream` would keep a line of any length.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { LineSplitter } from "./lines.ts";
 *
 * const lines: string[] = [];
 * const splitter = new LineSplitter((line) => lines.push(line));
 * const bytes = new TextEncoder().encode("first\nsecönd");
 * splitter.take(bytes.subarray(0, 10));
 * splitter.take(bytes.subarray(10));
 * splitter.end();
 * assertEquals(lines, ["first", "secönd"]);
 * ```
 */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** Calls `onLine` for every line, without its end. */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Takes a chunk. */
  take(chunk: Uint8Array): void {
    this.#split(this.#decoder.decode(chunk, { stream: true }));
  }

  /** Takes the end of the stream: what is left is a line, too. */
  end(): void {
    this.#split(`${this.#decoder.decode()}\n`);
  }

  #split(text: string): void {
    const lines = (this.#rest + text).split(/[\r\n]+/);
    const rest = lines.pop() ?? "";
    for (const line of lines) this.#emit(line);
    const whole = rest.length - rest.length % MAX_LINE;
    this.#emit(rest.slice(0, whole));
    this.#rest = rest.slice(whole);
  }

  #emit(line: string): void {
    for (let at = 0; at < line.length; at += MAX_LINE) {
      this.#onLine(line.slice(at, at + MAX_LINE));
    }
  }
}
