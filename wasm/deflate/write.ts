/**
 * Writes Huffman blocks: with codes of their own, with the fixed ones, or stored, whichever is shortest
 * (RFC 1951, section 3.2.3).
 */
import { alignBits, out, pending, pendingBits, putBits, setBits } from "./bits";
import { assignCodes, makeCode } from "./huffman";
import { INPUT, MAX_LENGTH, SEQUENCES } from "./memory";
import {
  ALL_LENGTHS,
  DISTANCE_CODES,
  DISTANCE_COUNTS,
  DISTANCE_LENGTHS,
  distanceExtra,
  DISTANCES,
  distanceSymbol,
  LENGTH_CODES,
  lengthBase,
  lengthExtra,
  lengthSymbol,
  LITERAL_CODES,
  LITERAL_COUNTS,
  LITERAL_LENGTHS,
  LITERALS,
  PRECODE_CODES,
  PRECODE_COUNTS,
  PRECODE_LENGTHS,
  RUNS,
} from "./tables";

const END: i32 = 256;
/** With 14 bits at most, four literals fit into the 57 bits that are free. */
const LITERAL_LIMIT: i32 = 14;
/** A stored block has so many bytes at most. */
const STORED_LIMIT: i32 = 65535;

/** Writes the block of input [from, to) that the sequences describe. */
export function writeBlock(from: i32, to: i32, sequences: i32, last: bool): void {
  store<u32>(LITERAL_COUNTS + (END << 2), 1);
  makeCode(LITERAL_COUNTS, LITERALS, LITERAL_LIMIT, LITERAL_LENGTHS, LITERAL_CODES);
  makeCode(DISTANCE_COUNTS, DISTANCES, 15, DISTANCE_LENGTHS, DISTANCE_CODES);
  let literals = LITERALS;
  while (literals > 257 && load<u8>(LITERAL_LENGTHS + literals - 1) == 0) literals--;
  let distances = DISTANCES;
  while (distances > 1 && load<u8>(DISTANCE_LENGTHS + distances - 1) == 0) distances--;
  const runs = makeRuns(literals, distances);
  makeCode(PRECODE_COUNTS, 19, 7, PRECODE_LENGTHS, PRECODE_CODES);
  let precodes = 19;
  while (precodes > 4 && load<u8>(PRECODE_LENGTHS + order(precodes - 1)) == 0) precodes--;

  const extra = extraCost();
  const own = 3 + 14 + 3 * precodes + runsCost(runs) + extra + codesCost();
  const fixed = 3 + extra + fixedCost();
  const length = to - from;
  const stored = 8 * length + 40 * (1 + length / STORED_LIMIT) + 3;
  if (stored <= min(own, fixed)) {
    writeStored(from, to, last);
    return;
  }
  if (fixed <= own) {
    putBits(<u32> last | 2, 3);
    setFixed();
  } else {
    putBits(<u32> last | 4, 3);
    writeCodes(literals, distances, precodes, runs);
  }
  fillLengthCodes();
  writeSequences(from, sequences);
}

/** Cost in bits of what follows codes. */
function extraCost(): i32 {
  let bits = 0;
  for (let symbol = 8; symbol < 28; symbol++) {
    bits += <i32> load<u32>(LITERAL_COUNTS + (<usize> (257 + symbol) << 2)) * lengthExtra(symbol);
  }
  for (let slot = 4; slot < DISTANCES; slot++) {
    bits += <i32> load<u32>(DISTANCE_COUNTS + (<usize> slot << 2)) * distanceExtra(slot);
  }
  return bits;
}

function codesCost(): i32 {
  let bits = 0;
  for (let i = 0; i < LITERALS; i++) {
    bits += <i32> load<u32>(LITERAL_COUNTS + (<usize> i << 2)) * load<u8>(LITERAL_LENGTHS + i);
  }
  for (let i = 0; i < DISTANCES; i++) {
    bits += <i32> load<u32>(DISTANCE_COUNTS + (<usize> i << 2)) * load<u8>(DISTANCE_LENGTHS + i);
  }
  return bits;
}

// @ts-ignore: decorator
@inline
function fixedLength(symbol: i32): i32 {
  return symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
}

function fixedCost(): i32 {
  let bits = 0;
  for (let i = 0; i < LITERALS; i++) {
    bits += <i32> load<u32>(LITERAL_COUNTS + (<usize> i << 2)) * fixedLength(i);
  }
  for (let i = 0; i < DISTANCES; i++) {
    bits += <i32> load<u32>(DISTANCE_COUNTS + (<usize> i << 2)) * 5;
  }
  return bits;
}

function setFixed(): void {
  for (let i = 0; i < 288; i++) store<u8>(LITERAL_LENGTHS + i, fixedLength(i));
  memory.fill(DISTANCE_LENGTHS, 5, 32);
  assignCodes(288, LITERAL_LENGTHS, LITERAL_CODES);
  assignCodes(32, DISTANCE_LENGTHS, DISTANCE_CODES);
}

/** Order in which lengths of the precode are written. */
// @ts-ignore: decorator
@inline
function order(i: i32): i32 {
  // 16 17 18 0, then 8 and its neighbours by turns.
  if (i < 3) return 16 + i;
  if (i == 3) return 0;
  return (i & 1) == 0 ? 6 + (i >> 1) : 8 - ((i - 3) >> 1);
}

/** The lengths of both codes as runs: symbol | extra bits << 8. Answers how many. */
function makeRuns(literals: i32, distances: i32): i32 {
  memory.fill(PRECODE_COUNTS, 0, 32 << 2);
  memory.copy(ALL_LENGTHS, LITERAL_LENGTHS, literals);
  memory.copy(ALL_LENGTHS + literals, DISTANCE_LENGTHS, distances);
  const total = literals + distances;
  let runs = 0;
  for (let i = 0; i < total;) {
    const value = load<u8>(ALL_LENGTHS + i);
    let end = i + 1;
    while (end < total && load<u8>(ALL_LENGTHS + end) == value) end++;
    let left = end - i;
    i = end;
    if (value == 0) {
      while (left >= 11) {
        const part = min(left, 138);
        runs = addRun(runs, 18, part - 11);
        left -= part;
      }
      if (left >= 3) {
        runs = addRun(runs, 17, left - 3);
        left = 0;
      }
    } else if (left >= 4) {
      runs = addRun(runs, value, 0);
      left--;
      while (left >= 3) {
        const part = min(left, 6);
        runs = addRun(runs, 16, part - 3);
        left -= part;
      }
    }
    while (left-- > 0) runs = addRun(runs, value, 0);
  }
  return runs;
}

function addRun(runs: i32, symbol: i32, extra: i32): i32 {
  const at = PRECODE_COUNTS + (<usize> symbol << 2);
  store<u32>(at, load<u32>(at) + 1);
  store<u32>(RUNS + (<usize> runs << 2), symbol | (extra << 8));
  return runs + 1;
}

// @ts-ignore: decorator
@inline
function runExtra(symbol: i32): i32 {
  return symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
}

function runsCost(runs: i32): i32 {
  let bits = 0;
  for (let i = 0; i < runs; i++) {
    const symbol = <i32> load<u8>(RUNS + (<usize> i << 2));
    bits += <i32> load<u8>(PRECODE_LENGTHS + symbol) + runExtra(symbol);
  }
  return bits;
}

function writeCodes(literals: i32, distances: i32, precodes: i32, runs: i32): void {
  putBits(literals - 257, 5);
  putBits(distances - 1, 5);
  putBits(precodes - 4, 4);
  for (let i = 0; i < precodes; i++) putBits(load<u8>(PRECODE_LENGTHS + order(i)), 3);
  for (let i = 0; i < runs; i++) {
    const run = load<u32>(RUNS + (<usize> i << 2));
    const symbol = <i32> (run & 0xff);
    const code = load<u32>(PRECODE_CODES + (<usize> symbol << 2));
    putBits(code >> 8, <i32> (code & 0xff));
    if (symbol >= 16) putBits(run >> 8, runExtra(symbol));
  }
}

/** The bits of each length with its extra ones. */
function fillLengthCodes(): void {
  for (let length = 3; length <= MAX_LENGTH; length++) {
    const symbol = lengthSymbol(length);
    const code = load<u32>(LITERAL_CODES + (<usize> (257 + symbol) << 2));
    const bits = code & 0xff;
    const extra = length - lengthBase(symbol);
    const all = (code >> 8) | (<u32> extra << bits);
    store<u32>(LENGTH_CODES + (<usize> length << 2), (all << 8) | (bits + lengthExtra(symbol)));
  }
}

/** Writes literals and matches: the only loop here that every byte goes through. */
function writeSequences(from: i32, sequences: i32): void {
  let bits = pending;
  let count = pendingBits;
  let to = out;
  let input = INPUT + from;
  for (let at = SEQUENCES, end = SEQUENCES + (<usize> sequences << 3); at < end; at += 8) {
    let run = load<u32>(at);
    for (; run >= 4; run -= 4) {
      const four = load<u32>(input);
      input += 4;
      const a = load<u32>(LITERAL_CODES + (<usize> (four & 0xff) << 2));
      const b = load<u32>(LITERAL_CODES + (<usize> ((four >> 8) & 0xff) << 2));
      const c = load<u32>(LITERAL_CODES + (<usize> ((four >> 16) & 0xff) << 2));
      const d = load<u32>(LITERAL_CODES + (<usize> (four >> 24) << 2));
      bits |= <u64> (a >> 8) << count;
      count += a & 0xff;
      bits |= <u64> (b >> 8) << count;
      count += b & 0xff;
      bits |= <u64> (c >> 8) << count;
      count += c & 0xff;
      bits |= <u64> (d >> 8) << count;
      count += d & 0xff;
      store<u64>(to, bits);
      to += <usize> (count >> 3);
      bits >>= count & 56;
      count &= 7;
    }
    for (; run > 0; run--) {
      const code = load<u32>(LITERAL_CODES + (<usize> load<u8>(input++) << 2));
      bits |= <u64> (code >> 8) << count;
      count += code & 0xff;
    }
    store<u64>(to, bits);
    to += <usize> (count >> 3);
    bits >>= count & 56;
    count &= 7;
    const match = load<u32>(at + 4);
    const length = <i32> (match >> 16);
    if (length == 0) continue;
    input += length;
    const code = load<u32>(LENGTH_CODES + (<usize> length << 2));
    bits |= <u64> (code >> 8) << count;
    count += code & 0xff;
    const distance = <i32> (match & 0xffff);
    const slot = distanceSymbol(distance);
    const extra = distanceExtra(slot);
    const reach = load<u32>(DISTANCE_CODES + (<usize> slot << 2));
    bits |= <u64> (reach >> 8) << count;
    count += reach & 0xff;
    bits |= <u64> (distance & ((1 << extra) - 1)) << count;
    count += extra;
    store<u64>(to, bits);
    to += <usize> (count >> 3);
    bits >>= count & 56;
    count &= 7;
  }
  setBits(bits, count, to);
  const code = load<u32>(LITERAL_CODES + (END << 2));
  putBits(code >> 8, <i32> (code & 0xff));
}

/** Writes input as it is. */
export function writeStored(from: i32, to: i32, last: bool): void {
  let at = from;
  do {
    const part = min(to - at, STORED_LIMIT);
    putBits(<u32> (last && at + part == to), 3);
    alignBits();
    putBits(part | (~part << 16), 32);
    memory.copy(out, INPUT + at, part);
    setBits(0, 0, out + part);
    at += part;
  } while (at < to);
}
