import { assertEquals, assertMatch } from "@std/assert";
import { buildForTest, toolPlan, withTree } from "../../../tests/support/layer.ts";
import { HostPathFinder } from "./host_paths.ts";
import { relocationMap } from "./relocate.ts";

const INSTALLED = relocationMap([
  { host: "/data/installs/t/1", image: "/mise/installs/t/1" },
  { host: "/home/me/linked", image: "/mise/installs/l/1" },
], ["/mise/installs/t/1"]);

/** Whether a file consisting of these parts is found. */
function isFound(...parts: readonly string[]): boolean {
  const finder = new HostPathFinder(INSTALLED);
  finder.begin("mise/installs/t/1/f");
  for (const part of parts) finder.add(new TextEncoder().encode(part));
  finder.end();
  return finder.warning() !== undefined;
}

Deno.test("a file that names an install directory is found, whole names only", () => {
  for (
    const text of [
      "/data/installs/t/1",
      'prefix = "/data/installs/other/2/lib"',
      "RPATH\0/data/installs/t/1/lib\0",
      "-L/home/me/linked/lib",
      "/home/me/linked",
      "x=/home/me/linked:/usr",
    ]
  ) assertEquals(isFound(text), true, text);
  for (const text of ["", "/data/install", "/home/me/linked2", "/home/me/linked-to", "/home/me/"]) {
    assertEquals(isFound(text), false, text);
  }
});

Deno.test("a name is found wherever the bytes are cut", () => {
  for (const text of ["a /data/installs/t/1/x b", "a /home/me/linked b", "a /home/me/linked"]) {
    for (let cut = 0; cut <= text.length; cut++) {
      assertEquals(isFound(text.slice(0, cut), text.slice(cut)), true, `${text} cut at ${cut}`);
    }
    assertEquals(isFound(...text), true, `${text} byte by byte`);
  }
  assertEquals(isFound(..."a /home/me/linked2"), false);
});

Deno.test("a tool whose files name the host after relocation is reported with them", async () => {
  await withTree(async (tree) => {
    Deno.mkdirSync(`${tree}/bin`);
    Deno.writeTextFileSync(`${tree}/bin/ok`, `#!${tree}/bin/node\nrelocated\n`);
    Deno.writeTextFileSync(`${tree}/fine`, "nothing");
    const none = await buildForTest(toolPlan(tree));
    assertEquals(none.warnings, []);
    const filler = "x".repeat(3 << 20);
    Deno.writeTextFileSync(`${tree}/large`, `${filler}${tree}/lib${filler}`);
    for (let i = 0; i < 6; i++) Deno.writeTextFileSync(`${tree}/f${i}`, `prefix=${tree}\n`);
    const { warnings, built } = await buildForTest(toolPlan(tree));
    assertEquals(warnings.length, 1);
    assertMatch(
      warnings[0] ?? "",
      /^7 files still name .*: "f0", "f1", "f2", "f3", "f4", "f5", "large"$/,
    );
    assertEquals(built.warnings, warnings);
    const copied = await buildForTest(toolPlan(tree, { kind: "copy" }));
    assertEquals(copied.warnings, []);
  });
});
