// Longer than 350 lines: everything that an archive can be, in one table of fixtures.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import zlib, { gzipSync } from "node:zlib";
import { hasZstd } from "../compress/zstd.ts";
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
import { createLayout, type Layout, verifyStore } from "../store/mod.ts";
import { encodeTarHeader, TAR_END, tarPadding } from "../tar/encode.ts";
import { listTar } from "../tar/list.ts";
import { openArchive, resolveImage, writeDockerArchive, writeOciArchive } from "./mod.ts";

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
  const fields = { mode: 0o644, uid: 0, gid: 0, size: content.length, target: "" };
  const header = encodeTarHeader({ path: name, type: "file", ...fields });
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

/** A skippable frame, as pzstd writes it before each of its frames, and as some tools pad with. */
const SKIPPABLE = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4);

/** Compresses the halves apart: concatenated members and frames are one stream by their specifications. */
const COMPRESSED: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array<ArrayBuffer>>> = {
  plain: (bytes) => join(bytes),
  gzip: (bytes) => join(gzipSync(bytes)),
  "gzip of two members": (bytes) =>
    join(gzipSync(bytes.subarray(0, 700)), gzipSync(bytes.subarray(700))),
  ...(hasZstd()
    ? {
      zstd: (bytes) => join(zlib.zstdCompressSync(bytes)),
      "zstd of many frames": (bytes) => {
        const frames: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += 700) {
          frames.push(SKIPPABLE, zlib.zstdCompressSync(bytes.subarray(at, at + 700)));
        }
        return join(...frames);
      },
    }
    : {}),
};

for (const [compression, compress] of Object.entries(COMPRESSED)) {
  Deno.test(`an oci-archive that is ${compression} gives back its images and leaves no file`, () =>
    inTempDir(async (dir) => {
      const layout = await newLayout(dir);
      await writeOciArchive(layout, `${dir}/a.tar`);
      await Deno.writeFile(`${dir}/a.tar`, compress(await Deno.readFile(`${dir}/a.tar`)));
      const archive = await openArchive(`${dir}/a.tar`, { scratch: `${dir}/scratch` });
      assertEquals((await verifyStore(archive)).blobs, 6);
      const image = await resolveImage(archive, { tag: "two" });
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
    assertEquals((await resolveImage(archive)).platform, AMD64);
  }));

Deno.test("an archive takes the name it is given", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    await writeOciArchive(layout, `${dir}/a.tar`, { tag: "one", refName: "localhost/x:1" });
    await using archive = await openArchive(`${dir}/a.tar`);
    assertEquals((await resolveImage(archive)).tag, "localhost/x:1");
    assertStringIncludes(
      (await rejected(writeOciArchive(layout, `${dir}/b.tar`, { tag: "x" }))).message,
      '"one"',
    );
  }));

Deno.test("D06: a damaged blob stops the archive, and a file of it does not appear", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const image = await resolveImage(layout, { tag: "one" });
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
        "docker save without its layers",
        join(
          member("manifest.json", text('[{"Config":"c.json","Layers":["a/layer.tar"]}]')),
          member("c.json", text('{"rootfs":{"diff_ids":[]}}')),
          TAR_END,
        ),
        "layout",
        'no layer "a/layer.tar"',
      ],
      [
        "docker save without its config",
        join(member("manifest.json", text('[{"Config":"c.json"}]')), TAR_END),
        "layout",
        "no file c.json",
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

Deno.test(
  "C09: a damaged or cut archive of zstd is a clear error",
  { ignore: !hasZstd() },
  () =>
    inTempDir(async (dir) => {
      const zstd = zlib.zstdCompressSync(join(...LAYOUT, TAR_END));
      const cases = [
        zstd.subarray(0, 60),
        zstd.subarray(0, -1),
        zstd.map((byte, i) => i === 30 ? byte ^ 255 : byte),
        join(zstd, SKIPPABLE.subarray(0, 9)),
        join(zstd, text("more")),
      ];
      for (const bytes of cases) {
        await Deno.writeFile(`${dir}/a`, bytes);
        const error = await rejected(openArchive(`${dir}/a`, { scratch: dir }));
        assertEquals(error.code, "invalid");
        assertStringIncludes(error.message, `Cannot unpack "${dir}/a": its zstd data is damaged`);
        assertEquals(await tree(dir), ["a"]);
      }
    }),
);

const pzstd = hasZstd() && canRun("pzstd", ["--version"]);
Deno.test(`an oci-archive of pzstd is read whole${pzstd ? "" : " (skipped: no pzstd)"}`, {
  ignore: !pzstd,
}, () =>
  inTempDir(async (dir) => {
    await writeOciArchive(await newLayout(dir), `${dir}/a.tar`);
    await new Deno.Command("pzstd", { args: ["-q", "-p", "2", `${dir}/a.tar`] }).output();
    await using archive = await openArchive(`${dir}/a.tar.zst`, { scratch: `${dir}/scratch` });
    assertEquals((await verifyStore(archive)).blobs, 6);
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
    const nothing = text("");
    const variants: readonly [string, Uint8Array, (header: Uint8Array) => void, boolean][] = [
      [name, blob, () => {}, true],
      [`./${name}`, blob, () => {}, true],
      [`x/${name}`, blob, () => {}, false],
      [name, nothing, (header) => (type("2")(header), header.set(text("/etc/passwd"), 157)), false],
      [name, nothing, (header) => (type("1")(header), header.set(text("oci-layout"), 157)), false],
      [name, nothing, type("3"), false],
      [`blobs/sha256/${sha256(blob).slice(7).toUpperCase()}`, blob, () => {}, false],
    ];
    for (const [path, content, patch, there] of variants) {
      await Deno.writeFile(`${dir}/a`, join(...LAYOUT, member(path, content, patch), TAR_END));
      await using archive = await openArchive(`${dir}/a`);
      assertEquals(await archive.size(sha256(blob)) !== undefined, there, path);
    }
    const refused = [member(`../${name}`, blob), member(name, blob, type("2"))];
    for (const bytes of refused) {
      await Deno.writeFile(`${dir}/a`, join(...LAYOUT, bytes, TAR_END));
      assertEquals((await rejected(openArchive(`${dir}/a`))).code, "invalid");
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
      const { code } = await rejected(openArchive(`${dir}/a`));
      assertEquals(code, /cut|beyond its end/.test(name) ? "integrity" : "invalid");
    }));
}

Deno.test("U19: a wrong checksum is refused", () =>
  inTempDir(async (dir) => {
    const bytes = join(...LAYOUT, member("a", text("x")), TAR_END);
    bytes[bytes.length - TAR_END.length - 1024 + 5] = 0x41;
    await Deno.writeFile(`${dir}/a`, bytes);
    assertStringIncludes((await rejected(openArchive(`${dir}/a`))).message, "checksum");
  }));

const tools = canRun("skopeo", ["--version"]);
Deno.test(`skopeo reads both kinds of archive${tools ? "" : " (skipped: no skopeo)"}`, {
  ignore: !tools,
}, () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const image = await resolveImage(layout, { tag: "one" });
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

/** A tar of `docker save`: what it has besides manifest.json, and the names that this gives. */
async function readSave(
  dir: string,
  members: readonly Uint8Array[],
  image: { readonly config: string; readonly layers: readonly string[] },
): Promise<{ readonly diffIds: readonly string[]; readonly bytes: readonly string[] }> {
  const saved = [{ Config: image.config, RepoTags: ["app:1", "app:2"], Layers: image.layers }];
  await Deno.writeFile(
    `${dir}/save`,
    join(member("manifest.json", text(JSON.stringify(saved))), ...members, TAR_END),
  );
  await using archive = await openArchive(`${dir}/save`);
  const { manifest, config, source } = await resolveImage(archive, { tag: "app:2" });
  const bytes: string[] = [];
  for (const { digest } of manifest.layers) {
    bytes.push(new TextDecoder().decode(await readAll(await source.open(digest))));
  }
  assertEquals((await verifyStore(archive)).blobs, 2 + new Set(bytes).size);
  return { diffIds: config.diffIds, bytes };
}

Deno.test("docker save in its old form, with links for equal layers, and crane's with digests are read", () =>
  inTempDir(async (dir) => {
    const layer = text("layer");
    const diffIds = [sha256(layer), sha256(layer)];
    const config = text(
      JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { diff_ids: diffIds } }),
    );
    const link = member("b/layer.tar", text(""), (header) => {
      header[156] = "2".charCodeAt(0);
      header.set(text("../a/layer.tar"), 157);
    });
    const old = await readSave(
      dir,
      [member("c.json", config), member("a/layer.tar", layer), link],
      { config: "c.json", layers: ["a/layer.tar", "b/layer.tar"] },
    );
    assertEquals(old, { diffIds, bytes: ["layer", "layer"] });
    const name = sha256(config);
    const crane = await readSave(
      dir,
      [member(name, config), member("x.tar.gz", layer)],
      { config: name, layers: ["x.tar.gz", "x.tar.gz"] },
    );
    assertEquals(crane.bytes, ["layer", "layer"]);
  }));

Deno.test("a docker-archive names gzip layers .tar.gz, and zstd layers are refused", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const image = await resolveImage(layout, { tag: "one" });
    const as = (mediaType: string): typeof image => ({
      ...image,
      manifest: {
        ...image.manifest,
        layers: image.manifest.layers.map((one) => ({ ...one, mediaType })),
      },
    });
    const gzip = `${dir}/gzip.tar`;
    await writeDockerArchive(as("application/vnd.oci.image.layer.v1.tar+gzip"), gzip);
    using file = await Deno.open(gzip);
    const names = listTar(file, (await file.stat()).size, "a").map(({ path }) => path);
    assertEquals(names.at(-1), `${sha256(text("one")).slice(7)}.tar.gz`);
    const zstd = as("application/vnd.oci.image.layer.v1.tar+zstd");
    const error = await rejected(writeDockerArchive(zstd, `${dir}/zstd.tar`));
    assertEquals(error.code, "unsupported");
    assertStringIncludes(error.hint ?? "", "--compression gzip");
    await writeDockerArchive(zstd, `${dir}/zstd.tar`, { zstd: true });
  }));
