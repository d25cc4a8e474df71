/**
 * Codes of minimal length, limited, and canonical (RFC 1951, section 3.2.2).
 */
import { NODES, PER_LENGTH, SORTED } from "./tables";

/** Entry of a table of u64. */
// @ts-ignore: decorator
@inline
function entry(table: usize, index: i32): usize {
  return table + (<usize> index << 3);
}

/** Entry of a table of u32. */
// @ts-ignore: decorator
@inline
function word(table: usize, index: i32): usize {
  return table + (<usize> index << 2);
}

/** Sorts the symbols that occur by frequency, then number, as frequency << 16 | symbol. Answers how many. */
function sortSymbols(counts: usize, symbols: i32): i32 {
  let used = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    const count = load<u32>(word(counts, symbol));
    if (count == 0) continue;
    store<u64>(entry(SORTED, used), (<u64> count << 16) | symbol);
    used++;
  }
  // Heap sort: no bad cases, no memory.
  for (let start = (used >> 1) - 1; start >= 0; start--) sift(start, used);
  for (let end = used - 1; end > 0; end--) {
    const last = entry(SORTED, end);
    const top = load<u64>(SORTED);
    store<u64>(SORTED, load<u64>(last));
    store<u64>(last, top);
    sift(0, end);
  }
  return used;
}

function sift(start: i32, end: i32): void {
  const value = load<u64>(entry(SORTED, start));
  let at = start;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= end) break;
    let larger = load<u64>(entry(SORTED, child));
    if (child + 1 < end) {
      const right = load<u64>(entry(SORTED, child + 1));
      if (right > larger) {
        larger = right;
        child++;
      }
    }
    if (larger <= value) break;
    store<u64>(entry(SORTED, at), larger);
    at = child;
  }
  store<u64>(entry(SORTED, at), value);
}

/**
 * Counts the codes of each length, by the method of two queues: leaves and inner nodes both come in the order
 * of their weight. NODES has of each inner node its weight, then its parent, then its depth; a leaf's parent
 * takes the place of its frequency.
 */
function countLengths(used: i32, limit: i32): void {
  memory.fill(PER_LENGTH, 0, 32 << 2);
  let leaf = 0;
  let inner = 0;
  const last = used - 2;
  for (let made = 0; made <= last; made++) {
    let weight: u64 = 0;
    for (let side = 0; side < 2; side++) {
      const nextLeaf = leaf < used ? load<u64>(entry(SORTED, leaf)) >> 16 : u64.MAX_VALUE;
      const nextInner = inner < made ? load<u64>(entry(NODES, inner)) : u64.MAX_VALUE;
      if (nextLeaf <= nextInner) {
        weight += nextLeaf;
        const at = entry(SORTED, leaf);
        store<u64>(at, (<u64> made << 16) | (load<u64>(at) & 0xffff));
        leaf++;
      } else {
        weight += nextInner;
        store<u64>(entry(NODES, inner), made);
        inner++;
      }
    }
    store<u64>(entry(NODES, made), weight);
  }
  // Depths, from the root down; too deep ones are counted at the limit.
  store<u64>(entry(NODES, last), 0);
  for (let node = last - 1; node >= 0; node--) {
    const at = entry(NODES, node);
    store<u64>(at, load<u64>(entry(NODES, <i32> load<u64>(at))) + 1);
  }
  let excess = 0;
  for (let i = 0; i < used; i++) {
    const parent = <i32> (load<u64>(entry(SORTED, i)) >> 16);
    const depth = <i32> load<u64>(entry(NODES, parent)) + 1;
    const at = word(PER_LENGTH, min(depth, limit));
    store<u32>(at, load<u32>(at) + 1);
    if (depth > limit) excess = 1;
  }
  if (excess != 0) shorten(limit);
}

/** Makes the code complete again after lengths were cut off at the limit. */
function shorten(limit: i32): void {
  let total: u32 = 0;
  for (let length = limit; length > 0; length--) {
    total += load<u32>(word(PER_LENGTH, length)) << (limit - length);
  }
  while (total > <u32> 1 << limit) {
    // One code of the greatest length goes below a shorter code, which gets one bit longer.
    const deepest = word(PER_LENGTH, limit);
    store<u32>(deepest, load<u32>(deepest) - 1);
    for (let length = limit - 1; length > 0; length--) {
      const at = word(PER_LENGTH, length);
      const count = load<u32>(at);
      if (count == 0) continue;
      store<u32>(at, count - 1);
      store<u32>(at + 4, load<u32>(at + 4) + 2);
      break;
    }
    total--;
  }
}

/** Bits of a code in the order in which deflate writes them. */
function reverse(code: u32, bits: i32): u32 {
  let value = code;
  let result: u32 = 0;
  for (let i = 0; i < bits; i++) {
    result = (result << 1) | (value & 1);
    value >>= 1;
  }
  return result;
}

/** Makes lengths (u8) and codes (u32: code << 8 | bits) of an alphabet from its frequencies (u32). */
export function makeCode(counts: usize, symbols: i32, limit: i32, lengths: usize, codes: usize): void {
  memory.fill(lengths, 0, symbols);
  const used = sortSymbols(counts, symbols);
  if (used < 2) {
    // A code has two symbols at least, so that every reader takes it for complete.
    const only = used == 0 ? 0 : <i32> (load<u64>(SORTED) & 0xffff);
    store<u8>(lengths + only, 1);
    store<u8>(lengths + (only == 0 ? 1 : 0), 1);
  } else {
    countLengths(used, limit);
    // The rarest symbols, which come first, get the longest codes.
    let at = 0;
    for (let length = limit; length > 0; length--) {
      for (let i = load<u32>(word(PER_LENGTH, length)); i > 0; i--) {
        store<u8>(lengths + <usize> (load<u64>(entry(SORTED, at)) & 0xffff), length);
        at++;
      }
    }
  }
  assignCodes(symbols, lengths, codes);
}

/** Canonical codes of given lengths. */
export function assignCodes(symbols: i32, lengths: usize, codes: usize): void {
  memory.fill(PER_LENGTH, 0, 32 << 2);
  for (let symbol = 0; symbol < symbols; symbol++) {
    const at = word(PER_LENGTH, load<u8>(lengths + symbol));
    store<u32>(at, load<u32>(at) + 1);
  }
  store<u32>(PER_LENGTH, 0);
  let code: u32 = 0;
  for (let length = 1; length < 16; length++) {
    const at = word(PER_LENGTH, length);
    const count = load<u32>(at);
    store<u32>(at, code);
    code = (code + count) << 1;
  }
  for (let symbol = 0; symbol < symbols; symbol++) {
    const bits = <i32> load<u8>(lengths + symbol);
    if (bits == 0) {
      store<u32>(word(codes, symbol), 0);
      continue;
    }
    const at = word(PER_LENGTH, bits);
    const value = load<u32>(at);
    store<u32>(at, value + 1);
    store<u32>(word(codes, symbol), (reverse(value, bits) << 8) | bits);
  }
}
