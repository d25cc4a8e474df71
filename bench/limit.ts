/**
 * How fast one core compresses: reads a tar from stdin and prints the seconds that compressing it takes,
 * block by block as the layer engine does it, without anything else.
 *
 *     tar -cf - DIRECTORY | deno run -A bench/limit.ts
 * @module
 */
import { deflateBlock } from "../src/compress/block.ts";
import { compressionParameters } from "../src/compress/parameters.ts";

const { level, blockSize, dictionary } = compressionParameters({ kind: "gzip" });
const buffer = new Uint8Array(dictionary + blockSize);
let seconds = 0;
let bytes = 0;

/** Fills the block; fewer bytes than it holds mean the end. */
async function fill(): Promise<number> {
  let filled = 0;
  while (filled < blockSize) {
    const read = await Deno.stdin.read(buffer.subarray(dictionary + filled));
    if (read === null) break;
    filled += read;
  }
  return filled;
}

for (let first = true, last = false; !last; first = false) {
  const filled = await fill();
  last = filled < blockSize;
  const end = dictionary + filled;
  const job = { level, start: dictionary, end, dictionary: first ? 0 : dictionary, last };
  const start = performance.now();
  deflateBlock(buffer, job);
  seconds += (performance.now() - start) / 1000;
  bytes += filled;
  buffer.copyWithin(0, blockSize, blockSize + dictionary);
}
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify({ seconds, bytes })));
