import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { REPOSITORY } from "./support/testbed/paths.ts";

interface Graph {
  readonly roots: readonly string[];
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier: string };
      readonly isDynamic?: boolean;
    }[];
  }[];
}

/**
 * Everything that Deno runs before a module, or with `later` also what it reads to run it later; what only
 * types are imported of is none of it.
 */
async function readBefore(module: string, later = false): Promise<ReadonlySet<string>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--frozen", join(REPOSITORY, module)],
    stderr: "null",
  }).output();
  const { roots, modules }: Graph = JSON.parse(new TextDecoder().decode(stdout));
  const byName = new Map(modules.map((one) => [one.specifier, one]));
  const read = new Set(roots);
  for (const name of read) {
    for (const { code, isDynamic = false } of byName.get(name)?.dependencies ?? []) {
      if (code !== undefined && (later || !isDynamic)) read.add(code.specifier);
    }
  }
  return read;
}

/** Modules of Node and npm cost more than the program's own: `node:crypto` 40 ms, `node:path` 14. */
function isForeign(specifier: string): boolean {
  return !specifier.startsWith("file:");
}

Deno.test("the program starts without a module of Node or npm, and with few of its own", async () => {
  const read = await readBefore("main.ts");
  assertEquals([...read].filter(isForeign), []);
  assert(read.size > 20 && read.size < 60, `${read.size} modules`);
});

Deno.test("a layout is pushed without a module of Node or npm unless there is something to send", async () => {
  const steps = [
    "src/workflow/push_image.ts",
    "src/check/report_problems.ts",
    "src/commands/print/push.ts",
    "src/cli/failure.ts",
  ];
  for (const step of steps) {
    const read = await readBefore(step);
    assert(read.size > 1, step);
    assertEquals([...read].filter(isForeign), [], step);
  }
});

Deno.test("an image that is cached is built without a module of Node, and without what it does not need", async () => {
  const read = [...await readBefore("src/build/build_image.ts")];
  assertEquals(read.filter((one) => one.startsWith("node:")), []);
  const heavy = /src\/(?:registry|packages|engine|layer\/read|layer\/deflate\/module|layer\/pack)/;
  assertEquals(read.filter((one) => heavy.test(one)), []);
  assert(read.length > 100 && read.length < 170, `${read.length} modules`);
});

Deno.test("readBefore() sees what it is to find", async () => {
  const read = await readBefore("src/registry/realm.ts", true);
  assert([...read].some((one) => isForeign(one) && one.includes("tldts")), [...read].join(", "));
});
