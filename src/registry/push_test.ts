import { assert, assertEquals, assertRejects } from "@std/assert";
import { memoryBlobs, pushableImage } from "../../tests/support/pushable_image.ts";
import {
  assertPushed,
  big,
  CHUNK,
  count,
  small,
  withRegistry,
} from "../../tests/support/push_run.ts";
import { MiseOciError } from "../errors.ts";
import { parseReference } from "../oci/mod.ts";
import type { BlobSource } from "../store/ports.ts";
import { type PushEvent, pushImage } from "./push.ts";
import { createRegistryClient } from "./transport.ts";

Deno.test("R49: blobs go before the manifest; large ones in chunks, small ones in one request", async () => {
  await withRegistry(async (run) => {
    const result = await run.push();
    assertPushed(run);
    const { bytesSent, ...counts } = result;
    assertEquals(counts, {
      digest: pushableImage([big, small]).manifest.descriptor.digest,
      uploaded: 3,
      present: 0,
      mounted: 0,
    });
    assertEquals(bytesSent, big.length + small.length + pushableImage([big, small]).config.size);
    const steps = run.steps();
    assertEquals(count(steps, "PATCH uploads"), 4);
    assertEquals(count(steps, "PUT uploads"), 3);
    assertEquals(steps.indexOf("PUT manifests"), steps.length - 1);
  });
});

Deno.test("R33: every request with a body states its length and is not chunked", async () => {
  await withRegistry(async (run) => {
    await run.push();
    for (const { method, headers } of run.registry.log) {
      if (!["PATCH", "PUT", "POST"].includes(method)) continue;
      assert(headers.has("content-length"), method);
      assertEquals(headers.get("transfer-encoding"), null);
    }
  });
});

Deno.test("R50: what the registry has is not sent again, and then not even the manifest", async () => {
  await withRegistry(async (run) => {
    await run.push({ layers: [small] });
    run.steps();
    const second = await run.push();
    assertEquals([second.uploaded, second.present], [2, 1]);
    run.steps();
    const third = await run.push();
    assertEquals([third.uploaded, third.present, third.bytesSent], [0, 3, 0]);
    assertEquals(new Set(run.steps()), new Set(["HEAD manifests", "HEAD blobs"]));
    const tagged = await run.push({ to: "app:v2" });
    assertEquals([tagged.uploaded, tagged.present], [0, 3]);
    assertEquals(count(run.steps(), "PUT manifests"), 1);
  });
});

Deno.test("a layer that occurs twice is sent once, an empty one too", async () => {
  const layers = [small, small, new Uint8Array(0)];
  await withRegistry(async (run) => {
    assertEquals((await run.push({ layers })).uploaded, 3);
    assertPushed(run, layers);
  });
});

Deno.test("R46: a layer that must not be distributed is not uploaded", async () => {
  await withRegistry(async (run) => {
    const image = pushableImage([small]);
    const foreign = {
      ...image,
      layers: image.layers.map((layer) => ({
        ...layer,
        mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
      })),
    };
    const client = createRegistryClient({ registry: run.registry.host, insecure: false });
    const reference = parseReference(`${run.registry.host}/app:v1`);
    const result = await pushImage(client, foreign, { reference });
    client.close();
    assertEquals(result.uploaded, 1);
  }, { sparse: true });
});

Deno.test("progress adds up to the size of each blob, also after a chunk was sent twice", async () => {
  await withRegistry(async (run) => {
    run.registry.faults.add({ method: "PATCH", nth: 2, fault: { kind: "status", status: 503 } });
    const events: PushEvent[] = [];
    await run.push({ layers: [big], onEvent: (event) => events.push(event) });
    const id = pushableImage([big]).layers[0]?.digest ?? "";
    const own = events.filter((event) => event.id === id);
    assertEquals([own[0]?.type, own.at(-1)?.type], ["start", "done"]);
    const bytes = own.map((event) => event.type === "advance" ? event.bytes : 0);
    assertEquals(bytes.reduce((sum, n) => sum + n, 0), big.length);
    assert(bytes.every((n) => n >= 0));
  });
});

Deno.test("R49: a push that fails leaves the tag and cancels its open session", async () => {
  await withRegistry(async (run) => {
    await run.push({ layers: [small] });
    run.steps();
    run.registry.faults.add({
      method: "PATCH",
      nth: 2,
      fault: { kind: "status", status: 403, body: '{"errors":[{"code":"DENIED"}]}' },
    });
    const error = await assertRejects(
      () => run.push({ layers: [big] }),
      MiseOciError,
      "403: DENIED",
    );
    assertEquals(error.code, "auth");
    assertEquals(run.steps().at(-1), "DELETE uploads");
    assertEquals(run.registry.content.uploads.size, 0);
    assertPushed(run, [small]);
  });
});

Deno.test("R49: an interrupted push cancels its open session and ends with the signal's reason", async () => {
  await withRegistry(async (run) => {
    const controller = new AbortController();
    const stop = (event: PushEvent): void => {
      if (event.type === "advance") controller.abort(new Error("interrupted"));
    };
    await assertRejects(
      () => run.push({ layers: [big], signal: controller.signal, onEvent: stop }),
      Error,
      "interrupted",
    );
    assertEquals(run.registry.content.uploads.size, 0);
    assertEquals(run.registry.content.get("app").tags.size, 0);
  });
});

Deno.test("R35: a refused manifest is reported with the registry's code, passing trouble is not", async () => {
  await withRegistry(async (run) => {
    run.registry.faults.add({
      method: "PUT",
      path: /manifests/,
      times: 2,
      fault: { kind: "status", status: 503 },
    });
    await run.push({ layers: [small] });
    assertPushed(run, [small]);
    run.registry.faults.add({
      method: "PUT",
      path: /manifests/,
      fault: {
        kind: "status",
        status: 400,
        body: '{"errors":[{"code":"MANIFEST_INVALID","message":"no\\u001b[31m"}]}',
      },
    });
    const error = await assertRejects(
      () => run.push({ layers: [big] }),
      MiseOciError,
      `Cannot push manifest "${run.registry.host}/app:v1"`,
    );
    assert(error.message.includes("MANIFEST_INVALID: no\\u001b[31m"), error.message);
  });
});

Deno.test("a registry that stores another manifest than was sent is not believed", async () => {
  await withRegistry(async (run) => {
    const other = "sha256:" + "0".repeat(64);
    run.registry.faults.add({
      method: "PUT",
      path: /manifests/,
      fault: { kind: "headers", set: { "docker-content-digest": other } },
    });
    const error = await assertRejects(() => run.push({ layers: [small] }), MiseOciError, other);
    assertEquals(error.code, "integrity");
  });
});

Deno.test("a blob that is not what its digest says is never committed", async () => {
  await withRegistry(async (run) => {
    const image = pushableImage([big]);
    const layer = image.layers[0];
    assert(layer !== undefined);
    const wrong = big.slice();
    wrong[5] = 255 - (wrong[5] ?? 0);
    const blobs = new Map([[layer.digest, wrong], [image.config.digest, image.configBytes]]);
    const client = createRegistryClient({ registry: run.registry.host, insecure: false });
    const reference = parseReference(`${run.registry.host}/app:v1`);
    await assertRejects(
      () =>
        pushImage(client, { ...image, source: memoryBlobs(blobs) }, {
          reference,
          chunkBytes: CHUNK,
        }),
      MiseOciError,
      "400: DIGEST_INVALID",
    );
    client.close();
    assertEquals(run.registry.content.get("app").blobs.has(layer.digest), false);
  });
});

Deno.test("D06: a source that finds its blob damaged ends the push as what it is, uncommitted", async () => {
  await withRegistry(async (run) => {
    const image = pushableImage([big]);
    const damaged = new MiseOciError("integrity", "Cannot read blob: its bytes differ");
    const source: BlobSource = {
      ...image.source,
      // As a store does: all bytes come, and then, instead of the end, the verdict.
      open: async (digest) => {
        const stream = await image.source.open(digest);
        const verdict = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
          flush: (controller) => controller.error(damaged),
        });
        return stream.pipeThrough(verdict);
      },
    };
    const reference = parseReference(`${run.registry.host}/app:v1`);
    const options = { reference, chunkBytes: CHUNK, jobs: 1 };
    const error = await assertRejects(
      () => pushImage(run.client, { ...image, source }, options),
      MiseOciError,
      "its bytes differ",
    );
    assertEquals([error, error.code], [damaged, "integrity"]);
    assertEquals(run.registry.content.get("app").blobs.size, 0);
    assertEquals(run.slept, []);
  });
});
