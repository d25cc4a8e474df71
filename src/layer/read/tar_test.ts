import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MiseOciError } from "../../errors.ts";
import {
  concat,
  type FixtureEntry,
  type Listing,
  listingLine,
  listWithGnuTar,
  listWithPython,
  paxBody,
  streamOf,
  tar,
  tarEntry,
} from "../../../tests/support/tar_fixture.ts";
import { readTar } from "./read_tar.ts";
import { type TarEntry, TarParser } from "./tar_parser.ts";
import { normalizeTarPath } from "./tar_path.ts";

function parse(archive: Uint8Array, chunkSize = archive.length || 1): TarEntry[] {
  const entries: TarEntry[] = [];
  const parser = new TarParser({ entry: (entry) => entries.push(entry) < 0 });
  for (let at = 0; at < archive.length; at += chunkSize) {
    parser.push(archive.subarray(at, at + chunkSize));
  }
  parser.finish();
  return entries;
}

function list(archive: Uint8Array): Listing {
  return parse(archive).map((e) => listingLine(e.type, e.size, e.path, e.linkTarget));
}

async function others(archive: Uint8Array): Promise<{ gnu: Listing; python: Listing }> {
  const path = await Deno.makeTempFile({ suffix: ".tar" });
  try {
    await Deno.writeFile(path, archive);
    return { gnu: await listWithGnuTar(path), python: await listWithPython(path) };
  } finally {
    await Deno.remove(path);
  }
}

const hasReaders = await Promise.all(
  ["tar", "python3"].map((command) =>
    new Deno.Command(command, { args: ["--version"], stdout: "null", stderr: "null" }).output()
      .then((output) => output.success, () => false)
  ),
).then((found) => found.every(Boolean));

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
const text = (value: string): Uint8Array => new TextEncoder().encode(value.padEnd(12, "\0"));
const next: FixtureEntry = { name: "next", content: "n" };
const hidden = tarEntry({ name: "hidden", content: "h" });

/** U19: what we must do; whatever it is, we never list what GNU tar or Python do not. */
const U19: readonly (readonly [string, "listed" | "refused", Uint8Array])[] = [
  [
    "a PAX size larger than the header's",
    "listed",
    tar(
      { name: "f", pax: { size: String(hidden.length) }, size: 0, content: hidden },
      next,
    ),
  ],
  [
    "a PAX size smaller than the header's",
    "listed",
    tar(
      { name: "f", pax: { size: "0" }, size: hidden.length },
      next,
    ),
  ],
  ["a base-256 size", "listed", tar({ name: "f", size: base256(1), content: "1" }, next)],
  [
    "a size with leading spaces",
    "listed",
    tar({ name: "f", size: text("         1 "), content: "1" }),
  ],
  [
    "a negative base-256 size",
    "refused",
    tar({ name: "f", size: new Uint8Array(12).fill(255) }, next),
  ],
  [
    "a huge base-256 size",
    "refused",
    tar({ name: "f", size: new Uint8Array(12).fill(255).fill(128, 0, 1) }),
  ],
  ["a size that is no number", "refused", tar({ name: "f", size: text("12x") }, next)],
  ["a negative octal size", "refused", tar({ name: "f", size: text("-0000000001") }, next)],
  ["a negative PAX size", "refused", tar({ name: "f", pax: { size: "-1" } }, next)],
  ["a PAX size that is no number", "refused", tar({ name: "f", pax: { size: "1e3" } }, next)],
  [
    "a PAX size over 2^53",
    "refused",
    tar({ name: "f", pax: { size: "99999999999999999999" } }, next),
  ],
  ["a wrong checksum", "refused", tar({ name: "f", spoil: (h) => h[0] = 0x67 }, next)],
  [
    "a malformed PAX record",
    "refused",
    tar(
      { name: "x", type: "x", content: "99 size=512\n" },
      { name: "f", content: hidden },
    ),
  ],
  [
    "a PAX record without newline",
    "refused",
    tar(
      { name: "x", type: "x", content: "12 size=512 " },
      { name: "f", content: hidden },
    ),
  ],
  [
    "a GNU long name",
    "listed",
    tar(
      { name: "././@LongLink", type: "L", content: `${"d/".repeat(90)}f\0` },
      { name: "short", content: "1" },
    ),
  ],
  [
    "a GNU long link",
    "listed",
    tar(
      { name: "././@LongLink", type: "K", content: `${"t".repeat(150)}\0` },
      { name: "l", link: "t" },
    ),
  ],
  [
    "a GNU long name over 1 MiB",
    "refused",
    tar(
      { name: "././@LongLink", type: "L", content: "n".repeat(1024 * 1024 + 1) },
      next,
    ),
  ],
  [
    "a global PAX path",
    "refused",
    tar(
      { name: "g", type: "g", content: paxBody({ path: "everything" }) },
      { name: "f" },
    ),
  ],
  [
    "a global PAX comment",
    "listed",
    tar(
      { name: "g", type: "g", content: paxBody({ comment: "0123abc" }) },
      { name: "f", content: "1" },
    ),
  ],
  [
    "a PAX path and another GNU long name",
    "refused",
    tar(
      { name: "././@LongLink", type: "L", content: "one\0" },
      { name: "f", pax: { path: "two" } },
    ),
  ],
  [
    "two PAX headers",
    "refused",
    tar(
      { name: "x", type: "x", content: paxBody({ path: "one" }) },
      { name: "f", pax: { size: "0" } },
    ),
  ],
  ["a directory with content", "refused", tar({ name: "d/", content: hidden }, next)],
  ["a symbolic link with content", "refused", tar({ name: "l", link: "t", content: hidden }, next)],
  [
    "a hard link with a size",
    "listed",
    tar({ name: "f" }, { name: "h", type: "1", link: "f", size: 512 }),
  ],
  ["an unknown type", "refused", tar({ name: "f", type: "Z", content: hidden }, next)],
  ["an old directory", "listed", tar({ name: "d/", type: "\0", magic: "" }, next)],
  [
    "a file whose name ends with a slash",
    "refused",
    tar({ name: "d/", type: "0", content: hidden }),
  ],
  ["a ustar prefix", "listed", tar({ name: "f", prefix: "a/b" }, next)],
  ["a prefix in a v7 header", "refused", tar({ name: "f", prefix: "a/b", magic: "" }, next)],
  [
    "an entry after one end block",
    "refused",
    concat(
      tarEntry(next),
      new Uint8Array(512),
      hidden,
      new Uint8Array(1024),
    ),
  ],
  ["an entry after two end blocks", "listed", concat(tar(next), hidden)],
  ["an empty PAX path", "refused", tar({ name: "f", pax: { path: "" }, content: "1" }, next)],
  [
    "a PAX path twice",
    "listed",
    tar(
      {
        name: "x",
        type: "x",
        content: concat(paxBody({ path: "one" }), paxBody({ path: "two" })),
      },
      { name: "f" },
    ),
  ],
];

for (const [name, expected, archive] of U19) {
  Deno.test({
    name: `U19: ${name} is ${expected}${
      hasReaders ? "" : " (no tar or python3 here to compare with)"
    }`,
    ignore: !hasReaders,
    async fn(): Promise<void> {
      let ours: Listing;
      try {
        ours = list(archive);
      } catch (error) {
        assert(error instanceof MiseOciError, String(error));
      }
      assertEquals(ours === undefined ? "refused" : "listed", expected);
      if (ours === undefined) return;
      const { gnu, python } = await others(archive);
      if (gnu !== undefined) assertEquals(ours, gnu, "GNU tar");
      if (python !== undefined) assertEquals(ours, python, "Python");
      assert(gnu !== undefined || python !== undefined, "no other reader accepts it");
    },
  });
}

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
