import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import {
  buildForTest,
  HAS_PYTHON,
  HAS_TAR,
  listTar,
  pipe,
  toolPlan,
  withTree,
} from "../../tests/support/layer.ts";
import { encodeTarHeader, type TarHeader } from "./encode.ts";
import { paddedSize } from "./header.ts";

const FILE: TarHeader = {
  path: "f",
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  target: "",
};

function archive(headers: readonly TarHeader[]): Uint8Array {
  const parts = headers.flatMap((header) => [
    encodeTarHeader(header),
    new Uint8Array(header.size > 4096 ? 0 : paddedSize(header.size)),
  ]);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 1024));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A path of exactly so many bytes with components of up to 50. */
function pathOf(length: number): string {
  return Array.from({ length }, (_, i) => i % 51 === 50 && i < length - 1 ? "/" : "a").join("");
}

Deno.test("encodeTarHeader() writes plain ustar where it fits", () => {
  assertEquals(encodeTarHeader(FILE).length, 512);
  assertEquals(encodeTarHeader({ ...FILE, path: pathOf(200) }).length, 512);
  assertEquals(encodeTarHeader({ ...FILE, path: pathOf(300) }).length, 1536);
});

Deno.test({
  name: "L12: paths and link targets of every length come back (needs python3 and tar)",
  ignore: !HAS_PYTHON || !HAS_TAR,
  fn: async () => {
    const lengths = [1, 99, 100, 101, 155, 156, 255, 256, 257, 1024, 4095];
    const headers = lengths.flatMap((length): TarHeader[] => [
      { ...FILE, path: pathOf(length), size: 7 },
      { ...FILE, path: `l${length}`, type: "symlink", mode: 0o777, target: pathOf(length) },
    ]).concat(
      { ...FILE, path: `${"n".repeat(255)}/${"é".repeat(120)}` },
      { ...FILE, path: "d".repeat(99), type: "directory", mode: 0o755 },
      { ...FILE, path: `${pathOf(180)}/😀`, type: "directory", mode: 0o755 },
    );
    const tar = archive(headers);
    const members = await listTar(tar);
    assertEquals(members.map(({ name }) => name), headers.map(({ path }) => path));
    assertEquals(members.map(({ linkname }) => linkname), headers.map(({ target }) => target));
    const listed = await pipe(["tar", "--quoting-style=literal", "-tf", "-"], tar);
    assertEquals(
      listed.trimEnd().split("\n").map((line) => line.replace(/\/$/, "")),
      headers.map(({ path }) => path),
    );
  },
});

Deno.test({
  name: "L13: sizes around 8 GiB are right in the header (needs python3)",
  ignore: !HAS_PYTHON,
  fn: async () => {
    for (const size of [0, 511, 512, 513, 2 ** 33 - 1, 2 ** 33, 2 ** 33 + 1]) {
      const header = encodeTarHeader({ ...FILE, size });
      assertEquals(header.length, size < 2 ** 33 ? 512 : 1536);
      const direct = "import sys,io,tarfile\n" +
        "t=tarfile.TarFile(fileobj=io.BytesIO(sys.stdin.buffer.read()))\nprint(t.firstmember.size)";
      assertEquals(Number(await pipe(["python3", "-c", direct], header)), size);
    }
  },
});

Deno.test({
  name: "L18: owners up to 2^32-1 come back, larger ones are errors (needs python3)",
  ignore: !HAS_PYTHON,
  fn: async () => {
    const ids = [0, 2097151, 2097152, 4294967295];
    const headers = ids.map((uid) => ({ ...FILE, uid, gid: uid }));
    const members = await listTar(archive(headers));
    assertEquals(members.map(({ uid, gid }) => [uid, gid]), ids.map((uid) => [uid, uid]));
    for (const uid of [2 ** 32, -1, 1.5, NaN]) {
      assertThrows(() => encodeTarHeader({ ...FILE, uid }), MiseOciError, "owner");
    }
  },
});

Deno.test("L18: a layer with an owner over 2^32-1 is refused", async () => {
  await withTree(async (tree) => {
    const plan = toolPlan(tree, { owner: { uid: 2 ** 32, gid: 0 } });
    await assertRejects(() => buildForTest(plan), MiseOciError, "4294967295");
  });
});

Deno.test("encodeTarHeader() leaves nothing of the header before in a buffer that is used again", () => {
  const scratch = new Uint8Array(512).fill(0xff);
  const headers: readonly TarHeader[] = [
    { ...FILE, path: "p".repeat(100), size: 2 ** 33 - 1, uid: 2097151, gid: 2097151, mode: 0o7777 },
    { ...FILE, path: "a", type: "symlink", size: 0, target: "t".repeat(100) },
    { ...FILE, path: `${"d".repeat(150)}/b` },
    { ...FILE, path: "ü", size: 2 ** 40 },
    FILE,
  ];
  for (const header of headers) {
    assertEquals(encodeTarHeader(header, scratch).slice(), encodeTarHeader(header));
  }
});

Deno.test("encodeTarHeader() counts the digits of a PAX record's own length", () => {
  for (let length = 101; length < 1200; length += 1) {
    const bytes = encodeTarHeader({ ...FILE, type: "symlink", target: "t".repeat(length) });
    const text = new TextDecoder().decode(bytes.subarray(512, bytes.length - 512));
    const record = text.slice(0, text.indexOf("\n") + 1);
    assertEquals(Number(record.split(" ", 1)[0]), record.length);
  }
});
