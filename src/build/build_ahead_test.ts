import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { NO_BASE, toolPlan, withTree } from "../../tests/support/layer.ts";
import { fingerprintLayer } from "../layer/mod.ts";
import type { LayerPlan } from "../plan/mod.ts";
import { type Cache, openCache } from "../store/mod.ts";
import type { ReportEvent } from "../ui/reporter.ts";
import type { AheadPlan } from "./build_ahead.ts";
import { makeLayers } from "./layers.ts";
import { buildWhileWaiting } from "./build_image.ts";

const COMPRESSION = { kind: "gzip" } as const;

/** What a test works with. */
interface Scene {
  /** A plan of two tools: the second one has a link to `/opt/there`, so it depends on the base. */
  readonly plan: AheadPlan;
  readonly layers: readonly [LayerPlan, LayerPlan];
  readonly cache: Cache;
  readonly events: ReportEvent[];
  /** Builds while waiting for a base that becomes ready once a layer has been built. */
  build(options?: { readonly skip?: boolean; readonly useCache?: boolean }): Promise<
    ReadonlySet<string>
  >;
}

async function withScene(test: (scene: Scene) => Promise<void>): Promise<void> {
  await withTree(async (root) => {
    const plans = await Promise.all(["a", "b"].map(async (name) => {
      const directory = join(root, name);
      await Deno.mkdir(directory);
      await Deno.writeTextFile(join(directory, "file"), name);
      const imagePath = `/mise/installs/${name}/1`;
      const sources = [{ type: "tree" as const, hostPath: directory, imagePath }];
      const relocations = [{ host: directory, image: imagePath }];
      return toolPlan(directory, { name, sources, relocations });
    }));
    await Deno.symlink("/opt/there", join(root, "b/link"));
    const layers = plans as unknown as readonly [LayerPlan, LayerPlan];
    const from = { kind: "layout", location: "base" } as const;
    const plan: AheadPlan = { from, layers, mountPoint: "/mise", compression: COMPRESSION };
    const cache = await openCache(join(root, "cache"));
    const events: ReportEvent[] = [];
    const build: Scene["build"] = async ({ skip = false, useCache = true } = {}) => {
      const { promise: base, resolve } = Promise.withResolvers<string>();
      const emit = (event: ReportEvent): void => {
        events.push(event);
        if (event.type === "done") resolve("base");
      };
      // Without any build, the base is ready only after a build would have started.
      if (skip) setTimeout(() => resolve("base"), 150);
      const options = { plan, cache, useCache, jobs: 1, skip: () => skip };
      const context = { reporter: { emit }, signal: new AbortController().signal };
      const waited = await buildWhileWaiting(base, options, context);
      assertEquals(waited.base, "base");
      return waited.built;
    };
    await test({ plan, layers, cache, events, build });
  });
}

function fingerprint(layer: LayerPlan): Promise<string> {
  return fingerprintLayer(layer, { baseDirectories: NO_BASE, compression: COMPRESSION });
}

Deno.test("layers of tools are built while the base is waited for, unless they depend on it", async () => {
  await withScene(async ({ layers, build, cache }) => {
    assertEquals(await build(), new Set([await fingerprint(layers[0])]));
    assertEquals((await cache.getLayer(await fingerprint(layers[0])))?.label, "a 1");
    assertEquals(await cache.getLayer(await fingerprint(layers[1])), undefined);
  });
});

for (const useCache of [true, false]) {
  Deno.test(`what was built ahead is taken, and counts as built (useCache: ${useCache})`, async () => {
    await withScene(async ({ plan, layers, cache, build, events }) => {
      const built = await build({ useCache });
      events.length = 0;
      const reporter = { emit: (event: ReportEvent) => void events.push(event) };
      const context = { reporter, signal: new AbortController().signal };
      const image = { platform: { os: "linux", architecture: "amd64" }, fromText: "base" };
      const made = await makeLayers(
        { ...image, ...plan, config: { labels: {} } as never, warnings: [] },
        { cache, useCache, baseDirectories: NO_BASE, strict: false, jobs: 1, built },
        context,
      );
      assertEquals(made.map(({ status }) => status), ["built", "built"]);
      const started = events.flatMap((event) => event.type === "start" ? event.label : []);
      assertEquals(started, [`${layers[1].name} 1`]);
    });
  });
}

Deno.test("nothing is built ahead that a registry may have", async () => {
  await withScene(async ({ build }) => {
    assertEquals(await build({ skip: true }), new Set());
  });
});

Deno.test("nothing is built ahead for a base that is there, nor for scratch", async () => {
  await withScene(async ({ plan, cache, events }) => {
    const options = { plan, cache, useCache: true, jobs: 1, skip: () => false };
    const reporter = { emit: (event: ReportEvent) => void events.push(event) };
    const context = { reporter, signal: new AbortController().signal };
    const there = await buildWhileWaiting(Promise.resolve(1), options, context);
    assertEquals(there, { base: 1, built: new Set<string>() });
    const scratch = { ...options, plan: { ...plan, from: { kind: "scratch" as const } } };
    const late = new Promise((resolve) => setTimeout(resolve, 150));
    assertEquals((await buildWhileWaiting(late, scratch, context)).built, new Set());
    assertEquals(events, []);
  });
});

Deno.test("a base that fails stops what is being built, and says why", async () => {
  await withScene(async ({ plan, cache }) => {
    const { promise: base, reject } = Promise.withResolvers<never>();
    const emit = ({ type }: ReportEvent): void => {
      if (type === "start") reject(new Error("no such base"));
    };
    const context = { reporter: { emit }, signal: new AbortController().signal };
    const options = { plan, cache, useCache: true, jobs: 1, skip: () => false };
    await assertRejects(() => buildWhileWaiting(base, options, context), Error, "no such base");
  });
});
