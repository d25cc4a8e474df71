import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { NO_BASE, toolPlan, withTree } from "../../tests/support/layer.ts";
import { fingerprintLayer } from "../layer/mod.ts";
import { type DiffId, parseDiffId, parseDigest } from "../oci/mod.ts";
import type { BuildPlan, LayerPlan } from "../plan/mod.ts";
import { type Cache, openCache } from "../store/mod.ts";
import type { ReportEvent } from "../ui/reporter.ts";
import type { MadeLayer } from "./types.ts";
import { makeLayers, type MakeLayersOptions } from "./layers.ts";

const COMPRESSION = { kind: "gzip" } as const;
const hex = (n: number): string => `sha256:${String(n).padStart(64, "0")}`;

/** Makes the only layer of a plan, and returns the messages. */
async function makeOne(
  layer: LayerPlan,
  options: Partial<MakeLayersOptions> & Pick<MakeLayersOptions, "cache">,
): Promise<{ readonly made: MadeLayer; readonly events: readonly ReportEvent[] }> {
  const events: ReportEvent[] = [];
  const plan: BuildPlan = {
    platform: { os: "linux", architecture: "amd64" },
    from: { kind: "scratch" },
    fromText: "scratch",
    mountPoint: "/mise",
    compression: COMPRESSION,
    layers: [layer],
    config: {} as BuildPlan["config"],
    warnings: [],
  };
  const [made] = await makeLayers(plan, {
    useCache: true,
    baseDirectories: NO_BASE,
    strict: false,
    jobs: 1,
    ...options,
  }, {
    reporter: { emit: (event) => void events.push(event) },
    signal: new AbortController().signal,
  });
  if (made === undefined) throw new Error("No layer was made");
  return { made, events };
}

/** The registry's layer for a plan. */
function reusable(plan: LayerPlan, diffId: DiffId): MadeLayer {
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  const descriptor = { mediaType, digest: parseDigest(hex(7)), size: 7 };
  return { plan, descriptor, diffId, status: "reused", reusedFrom: "reg.example/a:1" };
}

/** Calls a test with a tool's directory, its plan and an empty cache. */
async function withTool(
  test: (tool: {
    readonly directory: string;
    readonly plan: LayerPlan;
    readonly cache: Cache;
  }) => Promise<void>,
): Promise<void> {
  await withTree(async (root) => {
    const directory = join(root, "tool");
    await Deno.mkdir(directory);
    await Deno.writeTextFile(join(directory, "file"), "content");
    await test({ directory, plan: toolPlan(directory), cache: await openCache(join(root, "c")) });
  });
}

function warnings(events: readonly ReportEvent[]): string {
  return events.flatMap((event) => event.type === "warning" ? event.text : []).join("\n");
}

Deno.test("makeLayers() asks the cache for the diff ID before it would read an installed tool", async () => {
  await withTool(async ({ plan, cache }) => {
    const context = { baseDirectories: NO_BASE, compression: COMPRESSION };
    const { made: built } = await makeOne(plan, { cache });
    // Reading the files would give another diff ID than this one, which only the cache contains.
    const diffId = parseDiffId(hex(5));
    const { descriptor } = built;
    const notes = { texts: [], warnings: ["told before"] };
    await cache.putLayer(await fingerprintLayer(plan, context), {
      descriptor,
      diffId,
      uncompressedSize: 1,
      notes,
    });
    const { made, events } = await makeOne(plan, {
      cache,
      maybeReusable: () => reusable(plan, diffId),
    });
    assertEquals([made.status, made.descriptor.digest], ["reused", parseDigest(hex(7))]);
    assertStringIncludes(warnings(events), "told before");
    const same = { ...reusable(plan, diffId), descriptor };
    assertEquals((await makeOne(plan, { cache, maybeReusable: () => same })).made.status, "cached");
    const other = await makeOne(plan, {
      cache,
      maybeReusable: () => reusable(plan, parseDiffId(hex(6))),
    });
    assertEquals([other.made.status, other.made.descriptor.digest], ["cached", descriptor.digest]);
  });
});

Deno.test("makeLayers() reads an installed tool that the cache does not have, and takes the registry's equal layer", async () => {
  await withTool(async ({ directory, plan, cache }) => {
    const { made: built } = await makeOne(plan, { cache });
    const maybeReusable = (): MadeLayer => reusable(plan, built.diffId);
    const empty = await openCache(`${directory}-cache`);
    assertEquals((await makeOne(plan, { cache: empty, maybeReusable })).made.status, "reused");
    await Deno.writeTextFile(join(directory, "file"), "other content");
    const { made } = await makeOne(plan, { cache: empty, maybeReusable });
    assertEquals(made.status, "built");
  });
});

Deno.test("A17: makeLayers() looks for credentials in an installed tool whose layer the registry has", async () => {
  await withTool(async ({ directory, plan, cache }) => {
    await Deno.writeTextFile(
      join(directory, ".npmrc"),
      "//registry.example/:_authToken=0123456789abcdef\n",
    );
    const { made: { diffId } } = await makeOne(plan, { cache });
    const looked: string[] = [];
    const { made, events } = await makeOne(plan, {
      cache,
      maybeReusable: () => reusable(plan, diffId),
      inspect: ({ name }) => Promise.resolve(void looked.push(name)),
    });
    assertEquals([made.status, looked], ["reused", ["t"]]);
    assertStringIncludes(warnings(events), ".npmrc");
  });
});

Deno.test("makeLayers() does not look for the directory of a tool that is not installed", async () => {
  await withTool(async ({ directory, plan, cache }) => {
    await Deno.remove(directory, { recursive: true });
    const made = reusable(plan, parseDiffId(hex(5)));
    assertEquals((await makeOne(plan, { cache, maybeMade: () => made })).made, made);
  });
});
