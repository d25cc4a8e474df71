import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { digestOf, Sha256, sha256Hex, streamingSha256 } from "./sha256.ts";

function expected(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

Deno.test("sha256Hex() and digestOf() hash bytes and texts as node:crypto does", async () => {
  for (
    const data of ["", "é\u0000\ud83d\ude00", new Uint8Array(0), new Uint8Array(100_000).fill(7)]
  ) {
    assertEquals(await sha256Hex(data), expected(data));
  }
  const bytes = new Uint8Array([1, 2, 3]);
  assertEquals(await digestOf(bytes), `sha256:${expected(bytes)}`);
  assertEquals(await sha256Hex(new Uint8Array([0, 1, 2, 3]).subarray(1)), expected(bytes));
  assertEquals(streamingSha256().update("a").update(bytes).digest("hex").length, 64);
});

Deno.test("Sha256 hashes parts of any number and length, kept in memory or not", async () => {
  const MIB = 1 << 20;
  for (const lengths of [[], [0], [1, 2], [MIB - 1, 1], [MIB - 1, 2, 5], [MIB + 1], [3 * MIB, 7]]) {
    const hash = new Sha256();
    const whole = createHash("sha256");
    for (const [i, length] of lengths.entries()) {
      const part = new Uint8Array(length).fill(i + 1);
      hash.update(part);
      whole.update(part);
      part.fill(0); // The caller may use its buffer again.
    }
    assertEquals(await hash.hex(), whole.digest("hex"), String(lengths));
  }
});

Deno.test("Sha256 takes texts as UTF-8, also once there are too many to keep", async () => {
  const text = "ü\u0000".repeat(300_000);
  const hash = new Sha256();
  for (let i = 0; i < 3; i++) hash.update(text).update(`${i}`);
  assertEquals(await hash.hex(), expected(`${text}0${text}1${text}2`));
});
