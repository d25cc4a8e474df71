import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import zlib from "node:zlib";
import { deflateBlock } from "./block.ts";

const BLOCK = 1 << 20;
const DICTIONARY = 32 << 10;
const LEVELS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Numbers that look random and are the same everywhere. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed >>> 0;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 8;
  }
}

function noise(length: number, seed = 1, kinds = 256): Uint8Array {
  const random = numbers(seed);
  return Uint8Array.from({ length }, () => (random.next().value ?? 0) % kinds);
}

function text(length: number, seed = 1): Uint8Array {
  const random = numbers(seed);
  const next = (): number => random.next().value ?? 0;
  const words = Array.from({ length: 3000 }, () => (next() >>> 4).toString(36));
  let result = "";
  while (result.length < length) {
    result += `${words[Math.min(next() % 3000, next() % 3000)]}${next() % 9 === 0 ? "\n" : " "}`;
  }
  return new TextEncoder().encode(result.slice(0, length));
}

/** Compresses as the layer engine does: block by block, each with the end of the one before. */
function deflate(data: Uint8Array, level: number, block = BLOCK): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (let start = 0;; start += block) {
    const end = Math.min(start + block, data.length);
    const last = end === data.length;
    const dictionary = Math.min(DICTIONARY, start);
    parts.push(deflateBlock(data, { level, start, end, dictionary, last }).slice());
    if (last) break;
  }
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function inflate(data: Uint8Array): Uint8Array {
  return new Uint8Array(zlib.inflateRawSync(data));
}

const far = text(3 * DICTIONARY, 7);
far.set(far.subarray(0, 1000), DICTIONARY);
far.set(far.subarray(0, 1000), DICTIONARY + DICTIONARY);

const SHAPES: Readonly<Record<string, Uint8Array>> = {
  "nothing": new Uint8Array(0),
  "one byte": Uint8Array.of(7),
  "zeros": new Uint8Array(300_000),
  "noise": noise(200_000),
  "noise of two kinds": noise(200_000, 2, 2),
  "noise of one kind, then another": Uint8Array.from([
    ...noise(40_000, 3, 4),
    ...noise(40_000, 4).map((byte) => byte | 128),
  ]),
  "text": text(400_000),
  "repetitions at the greatest distance": far,
  "text of blocks with noise in between": Uint8Array.from([
    ...text(70_000, 5),
    ...noise(140_000, 6),
    ...text(70_000, 5),
  ]),
};

for (const [name, data] of Object.entries(SHAPES)) {
  Deno.test(`deflateBlock() gives what zlib unpacks to the same bytes: ${name}`, () => {
    for (const level of LEVELS) assertEquals(inflate(deflate(data, level)), data, `level ${level}`);
  });
}

Deno.test("deflateBlock() gives what zlib unpacks, at each short length and each size of blocks", () => {
  const data = text(70_000, 8);
  for (let length = 0; length < 300; length++) {
    const part = data.subarray(0, length);
    assertEquals(inflate(deflate(part, 1 + length % 9)), part);
  }
  for (const block of [1, 2, 3, 7, 64, 257, 4096, 65535, 65536]) {
    const part = data.subarray(0, Math.min(70_000, block * 300));
    for (const level of [1, 5, 9]) assertEquals(inflate(deflate(part, level, block)), part);
  }
});

Deno.test("deflateBlock() gives what zlib unpacks: 300 inputs at random", () => {
  const random = numbers(99);
  const next = (below: number): number => (random.next().value ?? 0) % below;
  for (let i = 0; i < 300; i++) {
    const parts = Array.from({ length: 1 + next(6) }, () => {
      const length = next(20_000);
      return next(2) === 0 ? text(length, next(5)) : noise(length, next(5), 1 + next(256));
    });
    const data = Uint8Array.from(parts.flatMap((part) => [...part]));
    const level = 1 + next(9);
    const block = 1 + next(60_000);
    assertEquals(inflate(deflate(data, level, block)), data, `input ${i}, level ${level}`);
  }
});

Deno.test("deflateBlock() gives every block of a stream the same bytes, whatever it compressed before", () => {
  const data = text(300_000, 10);
  const job = { level: 5, start: 0, end: data.length, dictionary: 0, last: true };
  const fresh = deflateBlock(data, job).slice();
  for (const level of LEVELS) {
    deflateBlock(noise(500_000, level, 60), { ...job, end: 500_000, level });
  }
  assertEquals(deflateBlock(data, job), fresh);
});

Deno.test("deflateBlock() finds repetitions in the dictionary", () => {
  const data = noise(2 * DICTIONARY);
  data.copyWithin(DICTIONARY, 0, DICTIONARY);
  const job = { level: 5, start: DICTIONARY, end: data.length, dictionary: DICTIONARY, last: true };
  assertLess(deflateBlock(data, job).length, 1000);
});

Deno.test("deflateBlock() adds 5 bytes in 64 KiB to what cannot be compressed, and a few more", () => {
  const data = noise(BLOCK);
  for (const level of LEVELS) {
    const job = { level, start: 0, end: BLOCK, dictionary: 0, last: false };
    assertLess(deflateBlock(data, job).length, BLOCK + 200);
  }
});

Deno.test("deflateBlock() compresses an executable and text about as well as zlib at each level", () => {
  const file = Deno.openSync(Deno.execPath());
  const program = new Uint8Array(8 * BLOCK);
  file.seekSync(40 * BLOCK, Deno.SeekMode.Start);
  file.readSync(program);
  file.close();
  for (const data of [program, text(2 * BLOCK, 11)]) {
    for (const level of LEVELS) {
      const ratio = deflate(data, level).length / zlib.deflateRawSync(data, { level }).length;
      // Lower levels have other ideas of fast.
      assertLess(ratio, level < 4 ? 1.15 : 1.03, `level ${level}`);
    }
  }
});

Deno.test("a higher level of deflateBlock() does not give more bytes", () => {
  const data = text(BLOCK, 12);
  const sizes = LEVELS.map((level) => deflate(data, level).length);
  for (const [i, size] of sizes.entries()) assert(size <= (sizes[i - 1] ?? Infinity) * 1.002);
});

Deno.test("the bytes of deflateBlock() are frozen: they are the digests of layers", () => {
  const data = Uint8Array.from([...text(500_000), ...noise(100_000, 3, 40), ...text(600_000, 2)]);
  const digests = LEVELS.map((level) =>
    createHash("sha256").update(deflate(data, level)).digest("hex").slice(0, 16)
  );
  assertEquals(digests, [
    "3cd5a469a881fb97",
    "5c4a56de1ab9b3a6",
    "e3939f778f9825d0",
    "78c1c28b8cf092f8",
    "ba396c5d853a7033",
    "c73c8bd4617a4d83",
    "fe2e089992a226e8",
    "fe2e089992a226e8",
    "fe2e089992a226e8",
  ]);
});

Deno.test("deflateBlock() refuses a level or a size that it does not have", () => {
  const buffer = new Uint8Array(2 * BLOCK);
  const job = { level: 5, start: 0, end: 10, dictionary: 0, last: true };
  assertThrows(() => deflateBlock(buffer, { ...job, level: 0 }), RangeError);
  assertThrows(() => deflateBlock(buffer, { ...job, level: 10 }), RangeError);
  assertThrows(() => deflateBlock(buffer, { ...job, end: BLOCK + 1 }), RangeError);
});
