import { assertEquals, assertRejects } from "@std/assert";
import { MiseOciError, parseDigest } from "../oci/mod.ts";
import { MemoryBlobs } from "./memory_blobs.ts";

const HELLO = new TextEncoder().encode("hello");
const OTHER = parseDigest(`sha256:${"0".repeat(64)}`);

Deno.test("MemoryBlobs keeps what is written, whole and in parts", async () => {
  const blobs = new MemoryBlobs();
  const writer = await blobs.create();
  const chunk = HELLO.slice(0, 2);
  await writer.write(chunk);
  chunk.fill(0); // The caller may reuse it.
  await writer.write(HELLO.slice(2));
  const { digest, size } = await writer.commit({ size: 5 });
  assertEquals([size, await blobs.has(digest, 5), await blobs.has(digest, 6)], [5, true, false]);
  const part = await blobs.open(digest, { start: 1, end: 3 });
  assertEquals(await new Response(part).text(), "el");
});

Deno.test("MemoryBlobs refuses bytes that are not the blob's, and says what it does not have", async () => {
  const blobs = new MemoryBlobs();
  const writer = await blobs.create();
  await writer.write(HELLO);
  const wrong = await assertRejects(() => writer.commit({ digest: OTHER }), MiseOciError, "digest");
  assertEquals(wrong.code, "integrity");
  const missing = await assertRejects(() => blobs.open(OTHER), MiseOciError, "Cannot find blob");
  assertEquals([missing.code, await blobs.size(OTHER)], ["not-found", undefined]);
});
