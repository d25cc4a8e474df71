/**
 * Finds repetitions quickly: of all positions whose next 4 bytes hash alike, the last 16 are in one row of
 * 64 bytes, a line of the processor's cache. 16 tags (further bits of the hash) are compared at once, and
 * bytes are looked at only where a tag is equal.
 *
 * A row has 16 tags (u8), 16 positions (u16, modulo 65536), and which of them is the newest (u8). An entry
 * that is too old can look like a near one; that costs a comparison and is never wrong, because bytes are
 * always compared. So nothing has to be moved when the window slides.
 */
import { equal3, equalBytes, slot3 } from "./compare";
import { HEAD3, INPUT, ROW_BITS, ROWS, WINDOW } from "./memory";

const AT_POSITIONS: usize = 16;
const AT_NEWEST: usize = 48;

/** Forgets everything. */
export function clearRows(): void {
  memory.fill(ROWS, 0, HEAD3 + (2 << 12) - ROWS);
}

/** Row and tag: the upper bits of the product are the better ones. */
// @ts-ignore: decorator
@inline
function hash4(word: u32): u32 {
  return (word * 0x9e3779b1) >>> (24 - ROW_BITS);
}

// @ts-ignore: decorator
@inline
function rowOf(hash: u32): usize {
  return ROWS + (<usize> (hash >>> 8) << 6);
}

/** Puts a position in the place of the row's oldest. */
// @ts-ignore: decorator
@inline
function put(row: usize, newest: u32, tag: u32, position: i32): void {
  const at = (newest - 1) & 15;
  store<u8>(row, at, AT_NEWEST);
  store<u8>(row + at, tag);
  store<u16>(row + (at << 1), position, AT_POSITIONS);
}

/** Remembers the positions [from, to). */
export function rememberInRows(from: i32, to: i32): void {
  for (let position = from; position < to; position++) {
    const word = load<u32>(INPUT + position);
    const hash = hash4(word);
    const row = rowOf(hash);
    put(row, load<u8>(row, AT_NEWEST), hash, position);
    store<u16>(slot3(word), position);
  }
}

/**
 * Longest match at a position that is longer than `best`, and remembers the position. Looks at `depth`
 * others at most, and is content with `nice` bytes.
 *
 * Answers length << 16 | distance - 1; the length is `best` if there is none.
 */
// @ts-ignore: decorator
@inline
export function longestInRows(
  position: i32,
  best: i32,
  limit: i32,
  nice: i32,
  depth: i32,
): i32 {
  const here = INPUT + position;
  const word = load<u32>(here);
  const hash = hash4(word);
  const row = rowOf(hash);
  const head3 = slot3(word);
  const near: i32 = load<u16>(head3);
  store<u16>(head3, position);
  const newest: u32 = load<u8>(row, AT_NEWEST);
  let hits = <u32> i8x16.bitmask(i8x16.eq(v128.load(row), i8x16.splat(<i8> hash)));
  let found = 0;
  // The last bytes of a block are not worth a case of their own.
  if (limit >= 4 && limit > best) {
    const reach = min(position, WINDOW);
    if (best < 3) {
      const distance = (position - near) & 0xffff;
      if (equal3(position, distance, reach)) {
        best = 3;
        found = distance - 1;
      }
    }
    // The newest first.
    hits = ((hits | (hits << 16)) >>> newest) & 0xffff;
    let last = max(best - 3, 0);
    let tail = load<u32>(here + last);
    while (hits != 0) {
      const at = (ctz(hits) + newest) & 15;
      const distance = (position - load<u16>(row + (<usize> at << 1), AT_POSITIONS)) & 0xffff;
      if (<u32> (distance - 1) >= <u32> reach) break;
      const there = here - distance;
      // What is longer is equal where the best one so far ends.
      if (load<u32>(there + last) == tail && load<u32>(there) == word) {
        const length = equalBytes(here, there, limit);
        if (length > best) {
          best = length;
          found = distance - 1;
          if (best >= nice) break;
          last = best - 3;
          tail = load<u32>(here + last);
        }
      }
      if (--depth == 0) break;
      hits &= hits - 1;
    }
  }
  put(row, newest, hash, position);
  return (best << 16) | found;
}
