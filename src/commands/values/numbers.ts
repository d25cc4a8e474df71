/**
 * Parses numbers, sizes, durations, names and paths.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import type { Place } from "../flag.ts";

function fail(what: string, text: string, hint: string): never {
  throw new MiseOciError("usage", `Cannot parse ${what} ${JSON.stringify(text)}`, { hint });
}

/** Any text except the empty one. @throws {MiseOciError} `usage`. */
export function parseName(text: string): string {
  if (text === "") {
    throw new MiseOciError("usage", "The value is empty", {
      hint: "Write a value; perhaps a variable of the shell is not set",
    });
  }
  return text;
}

/** Makes a path absolute. @throws {MiseOciError} `usage` for an empty text. */
export function parsePath(text: string, place: Place): string {
  return place.resolve(parseName(text));
}

/** An integer from 1 to 1024. @throws {MiseOciError} `usage`. */
export function parseJobs(text: string): number {
  if (!/^[0-9]{1,4}$/.test(text) || Number(text) < 1 || Number(text) > 1024) {
    fail("number of jobs", text, "Write a whole number from 1 to 1024");
  }
  return Number(text);
}

const MILLISECONDS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/**
 * Parses a duration, `90s`, `30m`, `12h`, `7d`, `2w` or a combination (`1d12h`), to milliseconds.
 *
 * @throws {MiseOciError} `usage`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDuration } from "./numbers.ts";
 *
 * assertEquals(parseDuration("1d12h"), 36 * 3_600_000);
 * ```
 */
export function parseDuration(text: string): number {
  if (!/^(?:[0-9]{1,9}(?:\.[0-9]+)?[smhdw])+$/.test(text)) {
    fail("time", text, "Write a number and a unit (s, m, h, d or w), such as 7d or 12h");
  }
  let total = 0;
  for (const [, number, unit] of text.matchAll(/([0-9.]+)([smhdw])/g)) {
    total += Number(number) * (MILLISECONDS[unit ?? ""] ?? 0);
  }
  return Math.round(total);
}

const PREFIXES = "kmgtp";

/**
 * Parses a size to bytes. `kB`, `MB`, `GB` are powers of 1000, `KiB`, `MiB`, `GiB` of 1024, as in printed
 * sizes; letters alone (`10G`) are powers of 1000. Case is ignored.
 *
 * @throws {MiseOciError} `usage`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseByteSize } from "./numbers.ts";
 *
 * assertEquals(parseByteSize("10GB"), 10_000_000_000);
 * assertEquals(parseByteSize("1.5 MiB"), 1_572_864);
 * ```
 */
export function parseByteSize(text: string): number {
  const match = /^([0-9]{1,15}(?:\.[0-9]{1,9})?) ?(?:([kmgtp])?(i)?b?|bytes)$/i.exec(text);
  const [, number = "", prefix = "", binary] = match ?? [];
  const bytes = Math.round(
    Number(number) *
      (binary === undefined ? 1000 : 1024) **
        (prefix === "" ? 0 : PREFIXES.indexOf(prefix.toLowerCase()) + 1),
  );
  // Without a unit, a number could mean bytes or megabytes; 0 is unambiguous.
  const hasUnit = /[a-z]/i.test(text) || Number(text) === 0;
  const bad = match === null || !hasUnit || !Number.isSafeInteger(bytes) ||
    prefix === "" && binary !== undefined;
  return bad ? fail("size", text, "Write a number and a unit, such as 500MB, 10GB or 2GiB") : bytes;
}
