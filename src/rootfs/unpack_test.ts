import { assert, assertEquals, assertRejects } from "@std/assert";
import { gzipSync } from "node:zlib";
import { MiseOciError } from "../errors.ts";
import { MediaType, parseDiffId } from "../oci/mod.ts";
import { concat, type FixtureEntry, tar } from "../../tests/support/tar_fixture.ts";
import {
  type Arena,
  layerOf,
  layerOfBytes,
  makeArena,
  snapshotTree,
} from "../../tests/support/rootfs_fixture.ts";
import { createTemporaryRootfs } from "./temp_root.ts";
import { unpackLayers, type UnpackOptions } from "./unpack.ts";

type Layers = readonly (readonly FixtureEntry[])[];

async function unpack(arena: Arena, layers: Layers, options?: UnpackOptions): Promise<string[]> {
  await unpackLayers(arena.rootfs, layers.map((entries) => layerOf(...entries)), options);
  arena.checkOutside();
  return snapshotTree(arena.rootfs.directory).slice(1);
}

async function refuse(layers: (arena: Arena) => Layers, message: string): Promise<void> {
  using arena = makeArena();
  const error = await assertRejects(
    () => unpackLayers(arena.rootfs, layers(arena).map((entries) => layerOf(...entries))),
    MiseOciError,
    message,
  );
  assertEquals(error.code, "invalid");
  arena.checkOutside();
}

const isRoot = Deno.uid() === 0;
const rootOnly = isRoot ? "" : " (skipped: needs root)";
const d = (name: string, mode = 0o755): FixtureEntry => ({ name: `${name}/`, mode });
const f = (name: string, content = ""): FixtureEntry => ({ name, content });
const l = (name: string, link: string): FixtureEntry => ({ name, link });
const h = (name: string, link: string): FixtureEntry => ({ name, link, type: "1" });
const own = `${Deno.uid()}:${Deno.gid()}`;

Deno.test("unpackLayers() creates files, directories, links with their modes", async () => {
  using arena = makeArena();
  assertEquals(
    await unpack(arena, [[
      d("./"),
      d("ro", 0o555),
      { ...f("ro/suid", "x"), mode: 0o4755 },
      d("sticky", 0o1777),
      l("abs", "/ro/suid"),
      h("hard", "/ro/suid"),
      f("implied/parent/file", "y"),
    ]]),
    [
      `abs ${own} -> /ro/suid`,
      `hard 4755 ${own} "x"`,
      `implied 755 ${own} /`,
      `implied/parent 755 ${own} /`,
      `implied/parent/file 644 ${own} "y"`,
      `ro 555 ${own} /`,
      `ro/suid 4755 ${own} "x"`,
      `sticky 1777 ${own} /`,
    ],
  );
  const inode = (path: string): number | null => Deno.lstatSync(arena.rootfs.hostPath(path)).ino;
  assertEquals(inode("hard"), inode("ro/suid"));
});

Deno.test({
  name: `unpackLayers() sets owners, of links too${rootOnly}`,
  ignore: !isRoot,
  async fn(): Promise<void> {
    using arena = makeArena();
    const owner = { uid: 12, gid: 34 };
    assertEquals(
      await unpack(arena, [[{ ...d("d"), ...owner }, { ...f("f"), ...owner, mode: 0o6755 }, {
        ...l("l", "f"),
        ...owner,
      }]]),
      ["d 755 12:34 /", 'f 6755 12:34 ""', "l 12:34 -> f"],
    );
  },
});

Deno.test("U02: a file through a link of the same layer stays in the root", async () => {
  using arena = makeArena();
  await unpack(arena, [[l("l", arena.outside), f("l/etc/passwd", "x")]]);
});

Deno.test("U03: a file through a link of a lower layer stays in the root", async () => {
  using arena = makeArena();
  await unpack(arena, [[l("l", arena.climb)], [f("l/etc/passwd", "x")], [d("l/keep", 0o777)]]);
});

Deno.test("U04: hard links to what the root does not have are refused", async () => {
  await refuse(({ outside }) => [[h("h", `${outside}/etc/passwd`)]], "does not exist");
  await refuse(({ climb }) => [[h("h", `${climb}/etc/passwd`)]], '".."');
  await refuse(() => [[h("h", "deno.json")]], "does not exist");
  await refuse(({ outside }) => [[l("l", outside), h("h", "l/etc/passwd")]], "does not exist");
  await refuse(() => [[d("d"), h("h", "d")]], "directory");
});

Deno.test("U05: a hard link to a link that leaves the root is not written through", async () => {
  using arena = makeArena();
  const layers = [[l("l", `${arena.outside}/etc/passwd`), h("h", "l")], [f("h", "x")]];
  const tree = await unpack(arena, layers);
  assert(tree.includes(`h 644 ${own} "x"`));
});

Deno.test("U06: a whiteout through a linked parent leaves the outside alone", async () => {
  using arena = makeArena();
  await unpack(arena, [[l("a", arena.outside)], [f("a/.wh.keep"), f("a/etc/.wh.passwd")]]);
});

Deno.test("U07: an opaque marker through a linked parent leaves the outside alone", async () => {
  using arena = makeArena();
  await unpack(arena, [[l("a", arena.outside)], [f("a/.wh..wh..opq"), f("a/keep/.wh..wh..opq")]]);
});

Deno.test("U09: the root can only be a directory", async () => {
  for (const name of [".", "/", "./"]) {
    await refuse(({ outside }) => [[{ name, link: outside, type: "2" }]], "root");
    await refuse(({ outside }) => [[h("h", outside), { name, type: "1", link: "x" }]], "");
  }
  await refuse(() => [[{ name: ".", type: "0" }]], "root");
});

Deno.test("U12: whiteouts hide lower layers only, wherever they stand", async () => {
  const base = [d("a"), f("a/1"), f("a/2"), d("a/sub"), f("a/sub/x"), f("b")];
  const cases: [FixtureEntry[], string[]][] = [
    [[f("a/.wh.1"), f(".wh.b")], ["a", "a/2", "a/sub", "a/sub/x"]],
    [[f("a/1", "new"), f("a/.wh.1")], ["a", "a/1", "a/2", "a/sub", "a/sub/x", "b"]],
    [[d("a"), f("a/new"), f("a/.wh..wh..opq")], ["a", "a/new", "b"]],
    [[f(".wh.a"), f(".wh.missing"), f("no/.wh.thing"), f("b/.wh.x")], ["b"]],
    [[d("a/sub"), f("a/sub/new"), f(".wh.a")], ["a", "a/sub", "a/sub/new", "b"]],
    [[f(".wh..wh..opq"), f("c")], ["c"]],
    [[f(".wh..wh.plnk/x"), f(".wh..wh.aufs")], ["a", "a/1", "a/2", "a/sub", "a/sub/x", "b"]],
  ];
  for (const [upper, expected] of cases) {
    using arena = makeArena();
    const tree = await unpack(arena, [base, upper]);
    assertEquals(tree.map((line) => line.split(" ")[0]), expected);
  }
});

Deno.test("U14: modes, owners and times are never set through a link", async () => {
  using arena = makeArena();
  const victim = `${arena.outside}/keep`;
  await unpack(arena, [
    [{ ...l("l", victim), mode: 0o777 }, { ...d("l/x", 0o777) }],
    // The directory's attributes come last, and by then a link stands in its way.
    [{ ...d("p/keep", 0o777), mtime: 1 }, l("p", arena.outside)],
  ]);
});

Deno.test("U15: devices, FIFOs and sockets are counted, not created", async () => {
  using arena = makeArena();
  const warnings: string[] = [];
  const special = ["3", "4", "6"].map((type) => ({ name: `s${type}`, type }));
  const tree = await unpack(arena, [[f("s3", "file")], special], { warn: (t) => warnings.push(t) });
  assertEquals(tree, []);
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.includes("3 devices"));
});

Deno.test("U16: the temporary rootfs is private, and gone at the end, read-only parts too", async () => {
  const workDir = await Deno.makeTempDir();
  try {
    let directory: string;
    {
      await using temporary = await createTemporaryRootfs(workDir);
      directory = temporary.directory;
      assertEquals((await Deno.stat(directory)).mode! & 0o777, 0o700);
      const layer = layerOf(d("ro", 0o555), d("ro/sub", 0o000), { ...f("ro/suid"), mode: 0o4755 });
      await unpackLayers(temporary.rootfs, [layer]);
    }
    await assertRejects(() => Deno.lstat(directory), Deno.errors.NotFound);
    assertEquals([...Deno.readDirSync(workDir)], []);
  } finally {
    await Deno.remove(workDir, { recursive: true });
  }
});

Deno.test("U17: of duplicates the last wins, of whatever kinds", async () => {
  using arena = makeArena();
  const kinds = [f("x", "1"), d("x"), f("x/below"), l("x", "/y"), h("x", "z"), f("x", "2")];
  assertEquals(await unpack(arena, [[f("z", "zed"), ...kinds]]), [
    `x 644 ${own} "2"`,
    `z 644 ${own} "zed"`,
  ]);
  const many = Array.from({ length: 20_000 }, (_, i) => f("many", String(i)));
  assert((await unpack(arena, [many])).includes(`many 644 ${own} "19999"`));
});

Deno.test("U18: loops and long chains of links are refused, without hanging", async () => {
  await refuse(() => [[l("a", "b"), l("b", "a"), f("a/x")]], "too many symbolic links");
  const chain = Array.from({ length: 41 }, (_, i) => l(`c${i}`, `c${i + 1}`));
  await refuse(() => [[...chain, d("c41"), f("c0/x")]], "too many symbolic links");
  using arena = makeArena();
  const tree = await unpack(arena, [[...chain.slice(1), d("c41"), f("c1/x")]]);
  assert(tree.includes(`c41/x 644 ${own} ""`));
});

Deno.test("U22: the media type does not decide, here as everywhere", async () => {
  using arena = makeArena();
  const archive = tar(f("x"));
  const warnings: string[] = [];
  const layer = layerOfBytes(new Uint8Array(gzipSync(archive)), MediaType.layerZstd, archive);
  await unpackLayers(arena.rootfs, [layer], { warn: (text) => warnings.push(text) });
  assertEquals(warnings.length, 1);
});

Deno.test("U23: of a layer with another diff ID nothing is written", async () => {
  using arena = makeArena();
  const layer = { ...layerOf(f("x")), diffId: parseDiffId(`sha256:${"0".repeat(64)}`) };
  const error = await assertRejects(() => unpackLayers(arena.rootfs, [layer]), MiseOciError);
  assertEquals(error.code, "integrity");
  assertEquals(snapshotTree(arena.rootfs.directory).length, 1);
});

Deno.test("U24: an archive over the limits leaves nothing behind", async () => {
  using arena = makeArena();
  const layer = layerOf(f("x", "x".repeat(5000)));
  const limits = { maxBytes: 4096 };
  await assertRejects(() => unpackLayers(arena.rootfs, [layer], { limits }), MiseOciError);
  assertEquals(snapshotTree(arena.rootfs.directory).length, 1);
});

Deno.test("U27: extended attributes are dropped with one warning", async () => {
  using arena = makeArena();
  const warnings: string[] = [];
  const pax = { "SCHILY.xattr.security.capability": Uint8Array.of(1, 0, 0, 2) };
  await unpack(arena, [[{ ...f("a"), pax }, { ...f("b"), pax }]], {
    warn: (t) => warnings.push(t),
  });
  assertEquals(warnings, ["Unpacked the base without 2 extended attributes"]);
});

Deno.test("U33: unpacking twice gives the same tree", async () => {
  using arena = makeArena();
  const layers = [[d("a"), f("a/f", "1"), l("l", "a")], [f("l/g"), f("a/.wh.f"), h("h", "l/g")]];
  const first = await unpack(arena, layers);
  arena.rootfs.clear("");
  assertEquals(await unpack(arena, layers), first);
});

Deno.test("a parent that is a file is refused", () =>
  refuse(() => [[f("a"), f("a/b")]], "not a directory"));

Deno.test("an archive cut in a file is refused and the file closed", async () => {
  using arena = makeArena();
  const cut = concat(tar(f("x", "x".repeat(3000))).subarray(0, 2000));
  const error = await assertRejects(
    () => unpackLayers(arena.rootfs, [layerOfBytes(cut, MediaType.layer)]),
    MiseOciError,
  );
  assertEquals(error.code, "integrity");
});

Deno.test("O7: a rootfs that a killed build left is removed by the next, a living one is kept", async () => {
  const workDir = await Deno.makeTempDir();
  try {
    const stale = `${workDir}/rootfs-stale`;
    await Deno.mkdir(`${stale}/root/etc`, { recursive: true });
    await Deno.writeTextFile(`${stale}.lock`, "");
    await using living = await createTemporaryRootfs(workDir);
    await using next = await createTemporaryRootfs(workDir);
    const names = [...Deno.readDirSync(workDir)].filter((entry) => entry.isDirectory)
      .map(({ name }) => `${workDir}/${name}`);
    assertEquals(names.sort(), [living.directory, next.directory].sort());
  } finally {
    await Deno.remove(workDir, { recursive: true });
  }
});
