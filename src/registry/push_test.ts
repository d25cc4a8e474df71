import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { digestOf } from "../../tests/support/faultreg/mod.ts";
import { memoryBlobs, pushableImage } from "../../tests/support/pushable_image.ts";
import {
  assertPushed,
  big,
  CHUNK,
  count,
  type PushRun,
  small,
  withRegistry,
} from "../../tests/support/push_run.ts";
import { MiseOciError } from "../errors.ts";
import { parseReference } from "../oci/mod.ts";
import type { BlobSource } from "../store/ports.ts";
import { type PushEvent, uploadImage } from "./push.ts";
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
    const result = await uploadImage(client, foreign, { reference });
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

/** Has the registry answer the next manifest with another digest than it has. */
function misname({ registry }: PushRun): string {
  const other = `sha256:${"1".repeat(64)}`;
  registry.faults.add({
    method: "PUT",
    path: /manifests/,
    fault: { kind: "headers", set: { "docker-content-digest": other } },
  });
  return other;
}

Deno.test("R36: a manifest that the registry calls by another digest is read back: a warning if it is right", async () => {
  await withRegistry(async (run) => {
    misname(run);
    const { digest } = await run.push({ layers: [small] });
    assertEquals(run.registry.content.get("app").tags.get("v1"), digest);
    assertEquals(run.warnings.length, 1);
    assertStringIncludes(run.warnings[0] ?? "", "states a wrong digest");
    assertEquals(run.steps().slice(-2), ["PUT manifests", "GET manifests"]);
  });
});

Deno.test("R36: a registry that has another manifest than was sent is an error", async () => {
  await withRegistry(async (run) => {
    const other = misname(run);
    const respond = () => ({ status: 200, body: "{}" });
    run.registry.faults.add({
      method: "GET",
      path: /manifests/,
      fault: { kind: "respond", respond },
    });
    const error = await assertRejects(() => run.push({ layers: [small] }), MiseOciError, other);
    assertEquals(error.code, "integrity");
  });
});

Deno.test("R31: a blob that the registry says to have mounted, and lacks, is uploaded after all", async () => {
  for (const named of [true, false]) {
    await withRegistry(async (run) => {
      const layer = run.registry.content.addBlob("base", big).digest;
      const lie = { status: 201, headers: { "docker-content-digest": layer } };
      const faults = run.registry.faults;
      faults.add({
        method: "POST",
        path: /mount=/,
        fault: { kind: "respond", respond: () => lie },
      });
      const error = named
        ? { code: "MANIFEST_BLOB_UNKNOWN", message: "unknown", detail: { digest: layer } }
        : { code: "BLOB_UNKNOWN", message: "unknown" };
      const body = JSON.stringify({ errors: [error] });
      faults.add({
        method: "PUT",
        path: /manifests/,
        fault: { kind: "status", status: 400, body },
      });
      const { host: registry } = run.registry;
      const baseOrigin = { registry, repository: "base", layers: new Set([layer]) };
      const result = await run.push({ baseOrigin });
      assertPushed(run);
      assertEquals([result.mounted, result.uploaded], [0, 3]);
      assertEquals(count(run.steps(), "PUT manifests"), 2);
    });
  }
});

Deno.test("R31: a registry that never has a blob ends the push after one more try", async () => {
  await withRegistry(async (run) => {
    const digest = digestOf(big);
    const detail = [{ code: "MANIFEST_BLOB_UNKNOWN", message: "unknown", detail: digest }];
    const body = JSON.stringify({ errors: detail });
    const fault = { kind: "status", status: 400, body } as const;
    run.registry.faults.add({ method: "PUT", path: /manifests/, times: Infinity, fault });
    await assertRejects(
      () => run.push(),
      MiseOciError,
      `MANIFEST_BLOB_UNKNOWN: unknown (${digest})`,
    );
    assertEquals(count(run.steps(), "PUT manifests"), 2);
  });
});

Deno.test("a registry that wants a layer which may not be distributed: the error names the layer", async () => {
  await withRegistry(async (run) => {
    const mediaType = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    const image = pushableImage([small, big], {
      edit: ({ config, layers: [first, ...others] }) => ({
        config,
        layers: first === undefined ? others : [{ ...first, mediaType }, ...others],
      }),
    });
    const reference = parseReference(`${run.registry.host}/app:v1`);
    const error = await assertRejects(
      () => uploadImage(run.client, image, { reference, chunkBytes: CHUNK }),
      MiseOciError,
      "MANIFEST_BLOB_UNKNOWN",
    );
    assertStringIncludes(error.hint ?? "", `Layer ${digestOf(small)}`);
    assertStringIncludes(error.hint ?? "", mediaType);
  });
});

/** What registries say, and what is said to that: ECR, others; ECR, Harbor. */
const ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const REFUSALS = [
  [
    "POST",
    /uploads/,
    404,
    "NAME_UNKNOWN: The repository with name 'app' does not exist",
    ECR,
    "aws ecr create-repository --region eu-west-1 --repository-name app",
  ],
  [
    "POST",
    /uploads/,
    404,
    "NAME_UNKNOWN: repository name not known",
    "r.example",
    'Create the repository "app"',
  ],
  [
    "PUT",
    /manifests/,
    400,
    "TAG_INVALID: The image tag 'v1' already exists in the 'app' " +
    "repository and cannot be overwritten because the repository is immutable.",
    ECR,
    "push to another tag",
  ],
  [
    "PUT",
    /manifests/,
    412,
    "PRECONDITION: configured as immutable",
    "r.example",
    "push to another tag",
  ],
] as const;

Deno.test("a repository that does not exist, and a tag that cannot be changed, are said with the way out", async () => {
  for (const [method, path, status, text, registry, hint] of REFUSALS) {
    await withRegistry(async (run) => {
      const [code, message] = text.split(": ");
      const body = JSON.stringify({ errors: [{ code, message }] });
      run.registry.faults.add({
        method,
        path,
        times: Infinity,
        fault: { kind: "status", status, body },
      });
      const client = createRegistryClient({
        registry,
        insecure: true,
        fetch: (url, init) =>
          fetch(String(url).replace(/^http:\/\/[^/]+/, `http://${run.registry.host}`), init),
      });
      const reference = parseReference(`${registry}/app:v1`);
      const error = await assertRejects(
        () => uploadImage(client, pushableImage([small]), { reference }),
        MiseOciError,
        message,
      );
      client.close();
      assertStringIncludes(error.hint ?? "", hint);
    });
  }
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
        uploadImage(client, { ...image, source: memoryBlobs(blobs) }, {
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
      () => uploadImage(run.client, { ...image, source }, options),
      MiseOciError,
      "its bytes differ",
    );
    assertEquals([error, error.code], [damaged, "integrity"]);
    assertEquals(run.registry.content.get("app").blobs.size, 0);
    assertEquals(run.slept, []);
  });
});
