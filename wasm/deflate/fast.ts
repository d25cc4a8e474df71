/**
 * Finds repetitions with the least work: one earlier position for each hash of 4 bytes. Positions are kept
 * modulo 65536; see rows.ts.
 */
import { equalBytes } from "./compare";
import { HEAD4, INPUT, MAX_LENGTH, WINDOW } from "./memory";

/** log2 of the number of hashes: 16 KiB of positions, half of a core's nearest cache. */
const BITS: u32 = 13;

/** Forgets everything. */
export function clearFast(): void {
  memory.fill(HEAD4, 0, 2 << BITS);
}

// @ts-ignore: decorator
@inline
function slot(word: u32): usize {
  return HEAD4 + (<usize> ((word * 0x9e3779b1) >>> (32 - BITS)) << 1);
}

/** Remembers a position. */
// @ts-ignore: decorator
@inline
export function rememberFast(position: i32): void {
  store<u16>(slot(load<u32>(INPUT + position)), position);
}

/** Remembers the positions [from, to). */
export function rememberAllFast(from: i32, to: i32): void {
  for (let position = from; position < to; position++) rememberFast(position);
}

/** A match of 4 bytes or more at a position, as length << 16 | distance - 1, or 0. Remembers the position. */
// @ts-ignore: decorator
@inline
export function matchFast(position: i32, end: i32): i32 {
  const here = INPUT + position;
  const word = load<u32>(here);
  const at = slot(word);
  const distance = (position - load<u16>(at)) & 0xffff;
  store<u16>(at, position);
  if (<u32> (distance - 1) >= <u32> min(position, WINDOW)) return 0;
  if (load<u32>(here - distance) != word || end - position < 4) return 0;
  const length = equalBytes(here, here - distance, min(MAX_LENGTH, end - position));
  return (length << 16) | (distance - 1);
}
