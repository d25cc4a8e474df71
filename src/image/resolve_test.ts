import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type FaultRegistry, startFaultRegistry } from "../../tests/support/faultreg/mod.ts";
import { MemoryStore } from "../../tests/support/memory_store.ts";
import { failure, testClient } from "../../tests/support/registry_client.ts";
import {
  type Descriptor,
  encodeJson,
  MediaType,
  MiseOciError,
  parsePlatform,
  parseReference,
  type Platform,
} from "../oci/mod.ts";
import { RegistryImages, type ResolvedImage, resolveImage } from "./mod.ts";

const repository = "app";
const AMD64 = parsePlatform("linux/amd64");
const ARM64 = parsePlatform("linux/arm64");

async function resolve(
  registry: FaultRegistry,
  target: string,
  options: { readonly platform?: Platform; readonly cache?: MemoryStore } = {},
): Promise<ResolvedImage> {
  using test = testClient(registry.host);
  const { platform = AMD64, ...cache } = options;
  const reference = parseReference(`${registry.host}/${repository}${target}`);
  const images = new RegistryImages(test.client, { reference, ...cache });
  return await resolveImage(images, { platform });
}

function add(registry: FaultRegistry, platform: Platform, seed = 1): Descriptor {
  const layers = [new Uint8Array([seed, platform.architecture.length])];
  return registry.content.addImage(repository, { platform, layers }).descriptor;
}

const ATTESTATION = (of: Descriptor): Descriptor => ({
  ...of,
  platform: { os: "unknown", architecture: "unknown" },
  annotations: { "vnd.docker.reference.type": "attestation-manifest" },
});

Deno.test("resolveImage() gives manifest and config of a single image, raw and parsed", async () => {
  await using registry = startFaultRegistry();
  const image = registry.content.addImage(repository, { tag: "1" });
  for (const target of [":1", `@${image.descriptor.digest}`, `:gone@${image.descriptor.digest}`]) {
    const resolved = await resolve(registry, target);
    assertEquals(resolved.manifestBytes, image.bytes);
    assertEquals(resolved.configBytes, image.configBytes);
    assertEquals(resolved.config.config?.Cmd, ["/bin/sh"]);
    assertEquals(resolved.path.map(({ digest }) => digest), [image.descriptor.digest]);
    assertEquals(resolved.platform, AMD64);
  }
});

Deno.test("R15: an image for another platform only is refused, and the offers are listed", async () => {
  await using registry = startFaultRegistry();
  registry.content.addImage(repository, { tag: "arm", platform: ARM64 });
  const single = await failure(resolve(registry, ":arm"));
  assertEquals(single.code, "unsupported");
  assertStringIncludes(single.message, "it is for linux/arm64, not linux/amd64");
  const arm = add(registry, ARM64);
  const s390 = add(registry, parsePlatform("linux/s390x"));
  registry.content.addIndex(repository, [s390, ATTESTATION(s390), arm], "1");
  const error = await failure(resolve(registry, ":1"));
  assertStringIncludes(error.message, "for linux/amd64: it offers linux/arm64, linux/s390x");
});

Deno.test("R15: the entry for the platform is found between attestations and other variants", async () => {
  await using registry = startFaultRegistry();
  const amd = add(registry, AMD64);
  const v3 = add(registry, parsePlatform("linux/amd64/v3"));
  const armV7 = add(registry, parsePlatform("linux/arm/v7"));
  const armV8 = {
    ...add(registry, ARM64),
    platform: { os: "linux", architecture: "arm64", variant: "v8" },
  };
  const windows = {
    ...add(registry, AMD64, 9),
    platform: { os: "windows", architecture: "amd64", "os.version": "10.0.20348" },
  };
  registry.content.addIndex(repository, [ATTESTATION(amd), windows, v3, armV7, armV8, amd], "1");
  const pick = async (platform: string): Promise<string> =>
    (await resolve(registry, ":1", { platform: parsePlatform(platform) })).descriptor.digest;
  assertEquals(await pick("linux/amd64"), amd.digest);
  assertEquals(await pick("linux/amd64/v3"), v3.digest);
  assertEquals(await pick("linux/amd64/v2"), amd.digest);
  assertEquals(await pick("linux/arm64"), armV8.digest);
  assertEquals(await pick("linux/arm64/v8"), armV8.digest);
  assertEquals(await pick("linux/arm/v7"), armV7.digest);
  await assertRejects(() => pick("linux/arm/v6"), MiseOciError, "for linux/arm/v6");
});

Deno.test("R15: entries without a platform are told by their config", async () => {
  await using registry = startFaultRegistry();
  const bare = (platform: Platform): Descriptor => {
    const { platform: _, ...rest } = add(registry, platform);
    return rest;
  };
  const amd = bare(AMD64);
  registry.content.addIndex(repository, [bare(ARM64), amd], "1");
  assertEquals((await resolve(registry, ":1")).descriptor.digest, amd.digest);
});

Deno.test("R16: nested indexes are followed four deep and no deeper", async () => {
  await using registry = startFaultRegistry();
  let inner = add(registry, AMD64);
  for (let depth = 1; depth <= 10; depth++) {
    inner = registry.content.addIndex(repository, [inner], `d${depth}`);
    if (depth <= 4) {
      const { path } = await resolve(registry, `:d${depth}`);
      assertEquals(path.length, depth + 1);
      assertEquals(path[0].digest, inner.digest);
    } else {
      assertStringIncludes(
        (await failure(resolve(registry, `:d${depth}`))).message,
        "more than 4 deep",
      );
    }
  }
});

Deno.test("R16: an empty index and one of a great many entries are answered soon", async () => {
  await using registry = startFaultRegistry();
  registry.content.addIndex(repository, [], "empty");
  assertStringIncludes((await failure(resolve(registry, ":empty"))).message, "it offers none");
  const digest = `sha256:${"1".repeat(64)}`;
  const entry = (architecture: string): object => ({
    mediaType: MediaType.manifest,
    digest,
    size: 1,
    platform: { os: "linux", architecture },
  });
  const many = Array.from({ length: 18_000 }, (_, i) => entry(`a${i}`));
  registry.content.addManifest(repository, encodeJson({ schemaVersion: 2, manifests: many }), {
    mediaType: MediaType.index,
    tag: "many",
  });
  const error = await failure(resolve(registry, ":many"));
  assertStringIncludes(error.message, "and 17980 more");
  registry.content.addManifest(
    repository,
    encodeJson({
      schemaVersion: 2,
      manifests: Array.from({ length: 100_000 }, () => entry("amd64")),
    }),
    { mediaType: MediaType.index, tag: "over" },
  );
  assertEquals((await failure(resolve(registry, ":over"))).code, "invalid");
  // Many that may fit: not each of them is fetched.
  const bare = Array.from({ length: 40 }, (_, i) => {
    const { platform: _platform, ...rest } = add(registry, ARM64, i);
    return rest;
  });
  registry.content.addIndex(repository, bare, "bare");
  registry.log.length = 0;
  await failure(resolve(registry, ":bare"));
  assertEquals(registry.log.length < 40, true);
});

Deno.test("R09: a child manifest of another digest or size than its index says is refused", async () => {
  await using registry = startFaultRegistry();
  const amd = add(registry, AMD64);
  registry.content.addIndex(repository, [{ ...amd, size: amd.size + 1 }], "size");
  const size = await failure(resolve(registry, ":size"));
  assertEquals(size.code, "integrity");
  assertStringIncludes(size.message, `${amd.size} bytes instead of ${amd.size + 1}`);
  registry.content.addIndex(repository, [amd], "digest");
  registry.faults.add({
    path: new RegExp(amd.digest),
    times: Infinity,
    fault: { kind: "wrongBytes", at: 30 },
  });
  assertEquals((await failure(resolve(registry, ":digest"))).code, "integrity");
});

Deno.test("A config whose bytes do not match, that is too long, or that is none, is refused", async () => {
  await using registry = startFaultRegistry();
  const image = registry.content.addImage(repository, { tag: "1" });
  registry.faults.add({ path: /blobs/, times: Infinity, fault: { kind: "wrongBytes", at: 3 } });
  assertEquals((await failure(resolve(registry, ":1"))).code, "integrity");
  registry.faults.clear();
  registry.content.addImage(repository, {
    tag: "long",
    edit: (m) => ({ ...m, config: { ...m.config, size: 5 << 20 } }),
  });
  assertStringIncludes(
    (await failure(resolve(registry, ":long"))).message,
    "more than the 4194304 allowed",
  );
  registry.content.addImage(repository, {
    tag: "helm",
    edit: (m) => ({
      ...m,
      config: { ...m.config, mediaType: "application/vnd.cncf.helm.config.v1+json" },
    }),
  });
  assertStringIncludes(
    (await failure(resolve(registry, ":helm"))).message,
    "not a container image",
  );
  registry.content.addImage(repository, { tag: "torn", edit: (m) => ({ ...m, layers: [] }) });
  assertStringIncludes(
    (await failure(resolve(registry, ":torn"))).message,
    "0 layers and 1 diff IDs",
  );
  assertEquals(image.manifest.layers.length, 1);
});

Deno.test("C14: with a digest and a warm cache the registry is not asked", async () => {
  await using registry = startFaultRegistry();
  const amd = add(registry, AMD64);
  const index = registry.content.addIndex(repository, [amd], "1");
  const cache = new MemoryStore();
  const first = await resolve(registry, ":1", { cache });
  assertEquals(first.path[0].digest, index.digest);
  assertEquals(cache.blobs.size, 3);
  registry.log.length = 0;
  const second = await resolve(registry, `@${index.digest}`, { cache });
  assertEquals(registry.log, []);
  assertEquals(second.configBytes, first.configBytes);
  assertEquals(second.path, first.path);
  assertEquals(cache.openWriters, 0);
});
