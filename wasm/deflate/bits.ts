/**
 * Writes bits, the lowest first (RFC 1951, section 3.1.1).
 */

/** Bits that are not yet in memory. */
export let pending: u64 = 0;
/** How many they are; below 8 after `flush`. */
export let pendingBits: u64 = 0;
/** Where the next byte goes. */
export let out: usize = 0;

/** Begins at a place in memory. */
export function startBits(at: usize): void {
  pending = 0;
  pendingBits = 0;
  out = at;
}

/** Goes on from what a loop with a state of its own has written. */
// @ts-ignore: decorator
@inline
export function setBits(bits: u64, count: u64, at: usize): void {
  pending = bits;
  pendingBits = count;
  out = at;
}

/** Writes up to 32 bits. */
export function putBits(bits: u32, count: i32): void {
  pending |= <u64> bits << pendingBits;
  pendingBits += count;
  store<u64>(out, pending);
  out += <usize> (pendingBits >> 3);
  pending >>= pendingBits & 56;
  pendingBits &= 7;
}

/** Fills the byte with zeros. */
export function alignBits(): void {
  if (pendingBits > 0) putBits(0, <i32> (8 - pendingBits));
}
