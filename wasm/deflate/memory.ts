/**
 * Where everything is in the memory of the module: fixed places, so that nothing is ever allocated.
 */

/** Longest match (RFC 1951, section 3.2.5). */
export const MAX_LENGTH: i32 = 258;
/** How far a match can reach back. */
export const WINDOW: i32 = 32768;
/** Most bytes of a block. */
const MAX_BLOCK: usize = 1 << 20;
/** Most matches of one Huffman block. */
export const MAX_SEQUENCES: i32 = 110000;

/** log2 of the number of rows, see rows.ts: 128 KiB in all, so that they stay in a core's cache. */
// @ts-ignore: decorator
@inline export const ROW_BITS: u32 = 11;
// @ts-ignore: decorator
@inline export const ROWS: usize = 0x1000; // 64 bytes each
// @ts-ignore: decorator
@inline export const HEAD3: usize = ROWS + (64 << ROW_BITS); // u16 × 4096
// @ts-ignore: decorator
@inline export const HEAD4: usize = ROWS; // u16 × 65536, in the rows' place: chains.ts or rows.ts are in use
// @ts-ignore: decorator
@inline export const NEXT: usize = HEAD3 + (2 << 12); // u16 × 32768
/** The tables of codes, see tables.ts. */
// @ts-ignore: decorator
@inline export const TABLES: usize = NEXT + (2 << 15);
/** 8 bytes each: number of literals, then length << 16 | distance - 1 of the match after them; 0 for none. */
// @ts-ignore: decorator
@inline export const SEQUENCES: usize = TABLES + 0x8000;
/** Dictionary and block, and 64 bytes that are 0: loads reach beyond the end. */
// @ts-ignore: decorator
@inline export const INPUT: usize = SEQUENCES + 8 * 110008;
/** The result; what cannot be compressed grows by less than a thousandth. The rest of the memory. */
// @ts-ignore: decorator
@inline export const OUTPUT: usize = INPUT + 32768 + MAX_BLOCK + 64;
