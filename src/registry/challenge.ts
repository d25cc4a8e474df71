/**
 * `WWW-Authenticate` challenges (RFC 9110, 11.6.1; distribution's "Token Authentication").
 * @module
 */

/** One challenge. */
export interface Challenge {
  /** Scheme in lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Parameters, names in lower case; for duplicate names the first is used. */
  readonly params: ReadonlyMap<string, string>;
}

/** Longer headers are truncated: no registry sends that much. */
const MAX_HEADER = 16 * 1024;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y;

/** Scans the header text; every step moves forward, so scanning always ends. */
class Scanner {
  #at = 0;
  constructor(readonly text: string) {}

  get done(): boolean {
    return this.#at >= this.text.length;
  }

  /** Skips white space and, if requested, commas. */
  skip(commas: boolean): void {
    while (!this.done && (commas ? /[\s,]/ : /\s/).test(this.text[this.#at] ?? "")) this.#at++;
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** Takes a character, if it is the one expected. */
  takeChar(char: string): boolean {
    if (this.text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /** Moves past a character that fits nowhere. */
  drop(): void {
    this.#at++;
  }

  /** The rest of a quoted string whose opening quote was taken; an unclosed one ends with the text. */
  quoted(): string {
    const parts: string[] = [];
    while (!this.done) {
      const char = this.text[this.#at++] ?? "";
      if (char === '"') break;
      parts.push(char === "\\" ? this.text[this.#at++] ?? "" : char);
    }
    return parts.join("");
  }
}

/**
 * Parses a `WWW-Authenticate` header: several challenges, and several headers joined by `, `, in order.
 * Never throws; skips what cannot be parsed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseChallenges } from "./challenge.ts";
 *
 * const [bearer, basic] = parseChallenges('Bearer realm="https://a/token",service="a", Basic realm="x"');
 * assertEquals(bearer?.params.get("realm"), "https://a/token");
 * assertEquals(basic?.scheme, "basic");
 * ```
 */
export function parseChallenges(header: string | null): Challenge[] {
  const scanner = new Scanner((header ?? "").slice(0, MAX_HEADER));
  const challenges: { scheme: string; params: Map<string, string> }[] = [];
  for (scanner.skip(true); !scanner.done; scanner.skip(true)) {
    const word = scanner.take(TOKEN)?.toLowerCase();
    if (word === undefined) {
      if (scanner.takeChar('"')) scanner.quoted();
      else scanner.drop();
      continue;
    }
    scanner.skip(false);
    if (!scanner.takeChar("=")) {
      challenges.push({ scheme: word, params: new Map() });
      // `Negotiate dG9rZW4=`: the token is neither a parameter nor the next scheme.
      if (/^(?:negotiate|ntlm)$/.test(word)) scanner.take(TOKEN68);
      continue;
    }
    scanner.skip(false);
    const value = scanner.takeChar('"') ? scanner.quoted() : scanner.take(/[^\s,"]+/y) ?? "";
    const params = challenges.at(-1)?.params;
    if (params !== undefined && !params.has(word)) params.set(word, value);
  }
  return challenges;
}
