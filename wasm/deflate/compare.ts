/**
 * What both ways of finding repetitions share.
 */
import { HEAD3, INPUT } from "./memory";

/** Place of the last position for the next 3 bytes. */
// @ts-ignore: decorator
@inline
export function slot3(word: u32): usize {
  return HEAD3 + (<usize> (((word << 8) * 0x9e3779b1) >>> 20) << 1);
}

/** Number of equal bytes of two places, 4 of which are known to be equal. */
// @ts-ignore: decorator
@inline
export function equalBytes(a: usize, b: usize, limit: i32): i32 {
  let length = 4;
  while (length < limit) {
    const difference = load<u64>(a + length) ^ load<u64>(b + length);
    if (difference != 0) return min(limit, length + <i32> (ctz(difference) >> 3));
    length += 8;
  }
  return limit;
}

/** Whether the 3 bytes at a position are those `distance` before, which is at most `reach`. */
// @ts-ignore: decorator
@inline
export function equal3(position: i32, distance: i32, reach: i32): bool {
  if (<u32> (distance - 1) >= <u32> reach) return false;
  const here = INPUT + position;
  return ((load<u32>(here - distance) ^ load<u32>(here)) << 8) == 0;
}
