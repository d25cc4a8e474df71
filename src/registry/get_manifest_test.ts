import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Fault, startFaultRegistry } from "../../tests/support/faultreg/mod.ts";
import { failure, testClient } from "../../tests/support/registry_client.ts";
import { encodeJson, MediaType } from "../oci/mod.ts";
import { fetchManifest, headManifest, maybeFetchManifest } from "./get_manifest.ts";

const OTHER = `sha256:${"0".repeat(64)}`;
const repository = "team/app";
const headers = (set: Record<string, string | undefined>): Fault => ({ kind: "headers", set });

Deno.test("A manifest is fetched by tag and by digest, raw and verified", async () => {
  await using registry = startFaultRegistry();
  const image = registry.content.addImage(repository, { tag: "1" });
  using test = testClient(registry.host);
  for (const target of ["1", image.descriptor.digest]) {
    const fetched = await fetchManifest(test.client, { repository, target });
    assertEquals(fetched.bytes, image.bytes);
    assertEquals(fetched.descriptor.digest, image.descriptor.digest);
    assertEquals(fetched.content.kind, "manifest");
  }
  assert(registry.log.every(({ headers }) => headers.get("accept-encoding") === "identity"));
  assertEquals(await maybeFetchManifest(test.client, { repository, target: "none" }), undefined);
  const error = await failure(fetchManifest(test.client, { repository, target: "none" }));
  assertEquals(error.code, "not-found");
  assertStringIncludes(
    error.message,
    `Cannot fetch manifest "${registry.host}/team/app:none": GET`,
  );
  assertStringIncludes(error.message, "answered 404: MANIFEST_UNKNOWN: manifest unknown");
});

Deno.test("R10: without, or with another algorithm's, Docker-Content-Digest the bytes decide", async () => {
  await using registry = startFaultRegistry();
  const image = registry.content.addImage(repository, { tag: "1" });
  using test = testClient(registry.host);
  for (const stated of [undefined, `sha512:${"0".repeat(128)}`, "garbage\\u001b"]) {
    for (const target of ["1", image.descriptor.digest]) {
      registry.faults.add({ fault: headers({ "docker-content-digest": stated }) });
      const { descriptor } = await fetchManifest(test.client, { repository, target });
      assertEquals(descriptor.digest, image.descriptor.digest);
    }
  }
  assertEquals(test.warnings.length, 4);
});

Deno.test("R10: a wrong Docker-Content-Digest is a warning for a tag and an error for a digest", async () => {
  await using registry = startFaultRegistry();
  const image = registry.content.addImage(repository, { tag: "1" });
  using test = testClient(registry.host);
  registry.faults.add({ fault: headers({ "docker-content-digest": OTHER }), times: Infinity });
  const { descriptor } = await fetchManifest(test.client, { repository, target: "1" });
  assertEquals(descriptor.digest, image.descriptor.digest);
  assertEquals(test.warnings.length, 1);
  const target = image.descriptor.digest;
  const error = await failure(fetchManifest(test.client, { repository, target }));
  assertEquals(error.code, "integrity");
  assertStringIncludes(error.message, `the registry says that it is ${OTHER}`);
});

Deno.test("R10: headManifest() takes the stated digest, and asks with GET where there is none", async () => {
  await using registry = startFaultRegistry();
  const { descriptor: { digest } } = registry.content.addImage(repository, { tag: "1" });
  using test = testClient(registry.host);
  const methods = async (fault?: Fault): Promise<string[]> => {
    registry.log.length = 0;
    registry.faults.clear();
    if (fault !== undefined) registry.faults.add({ method: "HEAD", fault, times: Infinity });
    assertEquals(await headManifest(test.client, { repository, target: "1" }), digest);
    return registry.log.map(({ method }) => method);
  };
  assertEquals(await methods(), ["HEAD"]);
  assertEquals(await methods(headers({ "docker-content-digest": undefined })), ["HEAD", "GET"]);
  assertEquals(await methods(headers({ "docker-content-digest": `sha512:${"0".repeat(128)}` })), [
    "HEAD",
    "GET",
  ]);
  assertEquals(await methods({ kind: "status", status: 405 }), ["HEAD", "GET"]);
  assertEquals(await headManifest(test.client, { repository, target: "none" }), undefined);
});

Deno.test("R07: a manifest whose bytes differ from its digest is fetched once more, then refused", async () => {
  await using registry = startFaultRegistry();
  const { descriptor: { digest } } = registry.content.addImage(repository, { tag: "1" });
  using test = testClient(registry.host);
  registry.faults.add({ fault: { kind: "wrongBytes", at: 20 } });
  await fetchManifest(test.client, { repository, target: digest });
  registry.faults.add({ fault: { kind: "wrongBytes", at: 20 }, times: Infinity });
  registry.log.length = 0;
  const error = await failure(fetchManifest(test.client, { repository, target: digest }));
  assertEquals(error.code, "integrity");
  assertStringIncludes(error.message, `instead of ${digest}`);
  assertEquals(registry.log.length, 2);
});

Deno.test("R04: a manifest that a clean close cut short is fetched again", async () => {
  await using registry = startFaultRegistry();
  const image = registry.content.addImage(repository, { tag: "1" });
  using test = testClient(registry.host);
  registry.faults.add({ fault: { kind: "truncateSilently", bytes: 100 } });
  assertEquals((await fetchManifest(test.client, { repository, target: "1" })).bytes, image.bytes);
});

Deno.test("R11: what could be read as a manifest and as an index is refused", async () => {
  await using registry = startFaultRegistry();
  using test = testClient(registry.host);
  const config = registry.content.addBlob(repository, encodeJson({}), MediaType.config);
  const { manifest, descriptor } = registry.content.addImage(repository, { tag: "1" });
  const add = (body: object, mediaType: string): void => {
    registry.content.addManifest(repository, encodeJson(body), { mediaType, tag: "bad" });
  };
  const both = { schemaVersion: 2, config, layers: manifest.layers, manifests: [descriptor] };
  add(both, MediaType.manifest);
  assertStringIncludes(
    (await failure(fetchManifest(test.client, { repository, target: "bad" }))).message,
    "ambiguous",
  );
  const plain = { schemaVersion: 2, config, layers: manifest.layers };
  add({ ...plain, mediaType: MediaType.manifest }, MediaType.index);
  assertStringIncludes(
    (await failure(fetchManifest(test.client, { repository, target: "bad" }))).message,
    "ambiguous",
  );
  add({ ...plain, mediaType: MediaType.index }, MediaType.index);
  assertStringIncludes(
    (await failure(fetchManifest(test.client, { repository, target: "bad" }))).message,
    "ambiguous",
  );
  const error = await failure(
    fetchManifest(test.client, {
      repository,
      target: descriptor.digest,
      descriptor: { ...descriptor, mediaType: MediaType.index },
    }),
  );
  assertStringIncludes(error.message, "ambiguous");
});

Deno.test("R12: schema 1 is refused by name, signed or not", async () => {
  await using registry = startFaultRegistry();
  using test = testClient(registry.host);
  const body = encodeJson({ schemaVersion: 1, name: "x", fsLayers: [], history: [] });
  for (
    const mediaType of [MediaType.dockerSchema1, MediaType.dockerSchema1Signed, "application/json"]
  ) {
    registry.content.addManifest(repository, body, { mediaType, tag: "old" });
    const error = await failure(fetchManifest(test.client, { repository, target: "old" }));
    assertEquals(error.code, "unsupported");
    assertStringIncludes(error.message, "schema 1 is not supported");
  }
});

Deno.test("R13: any harmless Content-Type, and no mediaType, will do", async () => {
  await using registry = startFaultRegistry();
  const image = registry.content.addImage(repository, { tag: "1" });
  const { mediaType: _, ...rest } = JSON.parse(new TextDecoder().decode(image.bytes));
  registry.content.addManifest(repository, encodeJson(rest), {
    mediaType: MediaType.manifest,
    tag: "bare",
  });
  using test = testClient(registry.host);
  const types = [
    `${MediaType.manifest}; charset=utf-8`,
    undefined,
    "text/plain",
    "application/json",
    "APPLICATION/JSON",
  ];
  for (const target of ["1", "bare"]) {
    for (const type of types) {
      registry.faults.add({ fault: headers({ "content-type": type }) });
      const { content, descriptor } = await fetchManifest(test.client, { repository, target });
      assertEquals([content.kind, descriptor.mediaType], ["manifest", MediaType.manifest]);
    }
  }
});

Deno.test("R14: a manifest of 5 MiB is refused", async () => {
  await using registry = startFaultRegistry();
  registry.content.addManifest(repository, new Uint8Array(5 << 20).fill(0x20), {
    mediaType: MediaType.manifest,
    tag: "big",
  });
  using test = testClient(registry.host);
  const error = await failure(fetchManifest(test.client, { repository, target: "big" }));
  assertEquals(error.code, "invalid");
  assertStringIncludes(error.message, "more than 4194304 bytes");
});

Deno.test("R40: an encoding that was not asked for does not pass as the manifest", async () => {
  await using registry = startFaultRegistry();
  const { descriptor: { digest } } = registry.content.addImage(repository, { tag: "1" });
  using test = testClient(registry.host);
  registry.faults.add({
    times: Infinity,
    fault: {
      kind: "rewrite",
      rewrite: (reply) => ({
        ...reply,
        headers: { ...reply.headers, "content-encoding": "gzip" },
        body: "\x1f\x8b junk",
      }),
    },
  });
  const { code } = await failure(fetchManifest(test.client, { repository, target: digest }));
  // Deno before 2.9 decodes whatever it is asked; there it is the decoding that fails.
  assert(["integrity", "network"].includes(code), code);
});

Deno.test("R48: digests of other algorithms and shapes are refused and never become part of a URL", async () => {
  await using registry = startFaultRegistry();
  using test = testClient(registry.host);
  const config = registry.content.addBlob(repository, encodeJson({}), MediaType.config);
  const digests = [
    `sha512:${"0".repeat(128)}`,
    `sha1:${"0".repeat(40)}`,
    "sha256:../../../../etc/passwd",
    `sha256:${"A".repeat(64)}`,
    `sha256:${"0".repeat(63)}`,
    "md5:0",
    "",
    "../x",
    7,
    null,
  ];
  for (const digest of digests) {
    const body = {
      schemaVersion: 2,
      mediaType: MediaType.manifest,
      config,
      layers: [{ ...config, digest }],
    };
    registry.content.addManifest(repository, encodeJson(body), {
      mediaType: MediaType.manifest,
      tag: "bad",
    });
    const error = await failure(fetchManifest(test.client, { repository, target: "bad" }));
    assert(["unsupported", "invalid"].includes(error.code), String(digest));
    assert(/digest/i.test(error.message), error.message);
  }
  assert(registry.log.every(({ path }) => path === "/v2/team/app/manifests/bad"));
});
