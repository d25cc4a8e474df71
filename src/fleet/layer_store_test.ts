import { assert, assertEquals } from "@std/assert";
import { digestOf } from "../../tests/support/faultreg/mod.ts";
import { memoryBlobs } from "../../tests/support/pushable_image.ts";
import { ReferrerRegistry } from "../../tests/support/referrer_registry.ts";
import { MediaType, parseDiffId, parseStoreReference } from "../oci/mod.ts";
import {
  isDamage,
  keepLayer,
  maybeStoredLayer,
  type StoreLayer,
  type StorePlace,
  type StoreWant,
} from "./layer_store.ts";
import { keepKnowledge, maybeStoredKnowledge } from "./base_facts.ts";

const WANT: StoreWant = {
  tool: { short: "npm:prettier", version: "3.6.2" },
  directories: [],
  input: {
    backend: "npm:prettier",
    version: "3.6.2",
    options: "",
    lock: "",
    platform: { os: "linux", architecture: "amd64" },
    libc: "gnu",
    prefix: "/mise/installs/npm-prettier/3.6.2",
    owner: "0:0",
    excludes: [],
    compression: "none:0",
    layerFormat: "3",
    relocationFormat: "3",
    baseDirectories: [],
  },
};

const TAR = new Uint8Array(1024);
const DIGEST = digestOf(TAR);
const LAYER: StoreLayer = {
  descriptor: { mediaType: MediaType.layer, digest: DIGEST, size: TAR.length },
  diffId: parseDiffId(DIGEST),
  references: [],
  env: [],
  path: [],
  created: "1980-01-01T00:00:00Z",
  createdBy: "test",
  source: memoryBlobs(new Map([[DIGEST, TAR]])),
};

/** What is in a registry that has one entry. */
interface Stored {
  readonly registry: ReferrerRegistry;
  readonly place: StorePlace;
  readonly tag: string;
  // deno-lint-ignore no-explicit-any -- the JSON of the manifest
  readonly manifest: any;
}

/** Every way in which an entry can be damaged that a registry can be written over. */
const DAMAGES: Readonly<Record<string, (stored: Stored) => void>> = {
  "its layer is gone": ({ registry }) => void registry.blobs.delete(DIGEST),
  "its layer is shorter than it says": ({ registry }) =>
    void registry.blobs.set(DIGEST, TAR.slice(0, 512)),
  "its config is gone": ({ registry, manifest }) =>
    void registry.blobs.delete(manifest.config.digest),
  "its config is cut off": ({ registry, manifest }) =>
    void registry.blobs.set(manifest.config.digest, new TextEncoder().encode("{")),
  "its manifest is no JSON": ({ registry, tag }) =>
    void registry.manifests.set(tag, {
      mediaType: MediaType.manifest,
      bytes: new TextEncoder().encode("{"),
    }),
  "its manifest says another size of the layer": ({ registry, tag, manifest }) => {
    const layers = [{ ...manifest.layers[0], size: 99 }];
    registry.put(MediaType.manifest, { ...manifest, layers }, tag);
  },
  "its tag names an index": ({ registry, tag }) =>
    void registry.put(MediaType.index, { schemaVersion: 2, manifests: [] }, tag),
  "its config names no layer": ({ registry, tag, manifest }) => {
    const bytes = new TextEncoder().encode(
      '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
    );
    registry.blobs.set(digestOf(bytes), bytes);
    const config = { ...manifest.config, digest: digestOf(bytes), size: bytes.length };
    registry.put(MediaType.manifest, { ...manifest, config }, tag);
  },
};

function open(): StorePlace & { readonly registry: ReferrerRegistry } {
  const registry = new ReferrerRegistry({ api: true });
  const reference = parseStoreReference("registry.test/layers");
  return { registry, client: registry.client(), reference };
}

Deno.test("a damaged entry of a layer store is not used, and is written anew", async () => {
  for (const [damage, apply] of Object.entries(DAMAGES)) {
    const { registry, ...place } = open();
    assertEquals(await keepLayer(place, WANT, LAYER), true);
    assertEquals(await keepLayer(place, WANT, LAYER), false, "it is there");
    const tags = [...registry.manifests.keys()].filter((key) => !key.includes(":"));
    for (const tag of tags) {
      const manifest = JSON.parse(new TextDecoder().decode(registry.manifests.get(tag)?.bytes));
      apply({ registry, place, tag, manifest });
    }
    const found = await maybeStoredLayer(place, WANT).catch((error) => {
      assert(isDamage(error), damage);
      return undefined;
    });
    assertEquals(found, undefined, damage);
    assertEquals(await keepLayer(place, WANT, LAYER), true, damage);
    assertEquals((await maybeStoredLayer(place, WANT))?.diffId, LAYER.diffId, damage);
    place.client.close();
  }
});

Deno.test("damaged facts of a base layer are not used, and are written anew", async () => {
  const { registry, ...place } = open();
  const of = { diffId: LAYER.diffId, platform: WANT.input.platform };
  await keepKnowledge(place, of, { index: "i", facts: "f" });
  const before = registry.blobs.size;
  registry.blobs.clear();
  const found = await maybeStoredKnowledge(place, of.diffId).catch((error) => {
    assert(isDamage(error));
    return undefined;
  });
  assertEquals(found, undefined);
  await keepKnowledge(place, of, { index: "i", facts: "f" });
  assertEquals(registry.blobs.size, before);
  place.client.close();
});
