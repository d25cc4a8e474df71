import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Descriptor, encodeIndex, MediaType } from "../oci/mod.ts";
import {
  AMD64,
  ARM64,
  inTempDir,
  rejected,
  writeImage,
} from "../../tests/support/store_fixtures.ts";
import { createLayout, type Layout } from "../store/mod.ts";
import { resolveImage } from "./mod.ts";

async function newLayout(dir: string): Promise<Layout> {
  return await createLayout(`${dir}/out`);
}

Deno.test("C09: resolveImage() with no or two images lists what there is", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    assertEquals((await rejected(resolveImage(layout))).code, "not-found");
    await layout.setTag(await writeImage(layout, "1"), "one");
    await layout.setTag(await writeImage(layout, "2", ARM64), "two");
    const several = await rejected(resolveImage(layout));
    assertEquals(several.code, "usage");
    assertStringIncludes(several.message, '"one" linux/amd64, "two" linux/arm64');
    assertEquals((await resolveImage(layout, { tag: "two" })).platform, ARM64);
    assertEquals((await resolveImage(layout, { platform: ARM64 })).tag, "two");
    assertStringIncludes(
      (await rejected(resolveImage(layout, { tag: "x" }))).message,
      '"one", "two"',
    );
    const none = await rejected(
      resolveImage(layout, { platform: { os: "linux", architecture: "s390x" } }),
    );
    assertStringIncludes(none.message, "for linux/s390x: it offers linux/amd64, linux/arm64");
  }));

Deno.test("resolveImage() reads the platform of an entry that does not state it", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    for (const platform of [AMD64, ARM64]) {
      const { platform: _platform, ...bare } = await writeImage(
        layout,
        platform.architecture,
        platform,
      );
      await layout.setTag(bare, platform.architecture);
    }
    assertEquals((await resolveImage(layout, { platform: ARM64 })).tag, "arm64");
  }));

async function nest(layout: Layout, image: Descriptor, depth: number): Promise<Descriptor> {
  let entry = image;
  for (let i = 0; i < depth; i++) {
    entry = await layout.writeManifest(encodeIndex({ manifests: [entry] }), MediaType.index);
  }
  return entry;
}

Deno.test("R16: resolveImage() follows indexes four deep and no deeper", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const image = await writeImage(layout);
    await layout.setTag(await nest(layout, image, 4), "four");
    await layout.setTag(await nest(layout, image, 5), "five");
    assertEquals((await resolveImage(layout, { tag: "four" })).descriptor.digest, image.digest);
    assertEquals((await rejected(resolveImage(layout, { tag: "five" }))).code, "unsupported");
    await layout.verify();
  }));

Deno.test("R15: resolveImage() leaves attestations and artifacts alone", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const image = await writeImage(layout);
    const attestation = {
      ...await writeImage(layout, "attestation"),
      platform: { os: "unknown", architecture: "unknown" },
      annotations: { "vnd.docker.reference.type": "attestation-manifest" },
    };
    const index = encodeIndex({ manifests: [attestation, image] });
    await layout.setTag(await layout.writeManifest(index, MediaType.index), "a");
    assertEquals((await resolveImage(layout)).descriptor.digest, image.digest);
  }));

Deno.test("U23: resolveImage() refuses an image whose layers and diff IDs differ in number", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    await layout.setTag(await writeImage(layout));
    const { manifest } = await resolveImage(layout);
    const bytes = new TextEncoder().encode(
      JSON.stringify({ schemaVersion: 2, config: manifest.config, layers: [] }),
    );
    await layout.setTag(await layout.writeManifest(bytes, MediaType.manifest));
    assertStringIncludes((await rejected(resolveImage(layout))).message, "0 layers and 1 diff IDs");
  }));
