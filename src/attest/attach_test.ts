import { assert, assertEquals } from "@std/assert";
import { ReferrerRegistry } from "../../tests/support/referrer_registry.ts";
import { type Digest, MediaType } from "../oci/mod.ts";
import { listReferrers } from "../registry/referrers.ts";
import { type Artifact, attachArtifacts } from "./attach.ts";
import { copyReferrers } from "./copy_referrers.ts";

const TYPE = "application/vnd.cyclonedx+json";

function artifact(text: string): Artifact {
  return { artifactType: TYPE, bytes: new TextEncoder().encode(text) };
}

function image(registry: ReferrerRegistry): { mediaType: string; digest: Digest; size: number } {
  const manifest = { schemaVersion: 2, config: {}, layers: [] };
  return { mediaType: MediaType.manifest, ...registry.put(MediaType.manifest, manifest, "v1") };
}

async function attach(
  registry: ReferrerRegistry,
  artifacts: readonly Artifact[],
  subject = image(registry),
): Promise<readonly string[]> {
  const client = registry.client();
  await attachArtifacts(client, artifacts, { repository: "app", subject });
  const { entries } = await listReferrers(client, { repository: "app", digest: subject.digest });
  client.close();
  return entries.map(({ artifactType, digest }) => `${artifactType} ${digest}`).sort();
}

for (const api of [true, false]) {
  Deno.test(`documents are attached once, ${api ? "with" : "without"} the referrers API`, async () => {
    const registry = new ReferrerRegistry({ api });
    const first = await attach(registry, [artifact("a"), artifact("b")]);
    assertEquals(first.length, 2);
    assert(first.every((one) => one.startsWith(TYPE)));
    assertEquals(await attach(registry, [artifact("b"), artifact("a")]), first);
    const tags = [...registry.manifests.keys()].filter((key) => key.startsWith("sha256-"));
    assertEquals(tags.length, api ? 0 : 1);
  });
}

Deno.test("two that attach at the same time to a registry without the API keep each other's entries", async () => {
  const registry = new ReferrerRegistry();
  const subject = image(registry);
  await Promise.all(["a", "b", "c"].map((text) => attach(registry, [artifact(text)], subject)));
  assertEquals((await attach(registry, [], subject)).length, 3);
});

Deno.test("a registry that lists the configs that it takes gets one of an image", async () => {
  const registry = new ReferrerRegistry({ onlyConfigs: [MediaType.config] });
  const [entry = ""] = await attach(registry, [artifact("a")]);
  const { bytes } = registry.manifests.get(entry.split(" ")[1] ?? "") ?? {};
  const manifest = JSON.parse(new TextDecoder().decode(bytes));
  assertEquals(manifest.config.mediaType, MediaType.config);
  assertEquals(manifest.artifactType, TYPE);
});

Deno.test("copyReferrers() takes along what refers to the image and nothing else", async () => {
  const [from, to] = [new ReferrerRegistry({ api: true }), new ReferrerRegistry()];
  const subject = image(from);
  image(to);
  const other = from.put(MediaType.manifest, { schemaVersion: 2, config: {}, layers: [], a: 1 });
  await attach(from, [artifact("of another")], { mediaType: MediaType.manifest, ...other });
  const attached = await attach(from, [artifact("a")], subject);
  const [source, target] = [from.client(), to.client()];
  const copied = await copyReferrers({
    subject,
    from: { client: source, repository: "app" },
    to: { client: target, repository: "copy" },
  });
  assertEquals(copied, 1);
  assertEquals(await attach(to, [], subject), attached);
  source.close();
  target.close();
});
