/**
 * Versions of what decides a layer's bytes. They are part of cache keys and annotations: a change of
 * the code that changes a single byte of a layer must change one of them, because it changes every
 * user's digests.
 * @module
 */

/**
 * Version of the byte layout: entry order, tar headers, block cutting, compression framing. Frozen by
 * `tests/golden/layer`.
 */
export const LAYER_FORMAT = "3";

/**
 * Version of the rules by which links and the content of files are rewritten, and what differs between installs
 * of one tool is left out (docs/layers.md).
 */
export const RELOCATION_FORMAT = "4";
