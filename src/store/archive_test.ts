import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { encodeIndex, encodeLayoutFile } from "../oci/mod.ts";
import {
  AMD64,
  ARM64,
  canRun,
  inTempDir,
  readAll,
  rejected,
  sha256,
  text,
  tree,
  writeImage,
} from "../../tests/support/store_fixtures.ts";
import {
  createLayout,
  type Layout,
  openArchive,
  writeDockerArchive,
  writeOciArchive,
} from "./mod.ts";
import { listTar, parsePaxRecords } from "./tar_reader.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar_writer.ts";

async function newLayout(dir: string): Promise<Layout> {
  const layout = await createLayout(`${dir}/layout`);
  await layout.setTag(await writeImage(layout, "one"), "one");
  await layout.setTag(await writeImage(layout, "two", ARM64), "two");
  return layout;
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A tar member; `patch` changes its header, whose checksum is then made right. */
function member(
  name: string,
  content: Uint8Array,
  patch?: (header: Uint8Array) => void,
): Uint8Array {
  const header = tarHeader({ name, size: content.length });
  patch?.(header);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(text(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return join(header, content, tarPadding(content.length));
}

const type = (flag: string) => (header: Uint8Array): void =>
  void (header[156] = flag.charCodeAt(0));
const LAYOUT = [
  member("oci-layout", encodeLayoutFile()),
  member("index.json", encodeIndex({ manifests: [] })),
];

for (const compression of ["plain", "gzip"] as const) {
  Deno.test(`an oci-archive that is ${compression} gives back its images and leaves no file`, () =>
    inTempDir(async (dir) => {
      const layout = await newLayout(dir);
      await writeOciArchive(layout, `${dir}/a.tar`);
      if (compression === "gzip") {
        await Deno.writeFile(`${dir}/a.tar`, gzipSync(await Deno.readFile(`${dir}/a.tar`)));
      }
      const archive = await openArchive(`${dir}/a.tar`, { scratch: `${dir}/scratch` });
      assertEquals((await archive.verify()).blobs, 6);
      const image = await archive.resolve({ tag: "two" });
      assertEquals(image.platform, ARM64);
      const digest = sha256(text("two"));
      assertEquals(await readAll(await image.source.open(digest)), text("two"));
      assertEquals(await readAll(await archive.open(digest, { start: 1, end: 2 })), text("w"));
      assertEquals((await rejected(archive.open(sha256(text("x"))))).code, "not-found");
      await archive.close();
      assertEquals((await tree(dir)).filter((name) => name.includes(".tmp-")), []);
    }));
}

Deno.test("the same image gives the same archive, from a layout or from an archive", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    await writeOciArchive(layout, `${dir}/a.tar`, { tag: "one" });
    await using archive = await openArchive(`${dir}/a.tar`);
    await writeOciArchive(archive, `${dir}/b.tar`);
    assertEquals(await Deno.readFile(`${dir}/b.tar`), await Deno.readFile(`${dir}/a.tar`));
    const chunks: Uint8Array[] = [];
    await writeOciArchive(
      layout,
      new WritableStream({ write: (chunk) => void chunks.push(chunk) }),
      { tag: "one" },
    );
    assertEquals(join(...chunks), await Deno.readFile(`${dir}/a.tar`));
    assertEquals((await archive.resolve()).platform, AMD64);
  }));

Deno.test("an archive takes the name it is given", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    await writeOciArchive(layout, `${dir}/a.tar`, { tag: "one", refName: "localhost/x:1" });
    await using archive = await openArchive(`${dir}/a.tar`);
    assertEquals((await archive.resolve()).tag, "localhost/x:1");
    assertStringIncludes(
      (await rejected(writeOciArchive(layout, `${dir}/b.tar`, { tag: "x" }))).message,
      '"one"',
    );
  }));

Deno.test("D06: a damaged blob stops the archive, and a file of it does not appear", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const image = await layout.resolve({ tag: "one" });
    await Deno.writeTextFile(layout.blobs.pathOf(sha256(text("one"))), "eno");
    for (
      const write of [
        () => writeOciArchive(layout, `${dir}/a.tar`),
        () => writeDockerArchive(image, `${dir}/a.tar`),
      ]
    ) {
      const error = await rejected(write());
      assertEquals(error.code, "integrity");
      assertStringIncludes(error.message, sha256(text("one")));
    }
    assertEquals((await tree(dir)).filter((name) => !name.startsWith("layout")), []);
    let aborted: unknown;
    const stream = new WritableStream<Uint8Array<ArrayBuffer>>({
      abort: (reason) => void (aborted = reason),
    });
    assertEquals(await rejected(writeOciArchive(layout, stream)), aborted);
  }));

Deno.test("C09: what is no archive of a layout is a clear error", () =>
  inTempDir(async (dir) => {
    const cases: readonly [string, Uint8Array, string, string][] = [
      ["empty", new Uint8Array(), "unsupported", "not a tar"],
      ["text", text("hello"), "unsupported", "not a tar"],
      ["zip", join(text("PK\x03\x04"), new Uint8Array(600).fill(1)), "invalid", "checksum"],
      [
        "xz",
        join(new Uint8Array([0xfd, 0x37, 0x7a, 0x58, 0x5a]), new Uint8Array(600)),
        "unsupported",
        "gzip or zstd",
      ],
      ["no entries", TAR_END, "layout", "oci-layout"],
      ["no layout", join(member("x", text("x")), TAR_END), "layout", "oci-layout"],
      ["no index", join(LAYOUT[0] ?? text(""), TAR_END), "layout", "index.json"],
      [
        "docker save",
        join(member("manifest.json", text("[]")), TAR_END),
        "unsupported",
        "docker save",
      ],
      ["cut gzip", gzipSync(join(...LAYOUT)).subarray(0, 60), "invalid", "gzip"],
      [
        "flipped gzip",
        gzipSync(join(...LAYOUT)).map((byte, i) => i === 30 ? byte ^ 255 : byte),
        "invalid",
        "gzip",
      ],
    ];
    for (const [name, bytes, code, message] of cases) {
      await Deno.writeFile(`${dir}/a`, bytes);
      const error = await rejected(openArchive(`${dir}/a`, { scratch: dir }));
      assertEquals(error.code, code, name);
      assertStringIncludes(error.message, message);
      assertEquals(await tree(dir), ["a"], name);
    }
    assertEquals((await rejected(openArchive(`${dir}/nothing`))).code, "not-found");
    assertStringIncludes((await rejected(openArchive(dir))).hint ?? "", `oci:${dir}`);
  }));

Deno.test("U24: a compressed archive may not unpack to more than the limit", () =>
  inTempDir(async (dir) => {
    await Deno.writeFile(`${dir}/a`, gzipSync(new Uint8Array(4 * 1024 * 1024)));
    const error = await rejected(
      openArchive(`${dir}/a`, { scratch: dir, maxUnpackedBytes: 1024 * 1024 }),
    );
    assertEquals(error.code, "invalid");
    assertEquals(await tree(dir), ["a"]);
  }));

Deno.test("unpacking an archive ends when the signal is aborted and leaves nothing", () =>
  inTempDir(async (dir) => {
    await Deno.writeFile(`${dir}/a`, gzipSync(new Uint8Array(4 * 1024 * 1024)));
    const reason = new Error("stop");
    const opening = openArchive(`${dir}/a`, { scratch: dir, signal: AbortSignal.abort(reason) });
    assertEquals(await opening.catch((error) => error), reason);
    assertEquals(await tree(dir), ["a"]);
  }));

Deno.test("U01: names that lead elsewhere, links and devices are no blobs", () =>
  inTempDir(async (dir) => {
    const blob = text("blob");
    const name = `blobs/sha256/${sha256(blob).slice(7)}`;
    const variants: readonly [string, (header: Uint8Array) => void, boolean][] = [
      [name, () => {}, true],
      [`./${name}`, () => {}, true],
      [`../${name}`, () => {}, false],
      [`/${name}`, () => {}, false],
      [`x/${name}`, () => {}, false],
      [name, type("2"), false],
      [name, type("1"), false],
      [name, type("3"), false],
      [`blobs/sha256/${sha256(blob).slice(7).toUpperCase()}`, () => {}, false],
    ];
    for (const [path, patch, there] of variants) {
      await Deno.writeFile(`${dir}/a`, join(...LAYOUT, member(path, blob, patch), TAR_END));
      await using archive = await openArchive(`${dir}/a`);
      assertEquals(await archive.size(sha256(blob)) !== undefined, there, path);
    }
    assertEquals(await tree(dir), ["a"]);
  }));

/** A tar whose bytes say something else in different programs, or nothing sensible. */
const HOSTILE: Readonly<Record<string, Uint8Array>> = {
  "is cut within a header": member("a", text("")).subarray(0, 100),
  "is cut within content": member("a", text("x".repeat(600))).subarray(0, 1000),
  "has a size beyond its end": member(
    "a",
    text("x"),
    (header) => header.set(text("77777777777"), 124),
  ),
  "has a size of base-256 beyond 2^53": member(
    "a",
    text("x"),
    (header) => header.set([0x80, 1, 255, 255, 255, 255, 255, 255], 124),
  ),
  "has a negative size": member("a", text("x"), (header) => header.fill(0xff, 124, 136)),
  "has a size that is no number": member("a", text("x"), (header) => header.set(text("12x"), 124)),
  "has a PAX size beyond its end": join(
    member("p", text("13 size=9999\n"), type("x")),
    member("a", text("x")),
  ),
  "has a PAX size that is negative": join(
    member("p", text("11 size=-1\n"), type("x")),
    member("a", text("x")),
  ),
  "has a PAX record without length": join(
    member("p", text("size=1\n"), type("x")),
    member("a", text("x")),
  ),
  "has a PAX record longer than its header": join(
    member("p", text("99 size=1\n"), type("x")),
    member("a", text("x")),
  ),
  "has a global PAX path": join(
    member("p", text("10 path=x\n"), type("g")),
    member("a", text("x")),
  ),
  "has a long name of 2 MiB": member("L", new Uint8Array(2 * 1024 * 1024).fill(0x61), type("L")),
};

for (const [name, bytes] of Object.entries(HOSTILE)) {
  Deno.test(`U19: an archive that ${name} is refused`, () =>
    inTempDir(async (dir) => {
      await Deno.writeFile(
        `${dir}/a`,
        join(...LAYOUT, bytes, name.includes("cut") ? text("") : TAR_END),
      );
      assertEquals((await rejected(openArchive(`${dir}/a`))).code, "invalid");
    }));
}

Deno.test("U19: a wrong checksum is refused", () =>
  inTempDir(async (dir) => {
    const bytes = join(...LAYOUT, member("a", text("x")), TAR_END);
    bytes[bytes.length - TAR_END.length - 1024 + 5] = 0x41;
    await Deno.writeFile(`${dir}/a`, bytes);
    assertStringIncludes((await rejected(openArchive(`${dir}/a`))).message, "checksum");
  }));

Deno.test("listTar() puts names together as ustar, PAX and GNU write them", () =>
  inTempDir(async (dir) => {
    const long = `${"d".repeat(90)}/${"n".repeat(90)}`;
    const pax = ` path=${long}\n`;
    const bytes = join(
      member("n", text("1"), (header) => header.set(text("prefix"), 345)),
      member("p", text(`${pax.length + 3}${pax}`), type("x")),
      member("short", text("2")),
      member("L", text(`${long}\0`), type("L")),
      member("short", text("3")),
      member("old", text("4"), (header) => (header.fill(0, 257, 512), header[156] = 0)),
    );
    await Deno.writeFile(`${dir}/a`, bytes);
    using file = await Deno.open(`${dir}/a`);
    const entries = listTar(file, bytes.length, "a");
    assertEquals(entries.map(({ name }) => name), ["prefix/n", long, long, "old"]);
    assertEquals(entries.map(({ offset }) => bytes[offset]), [...text("1234")]);
    assert(entries.every((entry) => entry.type === "0" && entry.size === 1));
  }));

Deno.test("tarHeader() states a size over 8 GiB in a PAX record", () => {
  const size = 2 ** 40 + 1;
  const bytes = tarHeader({ name: "a", size });
  assertEquals(bytes.length, 3 * 512);
  const record = parsePaxRecords(bytes.subarray(512, 512 + bytes.subarray(512).indexOf(0)));
  assertEquals(record.get("size"), String(size));
  assertEquals(tarHeader({ name: "a", size: 8 * 2 ** 30 - 1 }).length, 512);
});

const tools = canRun("skopeo", ["--version"]);
Deno.test(`skopeo reads both kinds of archive${tools ? "" : " (skipped: no skopeo)"}`, {
  ignore: !tools,
}, () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const image = await layout.resolve({ tag: "one" });
    await writeOciArchive(layout, `${dir}/oci.tar`, { tag: "one" });
    await writeDockerArchive(image, `${dir}/docker.tar`, { repoTags: ["localhost/one:1"] });
    for (
      const source of [
        `oci-archive:${dir}/oci.tar:one`,
        `docker-archive:${dir}/docker.tar:localhost/one:1`,
      ]
    ) {
      const { stdout, success } = await new Deno.Command("skopeo", {
        args: ["inspect", "--config", source],
      }).output();
      assert(success);
      assertEquals(JSON.parse(new TextDecoder().decode(stdout)).rootfs.diff_ids, [
        ...image.config.diffIds,
      ]);
    }
    // Docker's own form lists what it copied by the config's digest, which must be the layout's.
    const copied = `${dir}/copied`;
    const { success } = await new Deno.Command("skopeo", {
      args: [
        "--insecure-policy",
        "copy",
        "-q",
        `docker-archive:${dir}/docker.tar`,
        `dir:${copied}`,
      ],
    }).output();
    assert(success);
    assert((await tree(copied)).includes(image.manifest.config.digest.slice(7)));
  }));
