/**
 * Tables of the codes: what is counted, and what comes of it.
 */
import { TABLES } from "./memory";

/** Symbols for literals, the end of a block, and lengths. */
export const LITERALS: i32 = 286;
/** Symbols for distances. */
export const DISTANCES: i32 = 30;

// @ts-ignore: decorator
@inline export const LITERAL_COUNTS: usize = TABLES; // u32 × 288
// @ts-ignore: decorator
@inline export const DISTANCE_COUNTS: usize = TABLES + 0x480; // u32 × 32
// @ts-ignore: decorator
@inline export const PRECODE_COUNTS: usize = TABLES + 0x500; // u32 × 32
// @ts-ignore: decorator
@inline export const LITERAL_LENGTHS: usize = TABLES + 0x580; // u8 × 288
// @ts-ignore: decorator
@inline export const DISTANCE_LENGTHS: usize = TABLES + 0x6a0; // u8 × 32
// @ts-ignore: decorator
@inline export const PRECODE_LENGTHS: usize = TABLES + 0x6c0; // u8 × 32
/** Lengths of both codes in one row, as they are written. */
// @ts-ignore: decorator
@inline export const ALL_LENGTHS: usize = TABLES + 0x6e0; // u8 × 320
/** Codes are code << 8 | number of bits. */
// @ts-ignore: decorator
@inline export const LITERAL_CODES: usize = TABLES + 0x880; // u32 × 288
// @ts-ignore: decorator
@inline export const DISTANCE_CODES: usize = TABLES + 0xd00; // u32 × 32
// @ts-ignore: decorator
@inline export const PRECODE_CODES: usize = TABLES + 0xd80; // u32 × 32
/** Of each length the code and its extra bits together, as a code. */
// @ts-ignore: decorator
@inline export const LENGTH_CODES: usize = TABLES + 0xe00; // u32 × 260
/** Runs of equal lengths: symbol | extra bits << 8. */
// @ts-ignore: decorator
@inline export const RUNS: usize = TABLES + 0x1280; // u32 × 320
/** Symbol of each length, less 257. */
// @ts-ignore: decorator
@inline const LENGTH_SYMBOLS: usize = TABLES + 0x1800; // u8 × 260
/** Symbols of distances - 1 below 256, then of those above by their upper bits. */
// @ts-ignore: decorator
@inline const DISTANCE_SYMBOLS: usize = TABLES + 0x1a00; // u8 × 512
/** See split.ts. */
// @ts-ignore: decorator
@inline export const OBSERVED: usize = TABLES + 0x1c00; // u32 × 32
/** See huffman.ts. */
// @ts-ignore: decorator
@inline export const PER_LENGTH: usize = TABLES + 0x1d00; // u32 × 32
// @ts-ignore: decorator
@inline export const SORTED: usize = TABLES + 0x2000; // u64 × 288
// @ts-ignore: decorator
@inline export const NODES: usize = TABLES + 0x3000; // u64 × 288

/** Extra bits of the code of a length, by symbol - 257. */
// @ts-ignore: decorator
@inline
export function lengthExtra(symbol: i32): i32 {
  return symbol < 8 || symbol == 28 ? 0 : (symbol >> 2) - 1;
}

/** Shortest length of a symbol, by symbol - 257. */
// @ts-ignore: decorator
@inline
export function lengthBase(symbol: i32): i32 {
  if (symbol < 8) return symbol + 3;
  return symbol == 28 ? 258 : ((4 + (symbol & 3)) << ((symbol >> 2) - 1)) + 3;
}

/** Extra bits of the code of a distance. */
// @ts-ignore: decorator
@inline
export function distanceExtra(symbol: i32): i32 {
  return symbol < 4 ? 0 : (symbol >> 1) - 1;
}

/** Symbol of a length, less 257. */
// @ts-ignore: decorator
@inline
export function lengthSymbol(length: i32): i32 {
  return load<u8>(LENGTH_SYMBOLS + length);
}

/** Symbol of a distance - 1. */
// @ts-ignore: decorator
@inline
export function distanceSymbol(distance: i32): i32 {
  const at: i32 = distance < 256 ? distance : 256 + (distance >> 7);
  return load<u8>(DISTANCE_SYMBOLS + at);
}

/** Counts one more of a symbol. */
// @ts-ignore: decorator
@inline
export function countUp(counts: usize, symbol: i32): void {
  const at = counts + (<usize> symbol << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** Fills the tables that do not depend on the input. */
export function initTables(): void {
  for (let symbol = 0; symbol < 29; symbol++) {
    // 258 has a symbol of its own, although that of 227 to 257 could say it.
    const end = symbol == 27 ? 258 : symbol == 28 ? 259 : lengthBase(symbol + 1);
    for (let length = lengthBase(symbol); length < end; length++) {
      store<u8>(LENGTH_SYMBOLS + length, symbol);
    }
  }
  for (let i = 0; i < 256; i++) {
    store<u8>(DISTANCE_SYMBOLS + i, symbolOf(i));
    store<u8>(DISTANCE_SYMBOLS + 256 + i, symbolOf(max(i << 7, 256)));
  }
}

function symbolOf(distance: i32): i32 {
  if (distance < 4) return distance;
  const top = 31 - <i32> clz(distance);
  return (top << 1) + ((distance >> (top - 1)) & 1);
}
