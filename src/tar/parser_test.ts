import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { concat, paxBody, streamOf, tar, tarEntry } from "../../tests/support/tar_fixture.ts";
import { readTar } from "./read_tar.ts";
import { type TarEntry, TarParser } from "./parser.ts";
import { normalizeTarPath } from "./header.ts";

function parse(archive: Uint8Array, chunkSize = archive.length || 1): TarEntry[] {
  const entries: TarEntry[] = [];
  const parser = new TarParser({ entry: (entry) => entries.push(entry) < 0 });
  for (let at = 0; at < archive.length; at += chunkSize) {
    parser.push(archive.subarray(at, at + chunkSize));
  }
  parser.finish();
  return entries;
}

Deno.test("normalizeTarPath() makes names relative and refuses those that leave the root (U01)", () => {
  assertEquals(normalizeTarPath("./a//b/./c/"), "a/b/c");
  assertEquals(normalizeTarPath("/etc/passwd"), "etc/passwd");
  assertEquals(normalizeTarPath("./"), "");
  assertEquals(normalizeTarPath("/"), "");
  assertEquals(normalizeTarPath("a\\x2db"), "a\\x2db");
  const long = "d/".repeat(2100);
  for (
    const name of ["", "..", "../x", "a/../../x", "a/..", "a\0b", "C:\\x", "n".repeat(256), long]
  ) {
    assertThrows(() => normalizeTarPath(name), RangeError);
  }
  assertThrows(() => normalizeTarPath("é".repeat(128)), RangeError, "255 bytes");
});

Deno.test("TarParser gives the same entries however the stream is cut", () => {
  const archive = tar(
    { name: "./" },
    { name: "a/", mode: 0o1777, uid: 5, gid: 6 },
    { name: "a/f", content: "x".repeat(1500), mode: 0o4755, mtime: 7 },
    { name: "l", link: "/a/f" },
    { name: "h", type: "1", link: "./a/f" },
    {
      name: "p",
      pax: { path: `${"long/".repeat(30)}é`, size: "3", uid: "3000000000" },
      content: "abc",
    },
  );
  const whole = parse(archive);
  assertEquals(whole.map((entry) => entry.path), [
    "",
    "a",
    "a/f",
    "l",
    "h",
    `${"long/".repeat(30)}é`,
  ]);
  assertEquals(whole[1], {
    number: 2,
    path: "a",
    type: "directory",
    mode: 0o1777,
    uid: 5,
    gid: 6,
    size: 0,
    mtime: 0,
    xattrs: 0,
  });
  assertEquals(whole[4]!.linkTarget, "a/f");
  assertEquals(whole[5]!.uid, 3_000_000_000);
  for (const size of [1, 7, 511, 512, 513, 1024]) assertEquals(parse(archive, size), whole);
});

Deno.test("readTar() gives contents, also when some are skipped", async () => {
  const archive = tar({ name: "a", content: "aaa" }, { name: "b", content: "b".repeat(2000) }, {
    name: "c",
    content: "ccc",
  });
  const seen: string[] = [];
  for await (const entry of readTar(streamOf(archive, 700))) {
    if (entry.path === "b") continue;
    let text = "";
    for await (const part of entry.content()) text += new TextDecoder().decode(part);
    seen.push(`${entry.path}=${text}`);
  }
  assertEquals(seen, ["a=aaa", "c=ccc"]);
});

const base256 = (...tail: number[]): Uint8Array =>
  concat(Uint8Array.of(0x80), new Uint8Array(11 - tail.length), Uint8Array.from(tail));
Deno.test("U25: a cut in a header or in content is an error, missing end blocks are not", () => {
  const entry = tarEntry({ name: "f", content: "x".repeat(600) });
  for (const end of [100, 511, 513, 1000, 1535]) {
    const error = assertThrows(() => parse(entry.subarray(0, end)), MiseOciError);
    assertEquals(error.code, "integrity");
  }
  assertEquals(parse(entry).length, 1);
  assertEquals(parse(concat(entry, new Uint8Array(512))).length, 1);
  assertEquals(parse(new Uint8Array()).length, 0);
  assertThrows(
    () => parse(tarEntry({ name: "x", type: "x", content: paxBody({ path: "p" }) })),
    MiseOciError,
    "extended header",
  );
});

Deno.test("U26: a name that is not UTF-8 is an error with the entry's number", () => {
  const bad = Uint8Array.of(0x62, 0xff);
  for (
    const entry of [
      { name: bad },
      { name: "l", link: bad },
      { name: "p", pax: { path: bad } },
      { name: "p", type: "1", pax: { linkpath: bad } },
    ]
  ) {
    const error = assertThrows(() => parse(tar({ name: "ok" }, entry)), MiseOciError, "entry 2");
    assert(error.message.includes("b\\xff"), error.message);
  }
});

Deno.test("U28: sparse files are refused", () => {
  assertThrows(() => parse(tar({ name: "s", type: "S" })), MiseOciError, "sparse");
  const pax = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s" };
  assertThrows(() => parse(tar({ name: "s", pax })), MiseOciError, "sparse");
});

Deno.test("U27: extended attributes are counted, not read", () => {
  const pax = { "SCHILY.xattr.security.capability": Uint8Array.of(1, 0xff), path: "f" };
  assertEquals(parse(tar({ name: "x", pax }))[0]!.xattrs, 1);
});

Deno.test("U24: too many entries and too large a size are refused", async () => {
  const limits = { maxEntries: 3, maxBytes: 4096 };
  const many = tar(...["a", "b", "c", "d"].map((name) => ({ name })));
  const one = tar({ name: "f", size: base256(1, 0, 0, 0, 0, 0) });
  for (const archive of [many, one]) {
    const read = async (): Promise<void> => {
      for await (const _ of readTar(streamOf(archive), { limits })) { /* only reading */ }
    };
    await assertRejects(read, MiseOciError);
  }
});

Deno.test("U01: names that leave the root are refused with the entry's number", () => {
  for (const name of ["../x", "a/../../x", "", "C:\\x"]) {
    const error = assertThrows(() => parse(tar({ name })), MiseOciError, "entry 1");
    assertEquals(error.code, "invalid");
  }
  assertThrows(() => parse(tar({ name: "h", type: "1", link: "../x" })), MiseOciError);
  assertThrows(() => parse(tar({ name: "p", pax: { path: "a\0b" } })), MiseOciError, "NUL");
});

Deno.test("TarParser throws nothing but its own errors, whatever the bytes (seeded fuzz)", () => {
  const archive = tar(
    { name: "d/" },
    { name: "f", content: "x".repeat(700), pax: { path: "a/long/path", mtime: "1.5", uid: "7" } },
    { name: "././@LongLink", type: "L", content: `${"n".repeat(200)}\0` },
    { name: "n", content: "y" },
    { name: "l", link: "f" },
  );
  let state = 20260101;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
  let accepted = 0;
  for (let round = 0; round < 5000; round++) {
    const bytes = archive.slice();
    const block = random(bytes.length / 512) * 512;
    for (let i = random(4); i >= 0; i--) bytes[block + random(512)] = random(256);
    // Half of the headers get a right checksum again, or nothing would come past it.
    if (round % 2 === 0) {
      const header = bytes.subarray(block, block + 512);
      header.fill(0x20, 148, 156);
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
    }
    try {
      for (const entry of parse(bytes, 1 + random(2000))) {
        assertEquals(normalizeTarPath(entry.path === "" ? "." : entry.path), entry.path);
      }
      accepted++;
    } catch (error) {
      assert(error instanceof MiseOciError, String(error));
    }
  }
  assert(accepted > 100 && accepted < 5000, String(accepted));
});
