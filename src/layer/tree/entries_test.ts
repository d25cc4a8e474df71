import { assertEquals } from "@std/assert";
import { EntryMap } from "./entries.ts";
import type { LayerEntry } from "../entry.ts";

function entry(path: string, type: LayerEntry["type"] = "file", target = ""): LayerEntry {
  return { path, type, mode: 0o644, uid: 0, gid: 0, target };
}

function paths(map: EntryMap): string[] {
  return map.sorted().map(({ path }) => path);
}

Deno.test("entries of a tree are found by path, and sorted among the others", () => {
  const map = new EntryMap();
  map.addParents("a/b", (path) => entry(path, "directory"));
  for (const path of ["a/b", "a/b/z", "a/b/c"]) map.add(entry(path));
  assertEquals(paths(map), ["a", "a/b", "a/b/c", "a/b/z"]);
  assertEquals(map.get("a/b/c")?.path, "a/b/c");
  map.set(entry("a-b"));
  assertEquals(paths(map), ["a", "a-b", "a/b", "a/b/c", "a/b/z"]);
  assertEquals(map.size, 5);
});

Deno.test("an entry takes the place of one of a tree, with what is below it", () => {
  const map = new EntryMap();
  for (const path of ["d", "d/e"]) map.add(entry(path, "directory"));
  map.add(entry("d/e/f"));
  map.set(entry("d/e/f", "symlink", "x"));
  assertEquals(map.get("d/e/f")?.target, "x");
  map.set(entry("d/e"));
  assertEquals(paths(map), ["d", "d/e"]);
});

Deno.test("a place is free if there is nothing at it and below", () => {
  const map = new EntryMap();
  assertEquals(map.isFree(""), true);
  map.add(entry("a/b/c"));
  const free = ["", "a", "a/b", "a/b/c", "a/b/c/d", "a/bb", "b"].map((path) => map.isFree(path));
  assertEquals(free, [false, false, false, false, true, true, true]);
});
