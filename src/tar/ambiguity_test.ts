import { assert, assertEquals } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import {
  concat,
  type FixtureEntry,
  type Listing,
  listingLine,
  listWithGnuTar,
  listWithPython,
  paxBody,
  tar,
  tarEntry,
} from "../../tests/support/tar_fixture.ts";
import { TarParser } from "./parser.ts";

function list(archive: Uint8Array): Listing {
  const lines: string[] = [];
  const parser = new TarParser({
    entry: (e) => lines.push(listingLine(e.type, e.size, e.path, e.linkTarget)) < 0,
  });
  parser.push(archive);
  parser.finish();
  return lines;
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
      hasReaders ? "" : " (skipped: no tar or python3 to compare with)"
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
