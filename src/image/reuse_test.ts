import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type FaultRule,
  randomBytes,
  startFaultRegistry,
} from "../../tests/support/faultreg/mod.ts";
import { MiseOciError } from "../errors.ts";
import { Annotation, type Manifest, MediaType, parsePlatform, parseReference } from "../oci/mod.ts";
import { checkCacheFrom } from "../registry/cache_from.ts";
import { findReusableLayers, type ReuseResult, type WantedLayer } from "./reuse.ts";
import { createRegistryClient } from "../registry/transport.ts";

const node = {
  [Annotation.toolShort]: "node",
  [Annotation.toolVersion]: "24.11.0",
  [Annotation.layerPrefix]: "mise/installs/node/24.11.0",
  [Annotation.layerOwner]: "0:0",
  [Annotation.layerRelocation]: "1",
  [Annotation.layerFormat]: "1",
};
const extra = { "org.example": "x" };
const wanted: WantedLayer = { annotations: node, compression: "gzip" };

/** Annotates the second of three layers as a tool's. */
function annotated(manifest: Manifest): Manifest {
  return {
    ...manifest,
    layers: manifest.layers.map((layer, i) =>
      i === 1 ? { ...layer, annotations: { ...node, ...extra } } : layer
    ),
  };
}

interface Lookup {
  readonly wanted?: readonly WantedLayer[];
  readonly platform?: string;
  readonly edit?: (manifest: Manifest) => Manifest;
  readonly tag?: string;
  readonly fault?: FaultRule;
}

/** Looks for layers in an image of three layers for linux/amd64. */
async function lookUp(lookup: Lookup): Promise<ReuseResult> {
  await using registry = startFaultRegistry();
  registry.content.addImage("app", {
    tag: "v1",
    layers: [1, 2, 3].map((seed) => randomBytes(100, seed)),
    edit: lookup.edit ?? annotated,
  });
  if (lookup.fault !== undefined) registry.faults.add(lookup.fault);
  const client = createRegistryClient({ registry: registry.host, insecure: false });
  try {
    return await findReusableLayers(client, {
      reference: parseReference(`${registry.host}/app:${lookup.tag ?? "v1"}`),
      platform: parsePlatform(lookup.platform ?? "linux/amd64"),
      wanted: lookup.wanted ?? [wanted],
    });
  } finally {
    client.close();
  }
}

Deno.test("findReusableLayers() finds a layer by what it is made of", async () => {
  const { layers, problem } = await lookUp({
    wanted: [{ annotations: {}, compression: "gzip" }, wanted],
  });
  assertEquals(problem, undefined);
  const [none, found] = layers;
  assertEquals(none, undefined);
  assert(found !== undefined);
  assertEquals(found.descriptor.annotations, { ...node, ...extra });
  assertEquals(found.descriptor.mediaType, MediaType.layerGzip);
  // The fixture's layers are not compressed, so that diff ID and digest are the same.
  assertEquals(String(found.diffId), String(found.descriptor.digest));
  assert(found.from.endsWith("/app:v1"));
});

for (const name of Object.keys(node)) {
  Deno.test(`findReusableLayers() takes no layer whose ${name} differs or is not known`, async () => {
    const other = { annotations: { ...node, [name]: "other" }, compression: "gzip" } as const;
    const { [name]: _, ...rest } = node as Record<string, string>;
    const unknown = { annotations: rest, compression: "gzip" } as const;
    assertEquals((await lookUp({ wanted: [other, unknown] })).layers, [undefined, undefined]);
  });
}

Deno.test("findReusableLayers() takes no layer that something else was left out of", async () => {
  const excluding = (hash: string | undefined) =>
    hash === undefined ? node : { ...node, [Annotation.layerExclude]: hash };
  for (
    const [made, now, reused] of [
      ["a", "a", true],
      ["a", "b", false],
      ["a", undefined, false],
      [undefined, "a", false],
    ] as const
  ) {
    const edit = (manifest: Manifest): Manifest => ({
      ...manifest,
      layers: manifest.layers.map((layer) => ({ ...layer, annotations: excluding(made) })),
    });
    const { layers } = await lookUp({
      edit,
      wanted: [{ annotations: excluding(now), compression: "gzip" }],
    });
    assertEquals(layers[0] !== undefined, reused, `${made} ${now}`);
  }
});

Deno.test("findReusableLayers() takes no layer of another compression or platform", async () => {
  for (const compression of ["zstd", "none"] as const) {
    assertEquals((await lookUp({ wanted: [{ ...wanted, compression }] })).layers, [undefined]);
  }
  for (const platform of ["linux/arm64", "linux/amd64/v3"]) {
    const { layers, problem } = await lookUp({ platform });
    assertEquals(layers, [undefined]);
    assertEquals(problem?.kind, "missing", platform);
  }
});

Deno.test("findReusableLayers() warns of an image whose layers and diff IDs do not pair up", async () => {
  const { layers, problem } = await lookUp({
    edit: (manifest) => ({ ...annotated(manifest), layers: annotated(manifest).layers.slice(1) }),
  });
  assertEquals(layers, [undefined]);
  assertEquals(problem?.kind, "broken");
  assert(problem?.text.includes("2 layers and 3 diff IDs"), problem?.text);
});

Deno.test("findReusableLayers() takes no layer that the registry has lost", async () => {
  const fault = { kind: "status", status: 404 } as const;
  const { layers, problem } = await lookUp({
    fault: { method: "HEAD", path: /\/blobs\//, times: Infinity, fault },
  });
  assertEquals([layers, problem?.kind], [[undefined], "broken"]);
  assert(problem?.text.includes("has lost 1 of"), problem?.text);
});

Deno.test("findReusableLayers() fails if the registry wants a login and there is none", async () => {
  const headers = { "www-authenticate": 'Basic realm="test"' };
  const fault = { kind: "status", status: 401, headers } as const;
  const looking = lookUp({
    fault: { method: "GET", path: /\/manifests\//, times: Infinity, fault },
  });
  const { code } = await assertRejects(
    () => looking,
    MiseOciError,
    "requires a login, but no cred",
  );
  assertEquals(code, "auth");
});

Deno.test("findReusableLayers() tells a missing image from a broken one", async () => {
  assertEquals((await lookUp({ tag: "none" })).problem?.kind, "missing");
  const broken = await lookUp({ edit: (m) => ({ ...m, mediaType: MediaType.index }) });
  assertEquals(broken.problem?.kind, "broken");
});

Deno.test("findReusableLayers() ends when the signal is aborted", async () => {
  await using registry = startFaultRegistry();
  const client = createRegistryClient({ registry: registry.host, insecure: false });
  await assertRejects(
    () =>
      findReusableLayers(client, {
        reference: parseReference(`${registry.host}/app:v1`),
        platform: parsePlatform("linux/amd64"),
        wanted: [wanted],
        signal: AbortSignal.abort(new Error("stop")),
      }),
    Error,
    "stop",
  );
  client.close();
});

Deno.test("checkCacheFrom() wants the same repository", () => {
  const destination = parseReference("ghcr.io/me/app:v1");
  checkCacheFrom(parseReference("ghcr.io/me/app:cache"), destination);
  for (const other of ["ghcr.io/me/other:v1", "quay.io/me/app:v1"]) {
    const error = assertThrows(
      () => checkCacheFrom(parseReference(other), destination),
      MiseOciError,
      "same repository needed",
    );
    assertEquals(error.code, "usage");
  }
});
