import { assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import { compareFiles, type LayerFile } from "./compare.ts";
import { largestFiles, sizeTree } from "./size_tree.ts";
import { type Rectangle, squarify } from "./treemap.ts";

function file(path: string, more: Partial<LayerFile> = {}): LayerFile {
  return { path, type: "file", mode: 0o644, uid: 0, gid: 0, size: 3, hash: "aa", ...more };
}

Deno.test("compareFiles() tells content from mode, owner, type and link", () => {
  const before = [
    file("same"),
    file("content"),
    file("mode"),
    file("owner"),
    file("type"),
    file("link", { type: "symlink", link: "a" }),
    file("gone"),
  ];
  const after = [
    file("same"),
    file("content", { hash: "bb" }),
    file("mode", { mode: 0o755 }),
    file("owner", { uid: 1 }),
    file("type", { type: "symlink" }),
    file("link", { type: "symlink", link: "b" }),
    file("new", { size: 9 }),
  ];
  assertEquals(compareFiles(before, after).map(({ path, change, what }) => [path, change, what]), [
    ["content", "changed", ["content"]],
    ["gone", "removed", []],
    ["link", "changed", ["link"]],
    ["mode", "changed", ["mode"]],
    ["new", "added", []],
    ["owner", "changed", ["owner"]],
    ["type", "changed", ["type"]],
  ]);
});

Deno.test("compareFiles() takes the last entry of a path, as unpacking does", () => {
  assertEquals(compareFiles([file("a", { hash: "x" }), file("a")], [file("a")]), []);
});

Deno.test("sizeTree() sums up, joins chains of directories and sorts by size", () => {
  const tree = sizeTree([
    { path: "opt/x/small", size: 1 },
    { path: "opt/x/big", size: 5 },
    { path: "etc/one/two/three", size: 2 },
  ]);
  assertEquals([tree.size, tree.files], [8, 3]);
  assertEquals(tree.children?.map(({ name, size }) => [name, size]), [
    ["opt/x", 6],
    ["etc/one/two", 2],
  ]);
  assertEquals(largestFiles(tree, 2).map(({ path }) => path), ["opt/x/big", "etc/one/two/three"]);
});

Deno.test("sizeTree() of nothing is empty, and empty files are not among the largest", () => {
  assertEquals(sizeTree([]).files, 0);
  assertEquals(largestFiles(sizeTree([{ path: "a", size: 0 }]), 5), []);
});

function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}

for (const sizes of [[7], [6, 6, 4, 3, 2, 2, 1], [1000, 1, 1, 1], Array(40).fill(3)]) {
  Deno.test(`squarify() fills the space in proportion, without overlaps: ${sizes.length} sizes`, () => {
    const space = { x: 10, y: 20, width: 600, height: 400 };
    const places = squarify(sizes, space);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    places.forEach((place, i) => {
      assertAlmostEquals(place.width * place.height, (sizes[i] ?? 0) / total * 240_000, 1e-3);
      assertAlmostEquals(overlap(place, space), place.width * place.height, 1e-3);
      for (const other of places.slice(i + 1)) assertAlmostEquals(overlap(place, other), 0, 1e-3);
    });
    assertEquals(places.length, sizes.length);
  });
}

Deno.test("squarify() makes boxes that can be seen: equal sizes are nearly square", () => {
  for (
    const { width, height } of squarify(Array(12).fill(1), { x: 0, y: 0, width: 800, height: 600 })
  ) {
    assertGreater(Math.min(width, height) / Math.max(width, height), 0.6);
  }
});
