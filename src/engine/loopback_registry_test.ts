import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import type { BlobSource } from "../store/ports.ts";
import { pushableImage } from "../../tests/support/pushable_image.ts";
import {
  isLoopbackRepository,
  type LoopbackRegistry,
  type ServedImage,
  serveImage,
} from "./loopback_registry.ts";

const LAYER = new Uint8Array(200_000).map((_, i) => i % 251);

function servedImage(): ServedImage {
  const image = pushableImage([LAYER]);
  const bytes = image.configBytes as Uint8Array<ArrayBuffer>;
  return {
    manifest: {
      descriptor: image.manifest.descriptor,
      bytes: image.manifest.bytes as Uint8Array<ArrayBuffer>,
    },
    config: { descriptor: image.config, bytes },
    layers: image.layers,
    source: image.source,
  };
}

/** Where the API of the served repository is. */
function urlOf({ reference }: LoopbackRegistry): string {
  const [host = "", repository = ""] = reference.slice(0, reference.lastIndexOf(":")).split("/");
  return `http://${host}/v2/${repository}`;
}

async function get(url: string, init?: RequestInit): Promise<[number, Uint8Array, Headers]> {
  const response = await fetch(url, init);
  return [response.status, await response.bytes(), response.headers];
}

Deno.test("the image is served by tag and digest with the headers that engines check", async () => {
  const image = servedImage();
  await using registry = serveImage(image, { tag: "v1" });
  const { descriptor, bytes } = image.manifest;
  assertMatch(registry.reference, /^127\.0\.0\.1:\d+\/mise-oci-[0-9a-f]{32}:v1$/);
  for (const name of ["v1", descriptor.digest]) {
    const [status, body, headers] = await get(`${urlOf(registry)}/manifests/${name}`);
    assertEquals([status, body], [200, bytes]);
    assertEquals(headers.get("content-type"), descriptor.mediaType);
    assertEquals(headers.get("docker-content-digest"), descriptor.digest);
  }
  const [, config] = await get(`${urlOf(registry)}/blobs/${image.config.descriptor.digest}`);
  assertEquals(config, image.config.bytes);
  const [, layer] = await get(`${urlOf(registry)}/blobs/${image.layers[0]!.digest}`);
  assertEquals(layer, LAYER);
  assertEquals([...registry.served.values()], [LAYER.length]);
  assertEquals(await get(urlOf(registry).replace(/\/v2\/.*/, "/v2/")).then(([s]) => s), 200);
});

Deno.test("ranges of a layer: 206, from somewhere on, 416, and what is not understood as a whole", async () => {
  const image = servedImage();
  await using registry = serveImage(image);
  const url = `${urlOf(registry)}/blobs/${image.layers[0]!.digest}`;
  const ranged = (range: string): ReturnType<typeof get> => get(url, { headers: { range } });
  const [status, part, headers] = await ranged("bytes=10-19");
  assertEquals([status, part], [206, LAYER.slice(10, 20)]);
  assertEquals(headers.get("content-range"), `bytes 10-19/${LAYER.length}`);
  assertEquals((await ranged("bytes=199990-"))[1], LAYER.slice(199_990));
  assertEquals((await ranged("bytes=199990-999999"))[1], LAYER.slice(199_990));
  const [bad, , badHeaders] = await ranged("bytes=200000-");
  assertEquals([bad, badHeaders.get("content-range")], [416, `bytes */${LAYER.length}`]);
  assertEquals((await ranged("bytes=0-1,5-6"))[0], 200);
});

Deno.test("HEAD says the size and sends and counts nothing", async () => {
  const image = servedImage();
  await using registry = serveImage(image);
  const url = `${urlOf(registry)}/blobs/${image.layers[0]!.digest}`;
  const [status, body, headers] = await get(url, { method: "HEAD" });
  assertEquals([status, body.length, headers.get("content-length")], [200, 0, "200000"]);
  assertEquals(registry.served.size, 0);
});

Deno.test("nothing else is served: 404 for other names, 405 for other methods", async () => {
  const image = servedImage();
  await using registry = serveImage(image);
  const url = urlOf(registry);
  const zeros = `sha256:${"0".repeat(64)}`;
  for (
    const path of [
      "/manifests/latest",
      `/manifests/${zeros}`,
      `/blobs/${zeros}`,
      `/blobs/${image.manifest.descriptor.digest}`,
      "/blobs/../../etc/passwd",
      "/blobs/%2e%2e%2fx",
      "/tags/list",
      `/referrers/${zeros}`,
      "/blobs/",
    ]
  ) {
    assertEquals((await get(`${url}${path}`))[0], 404, path);
  }
  const other = url.replace(/mise-oci-.*/, "mise-oci");
  assertEquals((await get(`${other}/manifests/image`))[0], 404);
  assertEquals((await get(url.replace(/\/v2\/.*/, "/v2/_catalog")))[0], 404);
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    assertEquals((await get(`${url}/blobs/uploads/`, { method }))[0], 405, method);
  }
});

Deno.test("each registry has a name of its own that nobody can guess, and ends when disposed of", async () => {
  const names = new Set<string>();
  let last = "";
  for (let i = 0; i < 3; i++) {
    await using registry = serveImage(servedImage());
    last = urlOf(registry);
    names.add(last.replace(/.*\//, ""));
  }
  assertEquals(names.size, 3);
  assertNotEquals(await fetch(last).catch((error: unknown) => error instanceof TypeError), false);
});

Deno.test("a layer that cannot be read ends the answer early and leaves its reason", async () => {
  const image = servedImage();
  const cause = new MiseOciError("integrity", "Blob is damaged");
  const source: BlobSource = {
    size: (digest) => image.source.size(digest),
    open: () =>
      Promise.resolve(
        new ReadableStream<Uint8Array<ArrayBuffer>>({
          start: (controller) => controller.enqueue(LAYER.slice(0, 1000)),
          pull: () => Promise.reject(cause),
        }),
      ),
  };
  await using registry = serveImage({ ...image, source });
  const url = `${urlOf(registry)}/blobs/${image.layers[0]!.digest}`;
  const failed = await get(url).then(() => false, () => true);
  assert(failed, "the client took the part for the whole");
  assertEquals(registry.failure, cause);
});

Deno.test("isLoopbackRepository() knows only names like ours", () => {
  const hex = "0123456789abcdef0123456789abcdef";
  assertEquals(isLoopbackRepository(`127.0.0.1:5000/mise-oci-${hex}`), true);
  for (
    const name of [
      `127.0.0.1:5000/mise-oci-${hex}/x`,
      `localhost:5000/mise-oci-${hex}`,
      "127.0.0.1:5000/mise-oci-app",
    ]
  ) {
    assertEquals(isLoopbackRepository(name), false, name);
  }
});

Deno.test("a source that ends after its last byte was taken is no failure", async () => {
  const image = servedImage();
  const slow: BlobSource = {
    ...image.source,
    open: async (digest, range) => {
      const blob = await image.source.open(digest, range);
      return blob.pipeThrough(
        new TransformStream({
          // The engine has all that it was promised, and hangs up meanwhile.
          flush: () => new Promise((resolve) => setTimeout(resolve, 100)),
        }),
      );
    },
  };
  await using registry = serveImage({ ...image, source: slow });
  const [, layer] = await get(`${urlOf(registry)}/blobs/${image.layers[0]!.digest}`);
  assertEquals(layer, LAYER);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assertEquals(registry.failure, undefined);
});
