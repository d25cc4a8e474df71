import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Descriptor, encodeIndex, encodeManifest, MediaType } from "../oci/mod.ts";
import {
  AMD64,
  ARM64,
  inTempDir,
  put,
  rejected,
  text,
  writeImage,
} from "../../tests/support/store_fixtures.ts";
import { createLayout, type Layout } from "../store/mod.ts";
import { listPlatforms, resolveImage, resolveRoot } from "./mod.ts";
import { readReferrers, readTree } from "./tree.ts";

/** An image with the config's type as its artifact type, as go-containerregistry writes every entry. */
const ggcr = (entry: Descriptor): Descriptor => ({ ...entry, artifactType: MediaType.config });

/** A signature as cosign stores it: an image config, and a layer that is none. */
async function writeSignature(
  layout: Layout,
  image: Descriptor,
  subject?: Descriptor,
): Promise<Descriptor> {
  const layer = { digest: await put(layout, text("signed")), size: 6 };
  const { manifest } = await resolveImage(layout, { digest: image.digest });
  const bytes = encodeManifest({
    config: manifest.config,
    layers: [{ mediaType: "application/vnd.dev.cosign.simplesigning.v1+json", ...layer }],
    ...(subject === undefined ? {} : { subject }),
  });
  return await layout.writeManifest(bytes, MediaType.manifest);
}

async function writeIndex(layout: Layout, manifests: readonly Descriptor[]): Promise<Descriptor> {
  return await layout.writeManifest(encodeIndex({ manifests }), MediaType.index);
}

/** Replaces the index of the layout, as another program would write it. */
async function writeEntries(layout: Layout, manifests: readonly Descriptor[]): Promise<void> {
  await Deno.writeFile(`${layout.dir}/index.json`, encodeIndex({ manifests }));
}

async function newLayout(dir: string): Promise<Layout> {
  const layout = await createLayout(`${dir}/lay`);
  await layout.setTag(await writeImage(layout, "amd64"));
  return layout;
}

Deno.test("F4: what go-containerregistry and oras write is an image, signatures are not", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const image = await writeImage(layout, "amd64");
    const arm = await writeImage(layout, "arm64", ARM64);
    const signature = await writeSignature(layout, image);
    await writeEntries(layout, [ggcr(image)]);
    assertEquals((await resolveImage(layout)).descriptor.digest, image.digest);
    // cosign save: the image and its signature, both with the same artifact type.
    const signed = { ...ggcr(signature), annotations: { kind: "dev.cosignproject.cosign/sigs" } };
    await writeEntries(layout, [ggcr(image), signed]);
    assertEquals((await resolveRoot(layout)).digest, image.digest);
    // oras: the index, and what it names, without names.
    const index = await writeIndex(layout, [ggcr(image), arm]);
    await writeEntries(layout, [image, arm, index]);
    const root = await resolveRoot(layout);
    assertEquals(root.digest, index.digest);
    assertEquals(await listPlatforms(layout, root), [AMD64, ARM64]);
    // An artifact by its type stays one.
    await writeEntries(layout, [image, { ...arm, artifactType: "application/spdx+json" }]);
    assertEquals((await resolveRoot(layout)).digest, image.digest);
  }));

Deno.test("readTree() gives an index with all below it, attestations included, children first", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const image = await writeImage(layout, "amd64");
    const arm = await writeImage(layout, "arm64", ARM64);
    const attestation = {
      ...await writeImage(layout, "attestation"),
      platform: { os: "unknown", architecture: "unknown" },
    };
    const inner = await writeIndex(layout, [arm]);
    const root = await writeIndex(layout, [image, attestation, inner]);
    const tree = await readTree(layout, root);
    assertEquals(tree.manifests.map(({ descriptor }) => descriptor.digest), [
      image.digest,
      attestation.digest,
      arm.digest,
    ]);
    assertEquals(tree.indexes.map(({ descriptor }) => descriptor.digest), [
      inner.digest,
      root.digest,
    ]);
    const referrer = await writeSignature(layout, image, root);
    const cosign = await writeSignature(layout, image);
    await writeEntries(layout, [
      root,
      referrer,
      { ...cosign, annotations: { kind: "dev.cosignproject.cosign/sigs" } },
      await writeImage(layout, "another"),
    ]);
    assertEquals(
      (await readReferrers(layout, tree)).map(({ descriptor, tag }) => [descriptor.digest, tag]),
      [
        [referrer.digest, undefined],
        [cosign.digest, `sha256-${root.digest.slice(7)}.sig`],
      ],
    );
  }));

Deno.test("readTree() refuses an index of which something is missing, naming the platform", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const image = await writeImage(layout, "amd64");
    const arm = await writeImage(layout, "arm64", ARM64);
    const root = await writeIndex(layout, [image, arm]);
    await Deno.remove(layout.blobs.pathOf(arm.digest));
    const error = await rejected(readTree(layout, root));
    assertEquals(error.code, "not-found");
    assertStringIncludes(error.message, "it names the image for linux/arm64");
  }));

Deno.test("an entry whose platform says nothing is one without a platform", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const image = await writeImage(layout, "amd64");
    const { platform: _, ...bare } = image;
    for (const platform of [{}, { architecture: "", os: "" }]) {
      const manifests = [{ ...bare, platform }];
      const index = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, manifests }));
      await Deno.writeFile(`${layout.dir}/index.json`, index);
      assertEquals((await resolveImage(layout, { platform: AMD64 })).platform, AMD64);
      assertStringIncludes(
        new TextDecoder().decode(encodeIndex(await layout.index())),
        `"platform":${JSON.stringify(platform)}`,
      );
    }
  }));
