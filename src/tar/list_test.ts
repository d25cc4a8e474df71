import { assertEquals, assertThrows } from "@std/assert";
import { concat, type FixtureEntry, tar, tarEntry } from "../../tests/support/tar_fixture.ts";
import { MiseOciError } from "../errors.ts";
import { encodeTarHeader } from "./encode.ts";
import { type ListedTarEntry, listTar } from "./list.ts";
import { parsePax } from "./pax.ts";

function list(bytes: Uint8Array): readonly ListedTarEntry[] {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(path, bytes);
    using file = Deno.openSync(path);
    return listTar(file, bytes.length, "a");
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("listTar() finds content under names as ustar, PAX and GNU write them", () => {
  const long = `${"d".repeat(90)}/${"n".repeat(90)}`;
  const bytes = tar(
    { name: "n", prefix: "prefix", content: "1" },
    { name: "short", pax: { path: long }, content: "2" },
    { name: "L", type: "L", content: `${long}\0` },
    { name: "short", content: "3" },
    { name: "./big", content: `4${"x".repeat(5000)}` },
    { name: "end", content: "5" },
  );
  const entries = list(bytes);
  assertEquals(entries.map(({ path }) => path), ["prefix/n", long, long, "big", "end"]);
  assertEquals(entries.map(({ offset }) => String.fromCharCode(bytes[offset] ?? 0)), [
    ..."12345",
  ]);
  assertEquals(entries.map(({ size }) => size), [1, 1, 1, 5001, 1]);
});

Deno.test("U19: listTar() refuses what the reader of layers refuses", () => {
  const cases: readonly (readonly [entry: FixtureEntry, why: string])[] = [
    [{ name: "a", spoil: (header) => header.fill(0x41, 5, 6) }, "checksum"],
    [{ name: "../a" }, '".."'],
    [{ name: "a", pax: { size: "x" } }, "not a number"],
    [{ name: "a", pax: { path: "" } }, "empty path"],
    [{ name: "a", type: "S" }, "sparse"],
  ];
  for (const [entry, why] of cases) {
    const error = assertThrows(() => list(tar(entry)), MiseOciError, why);
    assertEquals(error.message.startsWith("Cannot read a: entry 1"), true, error.message);
  }
});

Deno.test("listTar() tells a cut from the missing end blocks that some archives have", () => {
  const entry = tarEntry({ name: "a", content: "x".repeat(600) });
  assertEquals(list(entry).length, 1);
  for (const length of [100, 512, 1000, 1120]) {
    const error = assertThrows(() => list(entry.subarray(0, length)), MiseOciError);
    assertEquals(error.code, "integrity", `${length}`);
  }
  assertEquals(list(concat(entry, new Uint8Array(1024), entry)).length, 1);
});

Deno.test("encodeTarHeader() states a size over 8 GiB in a PAX record, which listTar() reads", () => {
  const size = 2 ** 40 + 1;
  const fields = { path: "a", type: "file", mode: 0o644, uid: 0, gid: 0, target: "" } as const;
  const bytes = encodeTarHeader({ ...fields, size });
  assertEquals(bytes.length, 3 * 512);
  const { records } = parsePax(bytes.subarray(512, 512 + bytes.subarray(512).indexOf(0)));
  assertEquals([...records], [["size", String(size)]]);
  let at = 0;
  const file = {
    seekSync: (offset: number | bigint) => at = Number(offset),
    readSync: (into: Uint8Array) => {
      const part = bytes.subarray(at, at + into.length);
      into.set(part);
      return part.length || null;
    },
  };
  const [entry] = listTar(file, size + 2048, "a");
  assertEquals([entry?.size, entry?.offset], [size, 1536]);
});
