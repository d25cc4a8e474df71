/**
 * Pushing to Debian's docker-registry, also while it is killed and while somebody else pushes. What
 * arrives is read by skopeo.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { join } from "@std/path";
import { TextLineStream } from "@std/streams";
import type { PushableImage } from "../../src/registry/mod.ts";
import { digestOf } from "../support/faultreg/mod.ts";
import { base, DIGEST, digestAt, image, NEEDS, push } from "../support/push_e2e.ts";
import { pushableImage } from "../support/pushable_image.ts";
import { makeTempDir, REPOSITORY, run, startDockerRegistry, testWith } from "../support/testbed.ts";

testWith({ needs: NEEDS }, "A push to docker-registry arrives whole, and only once", async () => {
  await using temp = await makeTempDir();
  await using registry = await startDockerRegistry();
  const first = await push(registry, "team/app:v1");
  assertEquals([first.uploaded, first.present, first.mounted], [3, 0, 0]);
  assertEquals(await digestAt(registry, "team/app:v1"), DIGEST);
  const copy = join(temp.path, "copy");
  await run([
    ...["skopeo", "copy", "--quiet", "--preserve-digests", "--src-tls-verify=false"] as const,
    ...[`docker://${registry.host}/team/app:v1`, `oci:${copy}:v1`],
  ]);
  for (const { digest } of [image.manifest.descriptor, image.config, ...image.layers]) {
    const bytes = await Deno.readFile(join(copy, "blobs", digest.replace(":", "/")));
    assertEquals(digestOf(bytes), digest);
  }
  for (const tag of ["v1", "v2"]) {
    const again = await push(registry, `team/app:${tag}`);
    assertEquals([again.uploaded, again.present, again.bytesSent], [0, 3, 0]);
    assertEquals(await digestAt(registry, `team/app:${tag}`), DIGEST);
  }
});

testWith({ needs: NEEDS }, "A base on the same registry is mounted, not sent", async () => {
  await using registry = await startDockerRegistry();
  await push(registry, "base/image:1", { image: pushableImage([base]) });
  const baseOrigin = {
    registry: registry.host,
    repository: "base/image",
    layers: new Set([digestOf(base)]),
  };
  const result = await push(registry, "team/app:v1", { baseOrigin });
  assertEquals([result.uploaded, result.present, result.mounted], [2, 0, 1]);
  assertLess(result.bytesSent, 5000);
  assertEquals(await digestAt(registry, "team/app:v1"), DIGEST);
});

/** 200 MB that nothing can compress. */
function bigImage(): PushableImage {
  const bytes = new Uint8Array(200 * 1000 * 1000);
  for (let at = 0; at < bytes.length; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65536));
  }
  return pushableImage([bytes]);
}

testWith(
  { needs: NEEDS },
  "A registry that is killed between chunks and started again: the upload resumes",
  async () => {
    await using registry = await startDockerRegistry();
    const big = bigImage();
    const total = big.layers[0]?.size ?? 0;
    let chunks = 0;
    let restarted: Promise<void> | undefined;
    const log = (_level: number, text: string): void => {
      // A chunk has been answered and the next one has not been sent.
      if (!/^PATCH .* 202 /.test(text) || ++chunks !== 7) return;
      restarted = registry.kill().then(() => registry.restart());
    };
    const result = await push(registry, "team/app:v1", {
      image: big,
      chunkBytes: 16 * 1024 * 1024,
      client: { log },
    });
    await restarted;
    assert(restarted !== undefined);
    assertLess(result.bytesSent, 1.3 * total);
    assertEquals(await digestAt(registry, "team/app:v1"), big.manifest.descriptor.digest);
  },
);

testWith(
  { needs: NEEDS },
  "A registry that is killed in a chunk and started again: the push completes",
  async () => {
    await using registry = await startDockerRegistry();
    const big = bigImage();
    const total = big.layers[0]?.size ?? 0;
    let sent = 0;
    let restarted: Promise<void> | undefined;
    const result = await push(registry, "team/app:v1", {
      image: big,
      onEvent: (event) => {
        if (event.type === "advance") sent += event.bytes;
        if (sent < 0.2 * total || restarted !== undefined) return;
        restarted = registry.kill().then(() => registry.restart());
      },
    });
    await restarted;
    assert(restarted !== undefined);
    // distribution 2.8 forgets a session that holds part of a chunk, so that it begins again.
    assertLess(result.bytesSent, 1.3 * total);
    assertEquals(await digestAt(registry, "team/app:v1"), big.manifest.descriptor.digest);
  },
);

/** A process that pushes one platform after the other. */
class Pusher implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #answers: ReadableStreamDefaultReader<string>;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  constructor() {
    const script = join(REPOSITORY, "tests/support/index_pusher.ts");
    const config = join(REPOSITORY, "deno.json");
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-check",
        "--config",
        config,
        "--allow-net",
        "--allow-env",
        // In a checkout late modules are read when they are used.
        "--allow-read",
        script,
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#orders = this.#child.stdin.getWriter();
    this.#answers = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())
      .getReader();
  }

  async push(reference: string, platform: string): Promise<void> {
    await this.#orders.write(new TextEncoder().encode(`${reference} ${platform}\n`));
    const { value } = await this.#answers.read();
    assert(Number(value) > 0, `the process for ${platform} failed`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#orders.close();
    await this.#answers.cancel();
    await this.#child.status;
  }
}

testWith(
  { needs: NEEDS },
  "R37: two processes that update one index at the same moment, 20 times, never lose an entry",
  async () => {
    await using registry = await startDockerRegistry();
    await using amd = new Pusher();
    await using arm = new Pusher();
    for (let round = 0; round < 20; round++) {
      const name = `team/app:v${round}`;
      await Promise.all([
        amd.push(`${registry.host}/${name}`, "linux/amd64"),
        arm.push(`${registry.host}/${name}`, "linux/arm64"),
      ]);
      const { stdout } = await run([
        ...["skopeo", "inspect", "--raw", "--tls-verify=false"] as const,
        `docker://${registry.host}/${name}`,
      ]);
      const { manifests } = JSON.parse(stdout) as {
        manifests: { platform: { architecture: string } }[];
      };
      assertEquals(
        manifests.map(({ platform }) => platform.architecture),
        ["amd64", "arm64"],
        name,
      );
    }
  },
);
