import { assert, assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { encodeIndex, encodeManifest, parseManifest } from "./manifest.ts";
import { MediaType } from "./media_type.ts";

const digest = `sha256:${"a".repeat(64)}`;
const config = { mediaType: MediaType.config, digest, size: 2 };
const layer = { mediaType: MediaType.layerGzip, digest, size: 3 };
const image = { schemaVersion: 2, mediaType: MediaType.manifest, config, layers: [layer] };
const index = {
  schemaVersion: 2,
  mediaType: MediaType.index,
  manifests: [{ mediaType: MediaType.manifest, digest, size: 5 }],
};
const what = "manifest of test";
const parse = (value: unknown, more: Record<string, string> = {}): string =>
  parseManifest(JSON.stringify(value), { what, ...more }).kind;
const refuses = (
  value: unknown,
  includes: string,
  more: Record<string, string> = {},
): MiseOciError => assertThrows(() => parse(value, more), MiseOciError, includes);
const { mediaType: _i, ...untypedImage } = image;
const { mediaType: _x, ...untypedIndex } = index;

Deno.test("parseManifest() goes by structure when nothing states the type", () => {
  assertEquals(parse(untypedImage), "manifest");
  assertEquals(parse(untypedIndex), "index");
});

Deno.test("R13: parseManifest() takes a Content-Type with parameters, absent, or text/plain", () => {
  assertEquals(parse(image, { contentType: `${MediaType.manifest}; charset=utf-8` }), "manifest");
  assertEquals(parse(untypedImage, { contentType: MediaType.manifest.toUpperCase() }), "manifest");
  assertEquals(parse(untypedIndex, { contentType: "text/plain" }), "index");
  assertEquals(parse(image), "manifest");
});

Deno.test("R11: parseManifest() refuses a body that is both a manifest and an index", () => {
  refuses({ ...image, manifests: index.manifests }, "both a manifest and an index");
  refuses({ ...untypedIndex, layers: [] }, "both a manifest and an index");
});

Deno.test("R11: parseManifest() refuses media types that contradict each other", () => {
  refuses(image, "ambiguous", { contentType: MediaType.index });
  refuses(image, "ambiguous", { expectedMediaType: MediaType.index });
  refuses(image, "ambiguous", { contentType: MediaType.dockerManifest });
  refuses({ ...image, mediaType: MediaType.index }, "ambiguous");
  refuses(untypedIndex, "ambiguous", { contentType: MediaType.manifest });
});

Deno.test("R12: parseManifest() refuses Docker schema 1, signed or not, by type or by body", () => {
  const schema1 = { schemaVersion: 1, fsLayers: [], history: [] };
  for (const contentType of [MediaType.dockerSchema1, MediaType.dockerSchema1Signed]) {
    const error = refuses(schema1, "schema 1 is not supported", { contentType });
    assertEquals(error.code, "unsupported");
  }
  refuses(schema1, "schema 1 is not supported");
});

Deno.test("parseManifest() refuses what is no image and a schemaVersion other than 2", () => {
  refuses({ schemaVersion: 2 }, "neither an image manifest nor an index");
  refuses({ ...image, schemaVersion: 3 }, "schemaVersion 2 expected");
  refuses({ ...image, mediaType: "application/vnd.cyclonedx+json" }, "not an image");
  refuses([], "an object expected");
  refuses({ ...image, config: undefined, layers: "x" }, "an object expected");
  refuses({ ...image, layers: [{ ...layer, digest: "sha256:../x" }] }, "layers[0]");
});

Deno.test("encodeManifest() and parseManifest() keep fields that are not known here", () => {
  const source = JSON.stringify({
    ...image,
    layers: [{ ...layer, data: "e30=" }],
    annotations: { b: "2", a: "1" },
    future: { x: 1 },
  });
  const parsed = parseManifest(source, { what });
  assert(parsed.kind === "manifest");
  const text = new TextDecoder().decode(encodeManifest(parsed.manifest));
  assertEquals(JSON.parse(text), JSON.parse(source));
  assert(text.indexOf('"a":"1"') < text.indexOf('"b":"2"'), "annotations are sorted");
});

Deno.test("encodeIndex() gives the same bytes for the same entries", () => {
  const parsed = parseManifest(JSON.stringify(index), { what });
  assert(parsed.kind === "index");
  assertEquals(
    new TextDecoder().decode(encodeIndex(parsed.index)),
    `{"schemaVersion":2,"mediaType":"${MediaType.index}","manifests":[{"mediaType":"${MediaType.manifest}","digest":"${digest}","size":5}]}`,
  );
});
