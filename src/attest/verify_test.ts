import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import { ReferrerRegistry } from "../../tests/support/referrer_registry.ts";
import { type Digest, MediaType } from "../oci/mod.ts";
import { BUNDLE_TYPE } from "./envelope.ts";
import { parseSigningKey, type SigningKey } from "./keys.ts";
import { signSubject } from "./sign.ts";
import { PredicateType } from "./statement.ts";
import { findSignatures, isApproved, type Verification } from "./verify.ts";

const REPOSITORY = "team/app";
const TYPE = MediaType.manifest;

function makeKey(): SigningKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  return parseSigningKey(pem, "test", () => "");
}

const KEY = makeKey();

/** A registry with a signed image and an unsigned one. */
function withImages(api: boolean): {
  registry: ReferrerRegistry;
  digest: Digest;
  other: Digest;
} {
  const registry = new ReferrerRegistry({ api });
  const { digest } = registry.put(TYPE, { schemaVersion: 2, config: {}, layers: [] }, "v1");
  const { digest: other } = registry.put(TYPE, { schemaVersion: 2, config: {}, layers: [], a: 1 });
  return { registry, digest, other };
}

async function sign(registry: ReferrerRegistry, digest: Digest, key = KEY): Promise<void> {
  const client = registry.client();
  const { bytes } = registry.manifests.get(digest) ?? { bytes: new Uint8Array() };
  await signSubject(client, key, {
    name: `registry.test/${REPOSITORY}`,
    repository: REPOSITORY,
    subject: { mediaType: TYPE, digest, size: bytes.length },
    statements: [],
  });
  client.close();
}

async function verify(
  registry: ReferrerRegistry,
  digest: Digest,
  key = KEY,
): Promise<Verification> {
  const client = registry.client();
  try {
    return await findSignatures(client, key, { repository: REPOSITORY, digest });
  } finally {
    client.close();
  }
}

for (const api of [true, false]) {
  const where = api ? "a registry with the referrers API" : "a registry without it";
  Deno.test(`what a key signed is verified in both formats, in ${where}`, async () => {
    const { registry, digest, other } = withImages(api);
    await sign(registry, digest);
    const found = await verify(registry, digest);
    assertEquals(found.verified.map(({ format }) => format).sort(), ["bundle", "tag"]);
    assert(isApproved(found));
    assertEquals(found.skipped, []);
    assertEquals(await verify(registry, other), { verified: [], skipped: [] });
    const count = registry.manifests.size;
    await sign(registry, digest);
    assertEquals(registry.manifests.size, count, "a second signature of the same key adds nothing");
  });

  Deno.test(`one byte changed anywhere in a signature is refused, in ${where}`, async () => {
    const { registry, digest } = withImages(api);
    const before = new Set([...registry.manifests.keys(), ...registry.blobs.keys()]);
    await sign(registry, digest);
    const stored = [
      ...registry.manifests,
      ...[...registry.blobs].map(([key, bytes]) => {
        return [key, { bytes }] as const;
      }),
    ].filter(([key]) => !before.has(key));
    // The image has both formats, so each is tested with the other one removed.
    for (const kind of ["bundle", "tag"] as const) {
      const alone = new Map(registry.manifests);
      if (kind === "bundle") registry.manifests.delete(`sha256-${digest.slice(7)}.sig`);
      else {
        for (const [key, { bytes }] of alone) {
          if (new TextDecoder().decode(bytes).includes('"subject"')) registry.manifests.delete(key);
        }
      }
      registry.requests.length = 0;
      assert(isApproved(await verify(registry, digest)), kind);
      const used = new Set(registry.requests.map((one) => one.split("/").at(-1) ?? ""));
      for (const [key, value] of stored.filter(([key]) => used.has(key))) {
        if (!registry.manifests.has(key) && !registry.blobs.has(key)) continue;
        const { bytes } = value;
        for (let at = 0; at < bytes.length; at += 1 + Math.floor(bytes.length / 20)) {
          const changed = bytes.slice();
          changed[at] = (changed[at] ?? 0) ^ 0x01;
          const put = (content: Uint8Array<ArrayBuffer>): void => {
            if (registry.blobs.has(key)) registry.blobs.set(key, content);
            else registry.manifests.set(key, { ...alone.get(key)!, bytes: content });
          };
          put(changed);
          const found = await verify(registry, digest).catch((error: Error) => error);
          const text = new TextDecoder().decode(bytes).slice(at - 20, at + 20);
          // A tag's content has no expected digest, so irrelevant parts may change.
          const start = new TextDecoder("latin1").decode(bytes).indexOf('signature":"') + 12;
          const harmless = !key.startsWith("sha256:") &&
            (!key.endsWith(".sig") || at < start || at > start + 90);
          assert(harmless || found instanceof Error || !isApproved(found), `${key} ${at} ${text}`);
          put(bytes);
        }
      }
      registry.manifests.clear();
      for (const [key, value] of alone) registry.manifests.set(key, value);
    }
  });
}

Deno.test("another key, a signature of another digest and an attestation alone are refused with the reason", async () => {
  const { registry, digest, other } = withImages(true);
  await sign(registry, digest, makeKey());
  const foreign = await verify(registry, digest);
  assert(!isApproved(foreign));
  assertEquals(foreign.skipped.length, 2);
  for (const reason of foreign.skipped) assertStringIncludes(reason, "not signed by this key");
  // The bundle and the tag of the signed image, moved to the other image.
  await sign(registry, other);
  for (const [key, { mediaType, bytes }] of [...registry.manifests]) {
    const text = new TextDecoder().decode(bytes);
    if (key === `sha256-${other.slice(7)}.sig`) {
      registry.manifests.set(`sha256-${digest.slice(7)}.sig`, { mediaType, bytes });
    } else if (text.includes('"subject"') && text.includes(other)) {
      registry.put(mediaType, JSON.parse(text.replace(other, digest)));
    }
  }
  const moved = await verify(registry, digest);
  assert(!isApproved(moved));
  assertEquals(moved.skipped.filter((one) => one.includes("of another image")).length, 2);
  const { registry: clean, digest: image } = withImages(true);
  const client = clean.client();
  const { attachArtifacts } = await import("./attach.ts");
  const { bundleArtifact } = await import("./sign.ts");
  const statement = { predicateType: PredicateType.provenance, predicate: {} };
  await attachArtifacts(client, [await bundleArtifact(image, statement, KEY)], {
    repository: REPOSITORY,
    subject: { mediaType: TYPE, digest: image, size: 1 },
  });
  const attested = await verify(clean, image);
  assertEquals(attested.verified.map(({ predicateType }) => predicateType), [
    PredicateType.provenance,
  ]);
  assert(!isApproved(attested));
});

Deno.test("a list that names manifests of other images, or 10,000 of them, hides no reason and costs little", async () => {
  const { registry, digest, other } = withImages(false);
  await sign(registry, other);
  const entry = [...registry.manifests].find(([key, { bytes }]) =>
    key.startsWith("sha256:") && new TextDecoder().decode(bytes).includes('"subject"')
  );
  const [target = "", { bytes } = { bytes: new Uint8Array() }] = entry ?? [];
  const pointing = {
    mediaType: TYPE,
    digest: target,
    size: bytes.length,
    artifactType: BUNDLE_TYPE,
  };
  const fake = Array.from({ length: 10_000 }, (_, i) => ({
    ...pointing,
    digest: `sha256:${i.toString(16).padStart(64, "0")}`,
  }));
  const manifests = [pointing, { mediaType: TYPE, digest: "sha512:no", size: -1 }, ...fake];
  registry.put(
    MediaType.index,
    { schemaVersion: 2, mediaType: MediaType.index, manifests },
    `sha256-${digest.slice(7)}`,
  );
  registry.requests.length = 0;
  const found = await verify(registry, digest);
  assert(!isApproved(found));
  assertMatch(found.skipped[0] ?? "", /more: only 100 are checked/);
  assert(found.skipped.some((one) => one.includes("it refers to another image")));
  assert(registry.requests.length < 250, String(registry.requests.length));
});
