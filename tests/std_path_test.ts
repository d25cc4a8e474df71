import { assertEquals, assertThrows } from "@std/assert";
import * as mirror from "npm:deno-std@1.4.0/path/posix/mod.js";
import * as paths from "../vendor/std/path/posix_paths.ts";

const posix = mirror as unknown as typeof paths;

/** Every string of up to so many of some parts. */
function strings(parts: readonly string[], length: number): string[] {
  let all = [""];
  const result = new Set(all);
  for (let i = 0; i < length; i++) {
    all = all.flatMap((start) => parts.map((part) => start + part));
    for (const one of all) result.add(one);
  }
  return [...result];
}

const PATHS = strings(["/", ".", "..", "a", "b.c", "ü "], 5);
const FEW = strings(["/", "..", "a", "./"], 3);

Deno.test("the stand-in for @std/path says of one path what the standard library says", () => {
  for (const path of PATHS) {
    assertEquals(paths.basename(path), posix.basename(path), path);
    assertEquals(paths.dirname(path), posix.dirname(path), path);
    assertEquals(paths.isAbsolute(path), posix.isAbsolute(path), path);
    assertEquals(paths.normalize(path), posix.normalize(path), path);
    assertEquals(paths.resolve(path), posix.resolve(path), path);
    for (const suffix of ["", "a", ".c", "b.c"]) {
      assertEquals(paths.basename(path, suffix), posix.basename(path, suffix), `${path} ${suffix}`);
    }
  }
});

Deno.test("the stand-in for @std/path says of several paths what the standard library says", () => {
  assertEquals(paths.join(), posix.join());
  assertEquals(paths.resolve(), posix.resolve());
  for (const first of FEW) {
    for (const second of FEW) {
      const pair = `${first} ${second}`;
      assertEquals(paths.join(first, second), posix.join(first, second), pair);
      assertEquals(paths.resolve(first, second), posix.resolve(first, second), pair);
      assertEquals(paths.relative(first, second), posix.relative(first, second), pair);
      assertEquals(paths.join(first, second, "x"), posix.join(first, second, "x"), pair);
      assertEquals(paths.resolve("/r", first, second), posix.resolve("/r", first, second), pair);
    }
  }
});

Deno.test("the stand-in for @std/path takes paths out of file: URLs and no others", () => {
  for (
    const url of ["file:///", "file:///a%20b/%C3%BC%25", "file:///a/../b", "file://localhost/a"]
  ) {
    assertEquals(paths.fromFileUrl(url), posix.fromFileUrl(url));
  }
  assertThrows(() => paths.fromFileUrl("https://a/b"), TypeError);
});
