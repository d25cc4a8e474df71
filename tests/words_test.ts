import { assertEquals } from "@std/assert";
import { join, relative } from "@std/path";
import { REPOSITORY } from "./support/testbed/paths.ts";

const SKIPPED = new Set([".git", ".testbed", ".demo", "dist", "mise-oci", "node_modules"]);

/** What no file may contain, spelled so that this file does not contain it either. */
const FORBIDDEN: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["a path of one machine", new RegExp("/(?:work/(?:main|shared)|tmp/t/|tmp/bash)")],
  [
    "the host of a package registry",
    new RegExp("(?:registry|npm)[.](?:npmjs|yarnpkg)[.]|j[f]rog|n[e]xus"),
  ],
  ["an unfinished thought", new RegExp(`\\b(?:TO${""}DO|FIX${""}ME|X${""}XX)\\b`)],
];

async function* listFiles(directory: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(directory)) {
    const path = join(directory, entry.name);
    // In a worktree .git is a file.
    if (SKIPPED.has(entry.name)) continue;
    if (entry.isDirectory) yield* listFiles(path);
    else if (entry.isFile) yield path;
  }
}

function findForbidden(file: string, text: string): string[] {
  return text.split("\n").flatMap((line, i) =>
    FORBIDDEN.filter(([, pattern]) => pattern.test(line)).map(([what]) =>
      `${file}:${i + 1}: ${what}`
    )
  );
}

Deno.test("no file of the repository names a path of one machine or a registry's host", async () => {
  const found: string[] = [];
  for await (const path of listFiles(REPOSITORY)) {
    const name = relative(REPOSITORY, path);
    found.push(...findForbidden(name, await Deno.readTextFile(path)));
  }
  assertEquals(found, []);
});

Deno.test("findForbidden() finds what it is for", () => {
  const line = (...parts: string[]): string => parts.join("");
  assertEquals(findForbidden("x", line("a\ncd /wor", "k/main")), ["x:2: a path of one machine"]);
  assertEquals(findForbidden("x", line("https://registry.", "npmjs.org")), [
    "x:1: the host of a package registry",
  ]);
  assertEquals(findForbidden("x", line("// TO", "DO")), ["x:1: an unfinished thought"]);
  assertEquals(findForbidden("x", "WORKDIR /workspace"), []);
});
