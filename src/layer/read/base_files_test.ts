import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { gzipSync } from "node:zlib";
import { createHash } from "node:crypto";
import { MiseOciError } from "../../errors.ts";
import { MediaType, parseDiffId } from "../../oci/mod.ts";
import { type FixtureEntry, streamOf, tar } from "../../../tests/support/tar_fixture.ts";
import { mergeIndexes } from "./base_files.ts";
import {
  encodeLayerIndex,
  indexLayer,
  type LayerIndex,
  maybeParseLayerIndex,
} from "./layer_index.ts";

function index(...entries: readonly FixtureEntry[]): Promise<LayerIndex> {
  return indexLayer(streamOf(tar(...entries)), MediaType.layer);
}

async function paths(...layers: readonly (readonly FixtureEntry[])[]): Promise<string[]> {
  const indexes = await Promise.all(layers.map((entries) => index(...entries)));
  return [...mergeIndexes(indexes).entries()].map((file) => file.path).slice(1);
}

const d = (name: string): FixtureEntry => ({ name: `${name}/` });
const f = (name: string, content = ""): FixtureEntry => ({ name, content });
const l = (name: string, link: string): FixtureEntry => ({ name, link });

Deno.test("indexLayer() verifies the diff ID of the whole tar, what follows its end included", async () => {
  const archive = tar(f("a", "1"));
  const padded = new Uint8Array(archive.length + 10_000);
  padded.set(archive);
  for (const bytes of [archive, padded]) {
    const diffId = parseDiffId(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
    const blob = (): ReadableStream<Uint8Array> => streamOf(new Uint8Array(gzipSync(bytes)));
    const found = await indexLayer(blob(), MediaType.layerGzip, { diffId });
    assertEquals(found.diffId, diffId);
    const other = parseDiffId(`sha256:${"0".repeat(64)}`);
    const error = await assertRejects(
      () => indexLayer(blob(), MediaType.layerGzip, { diffId: other, what: "layer 1" }),
      MiseOciError,
      "layer 1",
    );
    assertEquals(error.code, "integrity"); // U23
  }
});

Deno.test("an index survives its JSON, and a damaged one is none", async () => {
  const made = await index(
    d("etc"),
    f("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
    l("bin", "usr/bin"),
  );
  const text = encodeLayerIndex(made);
  assertEquals(maybeParseLayerIndex(text), made);
  for (
    const bad of [
      "",
      "{}",
      text.slice(0, -1),
      text.replace('"format":1', '"format":0'),
      "[]",
      "null",
    ]
  ) {
    assertEquals(maybeParseLayerIndex(bad), undefined);
  }
});

Deno.test("mergeIndexes() applies whiteouts to lower layers only, in any order of entries", async () => {
  const base = [d("a"), f("a/1"), f("a/2"), d("a/sub"), f("a/sub/x"), f("b")];
  assertEquals(await paths(base, [f("a/.wh.1"), f(".wh.b")]), ["a", "a/2", "a/sub", "a/sub/x"]);
  assertEquals(await paths(base, [f("a/1", "new"), f("a/.wh.1")]), await paths(base));
  assertEquals(await paths(base, [d("a"), f("a/new"), f("a/.wh..wh..opq")]), ["a", "a/new", "b"]);
  assertEquals(await paths(base, [f(".wh.a"), f(".wh.missing"), f("no/.wh.thing")]), ["b"]);
  assertEquals(await paths(base, [d("a/sub"), f("a/sub/new"), f(".wh.a")]), [
    "a",
    "a/sub",
    "a/sub/new",
    "b",
  ]);
  assertEquals(await paths(base, [f(".wh..wh.plnk/x"), f(".wh..wh.aufs")]), await paths(base));
});

Deno.test("mergeIndexes() follows links in parents inside the image", async () => {
  const base = [
    d("usr"),
    d("usr/lib"),
    l("lib", "usr/lib"),
    l("up", "../../../usr"),
    l("abs", "/usr/lib"),
  ];
  const merged = mergeIndexes([
    await index(...base),
    await index(d("lib"), f("up/u")),
    await index(f("abs/z"), f("up/.wh.u")),
  ]);
  // A directory entry at the path of the link replaces it.
  assertEquals(merged.hasDirectory("/lib"), true);
  assertEquals(merged.get("usr/lib/z")?.type, "file");
  assertEquals(merged.get("usr/u"), undefined);
  assertEquals(merged.get("abs/z"), undefined);
  assertEquals(merged.resolve("/up/lib/../lib/z")?.path, "usr/lib/z");
  assertEquals(merged.resolve("/up/nothing"), undefined);
});

Deno.test("mergeIndexes() replaces, keeps contents of directories, and shares hard links' attributes", async () => {
  const merged = mergeIndexes([
    await index(
      d("opt"),
      f("opt/x"),
      f("opt/y", "12"),
      f("etc/passwd", "app:x:1000:1000::/srv/app:/bin/sh"),
    ),
    await index({ name: "opt/", mode: 0o700, uid: 1000, gid: 1000 }, d("opt/x")),
    await index({ name: "hard", type: "1", link: "opt/y" }, {
      name: "passwd",
      type: "1",
      link: "etc/passwd",
    }),
  ]);
  const opt = {
    path: "opt",
    type: "directory",
    mode: 0o700,
    uid: 1000,
    gid: 1000,
    size: 0,
  } as const;
  assertEquals(merged.get("/opt/"), { ...opt, entry: opt });
  assertEquals(merged.hasDirectory("opt/x"), true);
  assertEquals(merged.get("hard")?.size, 2);
  assertEquals(merged.text("/passwd")?.split(":")[5], "/srv/app");
  assertEquals(merged.hasDirectory("/etc"), true); // implied by etc/passwd
});

Deno.test("mergeIndexes() names what is in a directory, links followed", async () => {
  const files = mergeIndexes([await index(d("a"), f("a/z"), f("a/b"), l("l", "a"), f("c/x"))]);
  const names = ["/", "a", "/l/", "c", "a/z", "none"].map((path) => files.names(path));
  assertEquals(names, [["a", "c", "l"], ["b", "z"], ["b", "z"], ["x"], [], []]);
});

Deno.test("mergeIndexes() sees when an entry changes the way to the directory of the next", async () => {
  const way = [d("a"), l("a/l", "."), f("a/l/f"), f("a/l/g")];
  assertEquals(await paths(way), ["a", "a/f", "a/g", "a/l"]);
  // The entry at a/l/l replaces the link.
  await assertRejects(
    () => paths([...way, f("a/l/l"), f("a/l/h")]),
    MiseOciError,
    '"a/l/h": a parent is not a directory',
  );
  assertEquals(await paths([f("a/b/f"), f("a/b"), d("a/b"), f("a/b/g")]), ["a", "a/b", "a/b/g"]);
  assertEquals(await paths([f("a/b/f")], [f("a/.wh.b"), f("a/b/g")]), ["a", "a/b", "a/b/g"]);
});

Deno.test("mergeIndexes() refuses what could not be unpacked", async () => {
  const cases: FixtureEntry[][] = [
    [l(".", "/outside")], // U09
    [f("./", "")].map((entry) => ({ ...entry, name: "/", type: "2", link: "/x" })),
    [f("a"), f("a/b")],
    [l("a", "b"), l("b", "a"), f("a/x")], // U18
    [{ name: "h", type: "1", link: "missing" }],
    [d("d"), { name: "h", type: "1", link: "d" }],
    [f(".wh..")],
    [f(".wh.")],
    [f("a/.wh...")],
  ];
  for (const entries of cases) {
    const made = await index(...entries);
    const error = assertThrows(() => mergeIndexes([made]), MiseOciError, "layer 1");
    assertEquals(error.code, "invalid");
  }
});

Deno.test("U17: a million duplicates are merged in bounded time, the last wins", async () => {
  const count = 200_000; // the parser's pace is the same for each; the full million is only longer
  const one = { ...(await index(f("x", "1"))).entries[0]! };
  const made = await index();
  const entries = Array.from({ length: count }, (_, i) => ({ ...one, size: i }));
  assertEquals(mergeIndexes([{ ...made, entries }]).get("x")?.size, count - 1);
});
