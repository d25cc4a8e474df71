import { assertEquals, assertGreater, assertStringIncludes, assertThrows } from "@std/assert";
import { dirname, join } from "@std/path";
import {
  arrowsOfDocument,
  findCycle,
  listModules,
  parseArrows,
  parseImports,
  readImports,
  whyForbidden,
} from "./support/imports.ts";
import { exists } from "./support/testbed/command.ts";
import { REPOSITORY } from "./support/testbed/paths.ts";

async function readGraph(): ReturnType<typeof readImports> {
  const modules = await listModules(join(REPOSITORY, "src"));
  const main = join(REPOSITORY, "main.ts");
  return await readImports(REPOSITORY, await exists(main) ? [...modules, main] : modules);
}

Deno.test("the sources import only along the arrows of docs/architecture.md", async () => {
  const document = await Deno.readTextFile(join(REPOSITORY, "docs/architecture.md"));
  const arrows = arrowsOfDocument(document);
  const imports = await readGraph();
  assertGreater(arrows.length, 20);
  assertGreater(imports.length, 50);
  const forbidden = imports.map((one) => whyForbidden(one, arrows)).filter((why) =>
    why !== undefined
  );
  assertEquals(forbidden, []);
});

Deno.test("the folders of the sources import each other in no circle", async () => {
  assertEquals(findCycle(await readGraph()), undefined);
});

Deno.test("folders inside a folder of the sources import each other in no circle", async () => {
  // What lies in the outer folder itself is its door and what its inner folders share.
  const isInner = (file: string): boolean => file.split("/").length > 3;
  const inner = (await readGraph()).filter(({ from, to }) => isInner(from) && isInner(to));
  assertEquals(findCycle(inner, dirname), undefined);
});

Deno.test("programs are started by src/process alone", async () => {
  const starting: string[] = [];
  for (const module of await listModules(join(REPOSITORY, "src"))) {
    if (/\/process\/|_test\.ts$/.test(module)) continue;
    if ((await Deno.readTextFile(module)).includes("Deno.Command(")) starting.push(module);
  }
  assertEquals(starting, []);
});

Deno.test("every import of the sources names a file that exists", async () => {
  const missing: string[] = [];
  for (const { from, to } of await readGraph()) {
    if (!await exists(join(REPOSITORY, to))) missing.push(`"${from}" imports "${to}"`);
  }
  assertEquals(missing, []);
});

Deno.test("whyForbidden() finds an arrow that the list does not have", () => {
  const arrows = parseArrows(
    "store → oci      registry → store (ports only), oci\neverything → errors",
  );
  const why = (from: string, to: string): string | undefined => whyForbidden({ from, to }, arrows);
  assertEquals(why("src/store/layout.ts", "src/oci/mod.ts"), undefined);
  assertEquals(why("src/store/layout.ts", "src/store/blob.ts"), undefined);
  assertEquals(why("src/oci/mod.ts", "src/errors.ts"), undefined);
  assertEquals(why("src/registry/pull.ts", "src/store/ports.ts"), undefined);
  assertStringIncludes(why("src/store/layout.ts", "src/ui/table.ts") ?? "", "no arrow store → ui");
  assertStringIncludes(why("src/oci/mod.ts", "src/store/ports.ts") ?? "", "no arrow oci → store");
  assertStringIncludes(why("src/registry/pull.ts", "src/store/layout.ts") ?? "", "only its ports");
  assertStringIncludes(why("src/oci/mod.ts", "tests/support/x.ts") ?? "", "no arrow");
});

Deno.test("parseArrows() reads chains, groups, lists and restrictions", () => {
  assertEquals(parseArrows("a → b → { c,\n  d }\ne, f → g (types)"), [
    { from: "a", to: "b" },
    { from: "b", to: "c" },
    { from: "b", to: "d" },
    { from: "e", to: "g", only: "types" },
    { from: "f", to: "g", only: "types" },
  ]);
});

Deno.test("parseArrows() refuses two clauses that run into each other", () => {
  assertThrows(() => parseArrows("a → b, c d → e"), SyntaxError, "c d");
});

Deno.test("parseImports() finds every way to name a module, and none in comments", () => {
  const text = `
    /** import { no } from "./no.ts"; */
    // import "./no.ts";
    import type { A } from "./a.ts";
    import {
      b,
    } from "./b.ts";
    export * from "./c.ts";
    import "./d.ts";
    const e = await import("./e.ts");
    new Worker(new URL("./f.ts", import.meta.url), { type: "module" });
    import { join } from "@std/path";
  `;
  assertEquals([...parseImports(text)].sort(), [
    "./a.ts",
    "./b.ts",
    "./c.ts",
    "./d.ts",
    "./e.ts",
    "./f.ts",
  ]);
});

Deno.test("findCycle() finds a circle of three folders", () => {
  const imports = [["a", "b"], ["b", "c"], ["c", "a"], ["c", "d"]].map(([from, to]) => ({
    from: `src/${from}/x.ts`,
    to: `src/${to}/x.ts`,
  }));
  assertEquals(findCycle(imports), ["a", "b", "c", "a"]);
  assertEquals(findCycle(imports.slice(0, 2)), undefined);
});
