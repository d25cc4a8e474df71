/**
 * Deflate (RFC 1951) of one block, with the bytes before it as dictionary. Nothing but integers: the bytes
 * are the same on every machine. See docs/decisions/deflate.md.
 */
import { alignBits, out, putBits, startBits } from "./bits";
import { clearChains, longestInChains, rememberInChains } from "./chains";
import { clearFast, matchFast, rememberAllFast, rememberFast } from "./fast";
import { INPUT, MAX_LENGTH, MAX_SEQUENCES, OUTPUT, SEQUENCES } from "./memory";
import { clearRows, longestInRows, rememberInRows } from "./rows";
import { blockEnds, observeLiteral, observeMatch, shallAsk, startObserving } from "./split";
import {
  countUp,
  DISTANCE_COUNTS,
  distanceSymbol,
  initTables,
  lengthSymbol,
  LITERAL_COUNTS,
} from "./tables";
import { writeBlock } from "./write";

/** A Huffman block of this size ends, in bytes. */
const LONGEST: i32 = 300000;
/** A match of 3 bytes that is farther away takes more bits than 3 literals. */
const NEAR: i32 = 8192;

let initialized = false;
/** The ways of finding repetitions, from the fastest to the most thorough. */
const FAST: i32 = 0;
const ROWS: i32 = 1;

/** How thoroughly to compress; see {@link setLevel}. */
let way: i32 = ROWS;
let niceLength: i32 = 0;
let searchDepth: i32 = 0;
let lazyLength: i32 = 0;

/** Where dictionary and block go. */
export function input(): usize {
  return INPUT;
}

/** Where the result is. */
export function output(): usize {
  return OUTPUT;
}

/**
 * How thoroughly to compress from now on.
 *
 * @param by how matches are looked for: 0 fast (the rest is ignored), 1 in rows, 2 in chains.
 * @param nice with a match of so many bytes the search ends.
 * @param depth so many earlier positions are looked at.
 * @param lazy a match that is not shorter is taken without a look at the next byte's.
 */
export function setLevel(by: i32, nice: i32, depth: i32, lazy: i32): void {
  way = by;
  niceLength = nice;
  searchDepth = depth;
  lazyLength = lazy;
}

/**
 * Compresses input[dictionary, end) and answers the number of bytes. The last block of a stream is finished,
 * others end with a sync flush, so that results can be joined.
 */
export function compress(dictionary: i32, end: i32, last: bool): i32 {
  if (!initialized) initTables();
  initialized = true;
  memory.fill(INPUT + end, 0, 64);
  if (way == FAST) {
    clearFast();
    rememberAllFast(0, dictionary);
  } else if (way == ROWS) {
    clearRows();
    rememberInRows(0, dictionary);
  } else {
    clearChains();
    rememberInChains(0, dictionary);
  }
  startBits(OUTPUT);
  let position = dictionary;
  do {
    if (way == FAST) position = partFast(position, end, last);
    else if (way == ROWS) position = partByRows(position, end, last);
    else position = partByChains(position, end, last);
  } while (position < end);
  if (!last) {
    // An empty stored block.
    putBits(0, 3);
    alignBits();
    putBits(0xffff0000, 32);
  } else alignBits();
  return <i32> (out - OUTPUT);
}

// @ts-ignore: decorator
@inline
function literal(position: i32): void {
  const byte = load<u8>(INPUT + position);
  countUp(LITERAL_COUNTS, byte);
  observeLiteral(byte);
}

/** Whether a match that begins one byte later is worth the literal before it. */
// @ts-ignore: decorator
@inline
function isBetter(length: i32, distance: i32, otherLength: i32, otherDistance: i32): bool {
  if (otherLength < length) return false;
  // A byte is worth about 4 bits, and twice the distance costs one.
  return 4 * (otherLength - length) + <i32> clz(otherDistance + 1) - <i32> clz(distance + 1) > 2;
}

// @ts-ignore: decorator
@inline
function startPart(): void {
  memory.fill(LITERAL_COUNTS, 0, 288 << 2);
  memory.fill(DISTANCE_COUNTS, 0, 32 << 2);
  startObserving();
}

/** Puts down a number of literals and the match after them. */
// @ts-ignore: decorator
@inline
function putMatch(sequence: usize, literals: i32, length: i32, distance: i32): void {
  store<u32>(sequence, literals);
  store<u32>(sequence + 4, (length << 16) | distance);
  countUp(LITERAL_COUNTS, 257 + lengthSymbol(length));
  countUp(DISTANCE_COUNTS, distanceSymbol(distance));
  observeMatch(length);
}

/** Ends a part: its last literals, and all of it as a Huffman block. */
function endPart(sequence: usize, run: i32, start: i32, position: i32, last: bool): void {
  store<u32>(sequence, position - run);
  store<u32>(sequence + 4, 0);
  writeBlock(start, position, <i32> ((sequence - SEQUENCES) >> 3) + 1, last);
}

function partByRows(start: i32, end: i32, last: bool): i32 {
  return compressPart(false, start, end, last);
}

function partByChains(start: i32, end: i32, last: bool): i32 {
  return compressPart(true, start, end, last);
}

/** Compresses one Huffman block and answers where it ends. `chains` is a constant in each copy. */
// @ts-ignore: decorator
@inline
function compressPart(chains: bool, start: i32, end: i32, last: bool): i32 {
  startPart();
  // Locals: the engine loads a global from memory each time.
  const nice = niceLength;
  const depth = searchDepth;
  const lazy = lazyLength;
  const stop = min(end, start + LONGEST);
  const full = SEQUENCES + (<usize> MAX_SEQUENCES << 3);
  let sequence = SEQUENCES;
  let position = start;
  let run = start;
  while (position < stop && sequence < full) {
    if (shallAsk(position - start, end - position) && blockEnds(position - start)) break;
    const most = min(MAX_LENGTH, end - position);
    const match = chains
      ? longestInChains(position, 2, most, min(nice, most), depth)
      : longestInRows(position, 2, most, min(nice, most), depth);
    let length = match >> 16;
    let distance = match & 0xffff;
    if (length < 3 || (length == 3 && distance >= NEAR)) {
      literal(position++);
      continue;
    }
    let known = position + 1;
    while (length < lazy && known < end) {
      const most = min(MAX_LENGTH, end - known);
      const other = chains
        ? longestInChains(known, length - 1, most, min(nice, most), max(depth >> 1, 1))
        : longestInRows(known, length - 1, most, min(nice, most), max(depth >> 1, 1));
      known++;
      if (!isBetter(length, distance, other >> 16, other & 0xffff)) break;
      literal(position++);
      length = other >> 16;
      distance = other & 0xffff;
    }
    putMatch(sequence, position - run, length, distance);
    sequence += 8;
    position += length;
    run = position;
    if (chains) rememberInChains(known, position);
    else rememberInRows(known, position);
  }
  endPart(sequence, run, start, position, last && position == end);
  return position;
}

/** As `compressPart`, with the first match that is found. */
function partFast(start: i32, end: i32, last: bool): i32 {
  startPart();
  const stop = min(end, start + LONGEST);
  const full = SEQUENCES + (<usize> MAX_SEQUENCES << 3);
  let sequence = SEQUENCES;
  let position = start;
  let run = start;
  while (position < stop && sequence < full) {
    if (shallAsk(position - start, end - position) && blockEnds(position - start)) break;
    const match = matchFast(position, end);
    if (match == 0) {
      // The longer nothing was found, the less is looked for.
      const next = min(position + 1 + ((position - run) >> 6), stop);
      while (position < next) literal(position++);
      continue;
    }
    const length = match >> 16;
    putMatch(sequence, position - run, length, match & 0xffff);
    sequence += 8;
    run = position + length;
    // One position of a match is enough to find what follows it.
    rememberFast(run - 2);
    position = run;
  }
  endPart(sequence, run, start, position, last && position == end);
  return position;
}
