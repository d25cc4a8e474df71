/**
 * How fast each level of gzip compresses, and how well, against `node:zlib` on the same blocks, in turns.
 *
 *     deno run -A bench/deflate.ts [--runs N] [--levels 1,5,9] [--megabytes N] FILE…
 *
 * Takes that many MB from several places of the files. CPU time of this thread's process, least of the
 * runs, because what else the machine does only ever adds to it.
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import zlib from "node:zlib";
import { deflateBlock } from "../src/compress/block.ts";

const BLOCK = 1 << 20;
const DICTIONARY = 32 << 10;
/** Bytes that are taken from one place. */
const SAMPLE = 8 * BLOCK;

type Compress = (data: Uint8Array, job: {
  level: number;
  start: number;
  end: number;
  dictionary: number;
  last: boolean;
}) => number;

const ours: Compress = (data, job) => deflateBlock(data, job).length;

const theirs: Compress = (data, { level, start, end, dictionary, last }) => {
  const bytes = zlib.deflateRawSync(data.subarray(start, end), {
    level,
    chunkSize: BLOCK >> 1,
    finishFlush: last ? zlib.constants.Z_FINISH : zlib.constants.Z_SYNC_FLUSH,
    ...(dictionary === 0 ? {} : { dictionary: data.subarray(start - dictionary, start) }),
  });
  const { length } = bytes;
  // Else it waits for the garbage collector.
  (bytes.buffer as ArrayBuffer).transfer(0);
  return length;
};

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Samples of equal distance, until there are so many bytes. */
function readSamples(paths: readonly string[], bytes: number): Uint8Array {
  const each = Math.max(1, Math.round(bytes / SAMPLE / paths.length));
  const samples = paths.flatMap((path) => {
    using file = Deno.openSync(path);
    const { size } = file.statSync();
    return Array.from({ length: each }, (_, i) => {
      file.seekSync(Math.floor((size * (i + 0.5)) / each / 512) * 512, Deno.SeekMode.Start);
      const sample = new Uint8Array(SAMPLE);
      return sample.subarray(0, file.readSync(sample) ?? 0);
    });
  });
  const all = new Uint8Array(samples.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const sample of samples) {
    all.set(sample, at);
    at += sample.length;
  }
  return all;
}

function compressAll(compress: Compress, data: Uint8Array, level: number): [number, number] {
  let size = 0;
  const before = cpuSeconds();
  for (let start = 0; start < data.length; start += BLOCK) {
    const end = Math.min(start + BLOCK, data.length);
    const dictionary = Math.min(start, DICTIONARY);
    size += compress(data, { level, start, end, dictionary, last: end === data.length });
  }
  return [size, cpuSeconds() - before];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "3" },
    levels: { type: "string", default: "1,2,3,4,5,6,7,8,9" },
    megabytes: { type: "string", default: "64" },
  },
});
const data = readSamples(positionals, Number(values.megabytes) * BLOCK);
// The engine compiles what it finds to be used.
compressAll(ours, data.subarray(0, 4 * BLOCK), 5);
const lines = [
  "| level | MB/s | of zlib's | size | of zlib's |",
  "| --- | --- | --- | --- | --- |",
];
for (const level of values.levels.split(",").map(Number)) {
  let [time, otherTime] = [Infinity, Infinity];
  let [size, otherSize] = [0, 0];
  for (let run = 0; run < Number(values.runs); run++) {
    const [a, b] = [compressAll(ours, data, level), compressAll(theirs, data, level)];
    [size, otherSize] = [a[0], b[0]];
    [time, otherTime] = [Math.min(time, a[1]), Math.min(otherTime, b[1])];
  }
  const percent = (part: number, whole: number): string => `${(part / whole * 100).toFixed(2)} %`;
  const speed = `${(data.length / time / 1e6).toFixed(0)} | ${(otherTime / time).toFixed(2)}`;
  lines.push(
    `| ${level} | ${speed} | ${percent(size, data.length)} | ${percent(size, otherSize)} |`,
  );
}
await Deno.stdout.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
