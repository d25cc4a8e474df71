/**
 * Versions of the rules that determine a layer's bytes, which are part of cache keys and annotations. A
 * change of the code that changes any byte of a layer must increment one of them, because it changes the
 * digests of all users.
 * @module
 */

/**
 * Version of the byte layout: entry order, tar headers, block boundaries, compression parameters. Held
 * fixed by `tests/golden/layer`.
 */
export const LAYER_FORMAT = "3";

/**
 * Version of the rules for rewriting links and file contents, and for leaving out what differs between
 * installs of the same tool (docs/layers.md).
 */
export const RELOCATION_FORMAT = "4";
