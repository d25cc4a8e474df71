import { RegistryImages, resolveImage } from "../../src/image/mod.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { encodeIndex, parsePlatform, parseReference } from "../../src/oci/mod.ts";
import {
  createRegistryClient,
  headManifest,
  loadCaCerts,
  ping,
  pullBlob,
  type RegistryClient,
  type RegistryClientOptions,
} from "../../src/registry/mod.ts";
import { createLayout } from "../../src/store/mod.ts";
import { randomBytes } from "../support/faultreg/mod.ts";
import { startJwtTokenServer } from "../support/jwt_tokens.ts";
import { failure } from "../support/registry_client.ts";
import {
  type DockerRegistry,
  makeTempDir,
  run,
  startDockerRegistry,
  testWith,
} from "../support/testbed.ts";

const BIG = randomBytes(3_000_000, 5);

/** An image made by umoci, in a layout at `DIR/made`, tag `1`: one layer that does not compress. */
async function makeImage(dir: string): Promise<string> {
  const layout = join(dir, "made");
  await Deno.mkdir(join(dir, "rootfs"));
  await Deno.writeFile(join(dir, "rootfs", "big"), BIG);
  await run(["umoci", "init", "--layout", layout]);
  await run(["umoci", "new", "--image", `${layout}:1`]);
  await run([
    "umoci",
    "insert",
    "--rootless",
    "--image",
    `${layout}:1`,
    join(dir, "rootfs"),
    "/data",
  ]);
  await run(["umoci", "config", "--image", `${layout}:1`, "--config.cmd", "/bin/sh"]);
  return layout;
}

/** Copies the image into a registry with skopeo. */
async function copyTo(
  registry: DockerRegistry,
  layout: string,
  extra: readonly string[] = [],
): Promise<void> {
  const target = `docker://${registry.host}/team/app:1`;
  await run([
    "skopeo",
    "copy",
    "--quiet",
    "--dest-tls-verify=false",
    ...extra,
    `oci:${layout}:1`,
    target,
  ]);
}

function connect(
  registry: DockerRegistry,
  more: Partial<RegistryClientOptions> = {},
): RegistryClient & Disposable {
  const client = createRegistryClient({ registry: registry.host, insecure: false, ...more });
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

/** Pulls the image into a layout at `DIR/pulled`; the digest of its manifest. */
async function pullInto(dir: string, client: RegistryClient, tag = "1"): Promise<string> {
  const reference = parseReference(`${client.registry}/team/app:${tag}`);
  const { repository } = reference;
  const image = await resolveImage(new RegistryImages(client, { reference }), {
    platform: parsePlatform("linux/amd64"),
  });
  const sink = await createLayout(join(dir, "pulled"));
  for (const descriptor of [image.manifest.config, ...image.manifest.layers]) {
    await pullBlob(client, { repository, descriptor, sink });
  }
  await sink.writeManifest(image.manifestBytes, image.descriptor.mediaType);
  const { platform: _, ...descriptor } = image.descriptor;
  await sink.setTag(descriptor, "1");
  return image.descriptor.digest;
}

/** The manifest as skopeo reads it. */
async function raw(layout: string): Promise<string> {
  return (await run(["skopeo", "inspect", "--raw", `oci:${layout}:1`])).stdout;
}

const NEEDS = ["linux", "docker-registry", "skopeo", "umoci"] as const;

testWith(
  { needs: NEEDS },
  "An image that umoci made and skopeo pushed comes back byte for byte",
  async () => {
    await using temp = await makeTempDir();
    await using registry = await startDockerRegistry();
    const made = await makeImage(temp.path);
    await copyTo(registry, made);
    using client = connect(registry);
    await ping(client);
    const digest = await pullInto(temp.path, client);
    const pulled = join(temp.path, "pulled");
    assertEquals(await raw(pulled), await raw(made));
    assertEquals(
      await headManifest(client, { repository: "team/app", target: "1" }),
      digest as never,
    );
    assertEquals(await headManifest(client, { repository: "team/app", target: "none" }), undefined);
    await run([
      "umoci",
      "unpack",
      "--rootless",
      "--image",
      `${pulled}:1`,
      join(temp.path, "bundle"),
    ]);
    assertEquals(await Deno.readFile(join(temp.path, "bundle/rootfs/data/big")), BIG);
  },
);

testWith({ needs: NEEDS }, "An image is found in an index that the registry keeps", async () => {
  await using temp = await makeTempDir();
  await using registry = await startDockerRegistry();
  await copyTo(registry, await makeImage(temp.path));
  using client = connect(registry);
  const platform = parsePlatform("linux/amd64");
  const reference = parseReference(`${registry.host}/team/app:1`);
  const { descriptor } = await resolveImage(new RegistryImages(client, { reference }), {
    platform,
  });
  const response = await fetch(`${registry.url}/v2/team/app/manifests/multi`, {
    method: "PUT",
    headers: { "content-type": "application/vnd.oci.image.index.v1+json" },
    body: encodeIndex({ manifests: [{ ...descriptor, platform }] }),
  });
  assertEquals(response.status, 201, await response.text());
  assertEquals(await pullInto(temp.path, client, "multi"), descriptor.digest);
  const arm = await failure(
    resolveImage(new RegistryImages(client, { reference: { ...reference, tag: "multi" } }), {
      platform: parsePlatform("linux/arm64"),
    }),
  );
  assertStringIncludes(arm.message, "it offers linux/amd64");
});

testWith(
  { needs: NEEDS },
  "A download that breaks off is resumed where it broke by a real registry's Range",
  async () => {
    await using temp = await makeTempDir();
    await using registry = await startDockerRegistry();
    const made = await makeImage(temp.path);
    await copyTo(registry, made);
    const ranges: (string | null)[] = [];
    const breaking: RegistryClientOptions["fetch"] = async (url, init) => {
      const response = await fetch(url, init);
      if (init.method !== "GET" || !url.includes("/blobs/")) return response;
      ranges.push(new Headers(init.headers).get("range"));
      const length = Number(response.headers.get("content-length"));
      if (length < BIG.length || ranges.some((range) => range !== null)) return response;
      const [head, tail] = [new Headers(response.headers), response.body];
      let passed = 0;
      const cut = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform: (chunk, controller) => {
          controller.enqueue(chunk);
          if ((passed += chunk.length) > 1_000_000) {
            controller.error(new TypeError("connection reset"));
          }
        },
      });
      return new Response(tail?.pipeThrough(cut) ?? null, {
        status: response.status,
        headers: head,
      });
    };
    using client = connect(registry, { fetch: breaking, random: () => 0 });
    await pullInto(temp.path, client);
    assertEquals(await raw(join(temp.path, "pulled")), await raw(made));
    const resumedAt = Number(/^bytes=(\d+)-$/.exec(ranges.at(-1) ?? "")?.[1]);
    assert(resumedAt > 1_000_000, ranges.join());
  },
);

testWith(
  { needs: [...NEEDS, "openssl", "htpasswd"] },
  "A registry with TLS by a private CA and a password is used with both, and not without",
  async () => {
    await using temp = await makeTempDir();
    const htpasswd = { user: "me", password: "geheim" };
    await using registry = await startDockerRegistry({ htpasswd, tls: true });
    await copyTo(registry, await makeImage(temp.path), ["--dest-creds", "me:geheim"]);
    const env = (name: string): string | undefined =>
      name === "SSL_CERT_FILE" ? registry.caFile : undefined;
    const caCerts = await loadCaCerts(registry.host, { env, certsDirs: [] });
    const credentials: RegistryClientOptions["credentials"] = () =>
      Promise.resolve({ kind: "basic", username: "me", password: "geheim" });
    using client = connect(registry, { caCerts, credentials });
    await pullInto(temp.path, client);
    using anonymous = connect(registry, { caCerts });
    const error = await failure(ping(anonymous));
    assertEquals(error.code, "auth");
    assertStringIncludes(error.message, "UNAUTHORIZED: authentication required");
    using unknown = connect(registry);
    const wrong = await failure(ping(unknown));
    assertStringIncludes(wrong.hint ?? "", "SSL_CERT_FILE");
  },
);

testWith(
  { needs: [...NEEDS, "openssl"] },
  "A registry with signed tokens gives public images to anybody and private ones to its user",
  async () => {
    await using temp = await makeTempDir();
    const user = { username: "me", password: "geheim" };
    await using tokens = await startJwtTokenServer({ user, publicRepositories: ["team/public"] });
    await using registry = await startDockerRegistry({ token: tokens.token });
    const made = await makeImage(temp.path);
    await copyTo(registry, made, ["--dest-creds", "me:geheim"]);
    tokens.asked.length = 0;
    using client = connect(registry, {
      credentials: () => Promise.resolve({ kind: "basic", ...user }),
    });
    await pullInto(temp.path, client);
    assertEquals(await raw(join(temp.path, "pulled")), await raw(made));
    assertEquals(tokens.asked, ["repository:team/app:pull"]);
    using anonymous = connect(registry);
    const error = await failure(headManifest(anonymous, { repository: "team/app", target: "1" }));
    assertEquals(error.code, "auth");
    assertEquals(
      await headManifest(anonymous, { repository: "team/public", target: "1" }),
      undefined,
    );
  },
);
