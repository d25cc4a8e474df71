/**
 * Decides where a Huffman block ends: where what comes differs so much from what the block had that codes of
 * its own pay.
 */
import { OBSERVED } from "./tables";

const KINDS: i32 = 10;
/** So many symbols are looked at together. */
const GROUP: u32 = 512;
/** No block is shorter, in bytes: a header costs about 80. */
const SHORTEST: i32 = 5000;

let observed: u32 = 0;
let fresh: u32 = 0;

// @ts-ignore: decorator
@inline
function old(kind: i32): usize {
  return OBSERVED + (<usize> kind << 2);
}

// @ts-ignore: decorator
@inline
function recent(kind: i32): usize {
  return OBSERVED + 64 + (<usize> kind << 2);
}

/** Begins a block. */
export function startObserving(): void {
  memory.fill(OBSERVED, 0, 128);
  observed = 0;
  fresh = 0;
}

/** Notes a literal. */
// @ts-ignore: decorator
@inline
export function observeLiteral(literal: u32): void {
  const at = recent(<i32> (((literal >> 5) & 6) | (literal & 1)));
  store<u32>(at, load<u32>(at) + 1);
  fresh++;
}

/** Notes a match. */
// @ts-ignore: decorator
@inline
export function observeMatch(length: i32): void {
  const at = recent(8 + <i32> (length >= 9));
  store<u32>(at, load<u32>(at) + 1);
  fresh++;
}

/** Whether it is time to ask {@link blockEnds}. */
// @ts-ignore: decorator
@inline
export function shallAsk(length: i32, left: i32): bool {
  return fresh >= GROUP && length >= SHORTEST && left >= SHORTEST;
}

/** Whether a block of `length` bytes should end here. */
export function blockEnds(length: i32): bool {
  if (observed > 0) {
    // How far the shares of the kinds are apart, times both counts.
    let distance: u64 = 0;
    for (let kind = 0; kind < KINDS; kind++) {
      const expected = <u64> load<u32>(old(kind)) * fresh;
      const actual = <u64> load<u32>(recent(kind)) * observed;
      distance += actual > expected ? actual - expected : expected - actual;
    }
    const count = observed + fresh;
    let allowed = (<u64> fresh * 200 / 512) * observed;
    // Small blocks rather go on.
    if (length < 10000 && count < 8192) allowed += allowed * (8192 - count) / 8192;
    if (distance + <u64> (length / 4096) * observed >= allowed) return true;
  }
  for (let kind = 0; kind < KINDS; kind++) {
    store<u32>(old(kind), load<u32>(old(kind)) + load<u32>(recent(kind)));
    store<u32>(recent(kind), 0);
  }
  observed += fresh;
  fresh = 0;
  return false;
}
