import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import zlib from "node:zlib";
import { hasZstd } from "../../compress/zstd.ts";
import { LayerOutput, writeAll } from "./output.ts";
import { createCompressionPool } from "../../compress/pool.ts";

const READERS = {
  gzip: zlib.gunzipSync,
  zstd: zlib.zstdDecompressSync,
  none: (bytes: Uint8Array) => bytes,
};
const KINDS = hasZstd() ? ["gzip", "zstd", "none"] as const : ["gzip", "none"] as const;
/** Sizes near tar blocks of a small layer, and near half the size of Node's buffer pool. */
const SIZES = Array.from({ length: 21 }, (_, at) => at * 512).concat(1, 3047, 3048, 4095, 4097);

for (const kind of KINDS) {
  Deno.test(`layers of 0 to 10 kB are compressed as ${kind}, and Node's pool of buffers stays whole`, async () => {
    const neighbour = Buffer.from("in the pool");
    await using pool = createCompressionPool({ compression: { kind }, workers: 1 });
    for (const size of SIZES) {
      const bytes = Uint8Array.from({ length: size }, (_, at) => at * at >> 3);
      const parts: Uint8Array[] = [];
      const output = new LayerOutput(pool, {
        write: (part) => Promise.resolve(void parts.push(part.slice())),
      });
      await output.nextBlock();
      await writeAll(output, bytes);
      const summary = await output.finish();
      assertEquals(summary.size, size);
      assertEquals(new Uint8Array(READERS[kind](Buffer.concat(parts))), bytes, `${size} bytes`);
    }
    assertEquals(neighbour.toString(), "in the pool");
  });
}
