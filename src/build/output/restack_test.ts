import { assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import {
  type Descriptor,
  encodeImageConfig,
  encodeManifest,
  parseDiffId,
  parseDigest,
  parseImageConfig,
  parseManifest,
} from "../../oci/mod.ts";
import type { Image } from "../../image/types.ts";
import { memoryBlobs } from "../../../tests/support/pushable_image.ts";
import { restack } from "./restack.ts";

const hex = (n: number): string => `sha256:${String(n).padStart(64, "0")}`;

/** An image of layers `[kind, size]`; layer N has digest and diff ID N and history `layer N`. */
function imageOf(
  layers: readonly (readonly [kind: string | undefined, size: number])[],
): Image {
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  const config = {
    os: "linux",
    architecture: "amd64",
    diffIds: layers.map((_, n) => parseDiffId(hex(n))),
    history: [
      { created_by: "ENV A=b", empty_layer: true },
      ...layers.map((_, n) => ({ created_by: `layer ${n}` })),
      { created_by: "CMD", empty_layer: true },
    ],
  };
  const configBytes = encodeImageConfig(config);
  const descriptor = (n: number, size: number): Descriptor => ({
    mediaType: "application/vnd.oci.image.config.v1+json",
    digest: parseDigest(hex(n)),
    size,
  });
  const manifest = {
    config: descriptor(999, configBytes.length),
    layers: layers.map(([kind, size], n) => ({
      ...descriptor(n, size),
      mediaType,
      ...(kind === undefined ? {} : { annotations: { "dev.mise.layer.kind": kind } }),
    })),
  };
  return {
    descriptor: { ...descriptor(998, 1), mediaType: "application/vnd.oci.image.manifest.v1+json" },
    manifest,
    manifestBytes: encodeManifest(manifest),
    config,
    configBytes,
    platform: { os: "linux", architecture: "amd64" },
    source: memoryBlobs(new Map()),
  };
}

/** The original positions of an image's layers. */
function positions({ manifest }: Image): readonly number[] {
  return manifest.layers.map(({ digest }) => Number(digest.slice("sha256:".length)));
}

Deno.test("layers of tools and mise are sorted by size, the largest at the bottom", () => {
  const image = imageOf([[undefined, 1], ["tool", 20], ["tool", 5], ["tool", 9], ["mise", 50], [
    "config",
    99,
  ]]);
  assertEquals(positions(restack(image)), [0, 4, 1, 3, 2, 5]);
});

Deno.test("manifest and config, as others read them, agree on the new order", () => {
  const image = restack(imageOf([[undefined, 1], ["tool", 2], ["tool", 3]]));
  const parsed = parseManifest(image.manifestBytes, { what: "it" });
  const config = parseImageConfig(image.configBytes, "it");
  if (parsed.kind !== "manifest") throw new Error("it is an index");
  assertEquals(parsed.manifest.config, image.manifest.config);
  assertEquals(parsed.manifest.layers, image.manifest.layers);
  assertEquals(config.diffIds, [0, 2, 1].map((n) => parseDiffId(hex(n))));
  assertEquals(config.history?.map((entry) => entry.created_by), [
    "ENV A=b",
    "layer 0",
    "layer 2",
    "layer 1",
    "CMD",
  ]);
  assertEquals(image.manifest.config.size, image.configBytes.length);
  assertNotEquals(image.manifest.config.digest, hex(999));
});

Deno.test("nothing crosses a layer that may overlap: a copy, dotfiles, packages, the base", () => {
  for (const kind of ["copy", "dotfiles", "packages", undefined]) {
    const image = imageOf([["tool", 1], ["tool", 2], [kind, 3], ["mise", 4], ["tool", 5]]);
    assertEquals(positions(restack(image)), [1, 0, 2, 4, 3]);
  }
});

Deno.test("an image in the right order, or of another program, is left as it is", () => {
  for (
    const image of [
      imageOf([[undefined, 1], ["tool", 3], ["tool", 3], ["tool", 2]]),
      imageOf([[undefined, 1], [undefined, 3]]),
    ]
  ) assertStrictEquals(restack(image), image);
});
