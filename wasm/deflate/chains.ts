/**
 * Finds repetitions thoroughly: all positions of the window whose next 4 bytes hash alike form a chain, the
 * newest first, which is followed as far as wanted. Positions are kept modulo 65536; see rows.ts.
 */
import { equal3, equalBytes, slot3 } from "./compare";
import { HEAD3, HEAD4, INPUT, NEXT, TABLES, WINDOW } from "./memory";

/** Forgets everything. */
export function clearChains(): void {
  memory.fill(HEAD4, 0, TABLES - HEAD4);
}

// @ts-ignore: decorator
@inline
function slot4(word: u32): usize {
  return HEAD4 + (<usize> ((word * 0x9e3779b1) >>> 16) << 1);
}

// @ts-ignore: decorator
@inline
function next(position: i32): usize {
  return NEXT + (<usize> (position & (WINDOW - 1)) << 1);
}

/** Remembers the positions [from, to). */
export function rememberInChains(from: i32, to: i32): void {
  for (let position = from; position < to; position++) {
    const word = load<u32>(INPUT + position);
    const head = slot4(word);
    store<u16>(next(position), load<u16>(head));
    store<u16>(head, position);
    store<u16>(slot3(word), position);
  }
}

/** As `longestInRows`. */
export function longestInChains(
  position: i32,
  best: i32,
  limit: i32,
  nice: i32,
  depth: i32,
): i32 {
  const here = INPUT + position;
  const word = load<u32>(here);
  const head = slot4(word);
  let candidate: i32 = load<u16>(head);
  store<u16>(head, position);
  store<u16>(next(position), candidate);
  const head3 = slot3(word);
  const near: i32 = load<u16>(head3);
  store<u16>(head3, position);
  if (limit < 4 || limit <= best) return best << 16;
  let found = 0;
  const reach = min(position, WINDOW);
  if (best < 3) {
    const distance = (position - near) & 0xffff;
    if (equal3(position, distance, reach)) {
      best = 3;
      found = distance - 1;
    }
  }
  let last = max(best - 3, 0);
  let tail = load<u32>(here + last);
  let before = 0;
  for (; depth > 0; depth--) {
    const distance = (position - candidate) & 0xffff;
    // What is not farther than the one before has been overwritten: the chain ends.
    if (distance <= before || distance > reach) break;
    before = distance;
    candidate = load<u16>(next(candidate));
    const there = here - distance;
    if (load<u32>(there + last) != tail || load<u32>(there) != word) continue;
    const length = equalBytes(here, there, limit);
    if (length <= best) continue;
    best = length;
    found = distance - 1;
    if (best >= nice || best >= limit) break;
    last = best - 3;
    tail = load<u32>(here + last);
  }
  return (best << 16) | found;
}
