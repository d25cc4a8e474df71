import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { toBytes } from "@std/streams";
import { randomBytes } from "../../tests/support/faultreg/mod.ts";
import { memoryBlobs, pushableImage } from "../../tests/support/pushable_image.ts";
import { MiseOciError } from "../errors.ts";
import type { Descriptor } from "../oci/mod.ts";
import type { BlobSource } from "../store/ports.ts";
import { BlobSlices } from "./blob_slices.ts";

const bytes = randomBytes(200_000, 3);

/** The blob, and a source that counts how often and from where it is opened. */
function setup(
  content: Uint8Array = bytes,
): { blob: Descriptor; source: BlobSource; opened: number[] } {
  const image = pushableImage([bytes]);
  const [blob] = image.layers;
  if (blob === undefined) throw new Error("an image of one layer");
  const opened: number[] = [];
  const inner = memoryBlobs(new Map([[blob.digest, content]]));
  const open: BlobSource["open"] = (digest, range) => {
    opened.push(range?.start ?? 0);
    return inner.open(digest, range);
  };
  return { blob, source: { ...inner, open }, opened };
}

Deno.test("slices that follow each other are read in one go", async () => {
  const { blob, source, opened } = setup();
  const slices = new BlobSlices(source, blob);
  for (const [start, end] of [[0, 70_000], [70_000, 70_001], [70_001, 200_000]] as const) {
    const body = slices.slice(start, end - start);
    assertEquals(body.size, end - start);
    assertEquals(await toBytes(body.stream()), bytes.slice(start, end));
  }
  assertEquals(opened, [0]);
  await slices.close();
});

Deno.test("a slice is the same when it is read again, or after one that was left", async () => {
  const { blob, source, opened } = setup();
  const slices = new BlobSlices(source, blob);
  const body = slices.slice(0, 100_000);
  assertEquals(await toBytes(body.stream()), bytes.slice(0, 100_000));
  const left = body.stream().getReader();
  await left.read();
  assertEquals(await toBytes(body.stream()), bytes.slice(0, 100_000));
  await left.cancel();
  assertEquals(await toBytes(slices.slice(150_000, 50_000).stream()), bytes.slice(150_000));
  assertEquals(opened, [0, 0, 0, 150_000]);
  slices.throwFailure();
  await slices.close();
});

Deno.test("a slice that is cancelled while it is read is no failure of the source", async () => {
  const { blob, source } = setup();
  const slices = new BlobSlices(source, blob);
  const reader = slices.slice(0, 200_000).stream().getReader();
  const pending = reader.read();
  await reader.cancel();
  await pending;
  slices.throwFailure();
  await slices.close();
});

for (
  const [how, content] of [["shorter", bytes.slice(1)], [
    "longer",
    randomBytes(200_001, 3),
  ]] as const
) {
  Deno.test(`a blob that is ${how} than its descriptor says fails before its last byte`, async () => {
    const { blob, source } = setup(content);
    const slices = new BlobSlices(source, blob);
    let sent = 0;
    const body = slices.slice(0, blob.size, (length) => sent += length);
    await assertRejects(() => toBytes(body.stream()), MiseOciError, `it is ${how} than`);
    assertThrows(() => slices.throwFailure(), MiseOciError, `it is ${how} than`);
    assertEquals(sent < blob.size, true);
    await slices.close();
  });
}
