/**
 * "Did you mean …?" for keys of `[oci]`, commands and flags.
 * @module
 */

/**
 * The Damerau–Levenshtein distance (adjacent letters swapped count once) of two words.
 */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + same,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** Letters only, in lower case: `mountPoint`, `mount-point` and `mount_point` are one word. */
function normalise(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/**
 * The candidate that `word` was probably meant to be, or `undefined` if none is near: at most one
 * mistake in three letters. Case, `-` and `_` do not count; a candidate that begins with `word` (three
 * letters or more) is near. Of equally near ones the first is taken.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { nearest } from "./suggest.ts";
 *
 * assertEquals(nearest("entrypont", ["cmd", "entrypoint"]), "entrypoint");
 * assertEquals(nearest("--mountpoint", ["--from", "--mount-point"]), "--mount-point");
 * assertEquals(nearest("--form", ["--format", "--from"]), "--from");
 * assertEquals(nearest("zebra", ["cmd", "entrypoint"]), undefined);
 * ```
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = normalise(word).slice(0, 64);
  if (wanted === "") return undefined;
  let best: { candidate: string; score: number } | undefined;
  for (const candidate of candidates) {
    const name = normalise(candidate);
    const prefix = wanted.length >= 3 && name.startsWith(wanted);
    const mistakes = distance(wanted, name);
    const near = mistakes <= Math.max(1, Math.floor(Math.max(wanted.length, name.length) / 3));
    if (!prefix && !near) continue;
    // `--form` is rather `--from` with two letters swapped than the beginning of `--format`.
    const score = prefix ? Math.min(mistakes, 1.5) : mistakes;
    if (best === undefined || score < best.score) best = { candidate, score };
  }
  return best?.candidate;
}
