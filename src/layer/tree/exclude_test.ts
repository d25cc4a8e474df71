import { assertEquals } from "@std/assert";
import { escapeGlob } from "../../plan/paths.ts";
import { excluder } from "./exclude.ts";

Deno.test("excluder() takes names at every depth and paths from the root", () => {
  for (
    const [glob, inside, outside] of [
      ["*.map", ["x.map", "a/b/x.map"], ["x.maps", "x.map/y"]],
      ["docs/", ["docs", "a/docs"], ["docs2"]],
      ["/docs", ["docs"], ["a/docs"]],
      ["lib/*.a", ["lib/x.a"], ["a/lib/x.a", "lib/b/x.a"]],
      ["**/test", ["test", "a/test", "a/b/test"], ["tests"]],
      ["share/{man,doc}", ["share/man", "share/doc"], ["man"]],
    ] as const
  ) {
    const excluded = excluder([glob]);
    assertEquals([...inside, ...outside].filter(excluded), [...inside], glob);
  }
  assertEquals(excluder([])("x"), false);
});

Deno.test("escapeGlob() names exactly one path", () => {
  for (
    const path of ["plain", "a b", "out (1)", "[x]", "a*b?", "{a,b}", "!x", "+(a)", "a|b", "ü"]
  ) {
    const excluded = excluder([`./${escapeGlob(path)}`]);
    assertEquals([path, `${path}2`, "x", "a", "aXb", `sub/${path}`].filter(excluded), [path], path);
  }
});
