import { assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { NO_BASE, toolPlan, withTree } from "../../tests/support/layer.ts";
import { createCompressionPool, scanLayer } from "../layer/mod.ts";
import type { LayerPlan } from "../plan/mod.ts";
import { type Cache, openCache } from "../store/mod.ts";
import type { ReportEvent } from "../ui/reporter.ts";
import type { MadeLayer } from "./types.ts";
import { buildOne, maybeCached } from "./layers.ts";
import { maybeParseNotes } from "./cached_layer.ts";

const COMPRESSION = { kind: "gzip" } as const;

/** Writes a tool with one file, and returns its plan. */
async function tool(root: string, name: string, content: string): Promise<LayerPlan> {
  const directory = join(root, name);
  await Deno.mkdir(directory);
  await Deno.writeTextFile(join(directory, "file"), content);
  return toolPlan(directory);
}

/** Builds a layer and returns the number of blobs written, too. */
async function buildTool(
  plan: LayerPlan,
  cache: Cache,
  useCache = true,
): Promise<{ readonly made: MadeLayer; readonly written: number; readonly said: string[] }> {
  const said: string[] = [];
  let written = 0;
  const create = cache.create.bind(cache);
  cache.create = () => {
    written++;
    return create();
  };
  await using pool = createCompressionPool({ compression: COMPRESSION, workers: 1 });
  const tree = await scanLayer(plan, { baseDirectories: NO_BASE });
  const made = await buildOne({ plan, tree, baseDirectories: NO_BASE }, {
    cache,
    useCache,
    pool,
    signal: new AbortController().signal,
    reporter: {
      emit: (event: ReportEvent) => {
        if (event.type === "done") said.push(event.note ?? "");
      },
    },
    warn: (_plan, text) => void said.push(text),
  });
  cache.create = create;
  return { made, written, said };
}

Deno.test("buildOne() compresses the same tool once, wherever it is installed", async () => {
  await withTree(async (root) => {
    const cache = await openCache(join(root, "cache"));
    const first = await buildTool(await tool(root, "amd64", "neutral"), cache);
    assertEquals([first.made.status, first.written], ["built", 1]);
    const plan = await tool(root, "arm64", "neutral");
    const second = await buildTool(plan, cache);
    assertEquals([second.made.status, second.written, second.said], ["cached", 0, ["cached"]]);
    assertEquals(second.made.descriptor, first.made.descriptor);
    assertEquals(second.made.diffId, first.made.diffId);

    // Now its own cache key finds it, without reading the tool.
    const tree = await scanLayer(plan, { baseDirectories: NO_BASE });
    const found = await maybeCached({ plan, tree, baseDirectories: NO_BASE }, {
      cache,
      compression: COMPRESSION,
      warn: () => {},
      built: new Set(),
      builtOnly: false,
    });
    assertEquals(found?.diffId, first.made.diffId);
  });
});

Deno.test("buildOne() builds what has the same names and sizes but other bytes", async () => {
  await withTree(async (root) => {
    const cache = await openCache(join(root, "cache"));
    const first = await buildTool(await tool(root, "amd64", "x86_64"), cache);
    const second = await buildTool(await tool(root, "arm64", "arm_64"), cache);
    assertEquals([second.made.status, second.written], ["built", 1]);
    assertNotEquals(second.made.diffId, first.made.diffId);
  });
});

Deno.test("buildOne() takes nothing from the cache with --no-cache, nor a blob that is gone", async () => {
  await withTree(async (root) => {
    const first = await buildTool(
      await tool(root, "a", "neutral"),
      await openCache(join(root, "cache")),
    );
    const cache = await openCache(join(root, "cache"));
    const anew = await buildTool(await tool(root, "b", "neutral"), cache, false);
    assertEquals([anew.made.status, anew.written], ["built", 1]);
    // For the next platform of the same run it counts as built.
    const next = await buildTool(await tool(root, "next", "neutral"), cache, false);
    assertEquals([next.made.status, next.written], ["cached", 0]);
    await Deno.remove(cache.blobs.directory.pathOf(first.made.descriptor.digest));
    const gone = await buildTool(await tool(root, "c", "neutral"), cache);
    assertEquals([gone.made.status, gone.written], ["built", 1]);
    assertEquals(gone.made.descriptor, first.made.descriptor);
  });
});

Deno.test("maybeParseNotes() reads notes of every kind of text that relocation keeps, and no other", () => {
  const texts = (["shebang", "venv", "content"] as const).map((kind) => ({
    kind,
    before: "/data/installs/a/1",
    after: "/mise/installs/a/1",
  }));
  const notes = { texts, warnings: ["w"] };
  assertEquals(maybeParseNotes(JSON.parse(JSON.stringify(notes))), notes);
  assertEquals(maybeParseNotes({ texts: [{ ...texts[0], kind: "x" }], warnings: [] }), undefined);
});
