/**
 * Prints digests of what this machine makes of the same bytes by each compression that is the same on every
 * machine; tests run it on several.
 */
import { createHash } from "node:crypto";
import { compressBlock } from "../../src/compress/block.ts";

const BLOCK = 1 << 20;
const DICTIONARY = 32 << 10;

/** Text with repetitions near and far, from a generator of its own. */
function makeText(length: number): Uint8Array {
  let state = 1;
  const words = Array.from({ length: 4000 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8).toString(36);
  });
  let text = "";
  while (text.length < length) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    text += `${words[(state >>> 10) % words.length]} `;
  }
  return new TextEncoder().encode(text.slice(0, length));
}

const data = makeText(3 * BLOCK);
for (
  const [kind, level] of [["gzip", 1], ["gzip", 5], ["gzip", 9], ["zstd", 3], ["zstd", 19]] as const
) {
  const hash = createHash("sha256");
  for (let start = 0; start < data.length; start += BLOCK) {
    const dictionary = kind === "gzip" ? Math.min(DICTIONARY, start) : 0;
    const last = start + BLOCK === data.length;
    // With room for what could grow.
    const buffer = new Uint8Array(dictionary + BLOCK + DICTIONARY);
    buffer.set(data.subarray(start - dictionary, start + BLOCK));
    const end = dictionary + BLOCK;
    const job = { kind, level, start: dictionary, end, dictionary, last };
    hash.update(buffer.subarray(0, compressBlock(buffer, job)));
  }
  // deno-lint-ignore no-console
  console.log(`${kind}:${level} sha256:${hash.digest("hex")}`);
}
