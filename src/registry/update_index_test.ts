import { assert, assertEquals, assertRejects } from "@std/assert";
import { type FaultRegistry, startFaultRegistry } from "../../tests/support/faultreg/mod.ts";
import { pushableImage } from "../../tests/support/pushable_image.ts";
import { type PushRun, small, withRegistry } from "../../tests/support/push_run.ts";
import { MiseOciError } from "../errors.ts";
import { type Descriptor, MediaType, parsePlatform, parseReference } from "../oci/mod.ts";
import type { PlatformEntry } from "./index_merge.ts";
import { uploadImage } from "./push.ts";
import { createRegistryClient } from "./transport.ts";
import { type UpdatedIndex, updateIndex } from "./update_index.ts";

/** Time passes at once here. */
const clock = { now: (): number => 0, sleep: (): Promise<void> => Promise.resolve() };

/** Pushes an image by digest, as `push --update-index` does before the index. */
async function pushPlatform(run: PushRun, platform: string, layer = small): Promise<PlatformEntry> {
  const image = pushableImage([layer], { platform: parsePlatform(platform) });
  const reference = parseReference(`${run.registry.host}/app:v1`);
  await uploadImage(run.client, image, { reference, untagged: true });
  return { ...image.manifest.descriptor, platform: parsePlatform(platform) };
}

async function update(run: PushRun, entry: PlatformEntry): Promise<UpdatedIndex> {
  const reference = parseReference(`${run.registry.host}/app:v1`);
  return await updateIndex(run.client, { reference, entries: [entry], clock });
}

/** The entries of the index that `app:v1` names. */
function entries(registry: FaultRegistry): Descriptor[] {
  const { tags, manifests } = registry.content.get("app");
  const stored = manifests.get(tags.get("v1") ?? "");
  assert(stored !== undefined);
  assertEquals(stored.mediaType, MediaType.index);
  return JSON.parse(new TextDecoder().decode(stored.bytes)).manifests;
}

Deno.test("a missing tag becomes an index, and a second platform joins it", async () => {
  await withRegistry(async (run) => {
    const arm = await pushPlatform(run, "linux/arm64");
    const amd = await pushPlatform(run, "linux/amd64");
    assertEquals((await update(run, arm)).platforms, ["linux/arm64"]);
    const result = await update(run, amd);
    assertEquals(result.platforms, ["linux/amd64", "linux/arm64"]);
    assertEquals(run.registry.content.get("app").tags.get("v1"), result.digest);
    assertEquals(entries(run.registry).map(({ digest }) => digest), [amd.digest, arm.digest]);
    const again = await update(run, amd);
    assertEquals([again.writes, again.digest], [0, result.digest]);
    const newer = await pushPlatform(run, "linux/amd64", new Uint8Array(5));
    assertEquals((await update(run, newer)).platforms, ["linux/amd64", "linux/arm64"]);
    assertEquals(entries(run.registry)[0]?.digest, newer.digest);
  });
});

Deno.test("a tag of a single image becomes an entry with the platform of its config", async () => {
  await withRegistry(async (run) => {
    const { descriptor } = run.registry.content.addImage("app", {
      tag: "v1",
      platform: { os: "linux", architecture: "arm", variant: "v7" },
    });
    await update(run, await pushPlatform(run, "linux/amd64"));
    const [, old] = entries(run.registry);
    assertEquals(old?.digest, descriptor.digest);
    assertEquals(old?.platform, { os: "linux", architecture: "arm", variant: "v7" } as const);
  });
});

Deno.test("R37: an entry that a concurrent push drops is put in again", async () => {
  await withRegistry(async (run) => {
    const own = await pushPlatform(run, "linux/amd64");
    const other = await pushPlatform(run, "linux/arm64");
    let puts = 0;
    // Somebody who read before us writes after us, twice.
    run.registry.faults.add({
      method: "GET",
      path: /manifests\/v1/,
      nth: 2,
      times: 2,
      fault: {
        kind: "respond",
        respond: () => {
          puts++;
          run.registry.content.addIndex("app", [other], "v1");
          return undefined;
        },
      },
    });
    const result = await update(run, own);
    assertEquals([puts, result.writes], [2, 3]);
    assertEquals(result.platforms, ["linux/amd64", "linux/arm64"]);
  });
});

Deno.test("R37: two pushes that read at the same moment both survive", async () => {
  await withRegistry(async (run) => {
    const pair = [await pushPlatform(run, "linux/amd64"), await pushPlatform(run, "linux/arm64")];
    const barrier = Promise.withResolvers<void>();
    let readers = 0;
    run.registry.faults.add({
      method: "PUT",
      path: /manifests\/v1/,
      times: 2,
      fault: {
        kind: "respond",
        respond: async () => {
          if (++readers === 2) barrier.resolve();
          await barrier.promise;
          return undefined;
        },
      },
    });
    const reference = parseReference(`${run.registry.host}/app:v1`);
    const other = createRegistryClient({ registry: run.registry.host, insecure: false });
    await Promise.all([run.client, other].map((client, i) => {
      const entry = pair[i];
      assert(entry !== undefined);
      return updateIndex(client, { reference, entries: [entry] });
    }));
    other.close();
    assertEquals(entries(run.registry).map(({ digest }) => digest), pair.map((e) => e.digest));
  });
});

Deno.test("R37: a tag that others keep overwriting is an error after five writes", async () => {
  await withRegistry(async (run) => {
    const own = await pushPlatform(run, "linux/amd64");
    const other = await pushPlatform(run, "linux/arm64");
    run.registry.faults.add({
      method: "GET",
      path: /manifests\/v1/,
      times: Infinity,
      fault: {
        kind: "respond",
        respond: () => {
          run.registry.content.addIndex("app", [other], "v1");
          return undefined;
        },
      },
    });
    await assertRejects(() => update(run, own), MiseOciError, "other pushes keep overwriting it");
    const puts = run.registry.log.filter(({ method, path }) =>
      method === "PUT" && path.endsWith("/v1")
    );
    assertEquals(puts.length, 5);
  });
});

for (
  const [name, fault] of [
    ["401", { kind: "status", status: 401 }],
    ["403", { kind: "status", status: 403 }],
    ["503", { kind: "status", status: 503 }],
    ["junk", { kind: "status", status: 200, body: "{" }],
    ["schema 1", { kind: "status", status: 200, body: '{"schemaVersion":1,"fsLayers":[]}' }],
  ] as const
) {
  Deno.test(`R38: a tag whose GET gives ${name} is left alone`, async () => {
    await withRegistry(async (run) => {
      const { descriptor } = run.registry.content.addImage("app", { tag: "v1" });
      const entry = await pushPlatform(run, "linux/arm64");
      run.registry.faults.add({ method: "GET", path: /manifests/, times: Infinity, fault });
      await assertRejects(() => update(run, entry), MiseOciError, 'tag "v1" is unchanged');
      assertEquals(run.registry.content.get("app").tags.get("v1"), descriptor.digest);
    });
  });
}

Deno.test("R38: a tag that names something that is no image is left alone", async () => {
  await withRegistry(async (run) => {
    const { descriptor } = run.registry.content.addImage("app", {
      tag: "v1",
      edit: (manifest) => ({
        ...manifest,
        config: { ...manifest.config, mediaType: MediaType.empty },
      }),
    });
    const entry = await pushPlatform(run, "linux/arm64");
    await assertRejects(() => update(run, entry), MiseOciError, "something that is not an image");
    assertEquals(run.registry.content.get("app").tags.get("v1"), descriptor.digest);
  });
});

Deno.test("R49: the index goes after the manifests it names", async () => {
  await using registry = startFaultRegistry();
  const client = createRegistryClient({ registry: registry.host, insecure: false });
  const image = pushableImage([small]);
  const reference = parseReference(`${registry.host}/app:v1`);
  await uploadImage(client, image, { reference, untagged: true });
  assertEquals(registry.content.get("app").tags.size, 0);
  const entry = { ...image.manifest.descriptor, platform: parsePlatform("linux/amd64") };
  await updateIndex(client, { reference, entries: [entry], clock });
  client.close();
  const puts = registry.log.filter(({ method, path }) =>
    method === "PUT" && path.includes("/manifests/")
  );
  assertEquals(puts.map(({ path }) => path), [
    `/v2/app/manifests/${image.manifest.descriptor.digest}`,
    "/v2/app/manifests/v1",
  ]);
});
