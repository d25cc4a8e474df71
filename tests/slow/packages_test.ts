/**
 * System packages on a real Debian base, with the real apt, run by podman.
 */
import { createHash } from "node:crypto";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MiseOciError } from "../../src/errors.ts";
import { createCompressionPool } from "../../src/layer/mod.ts";
import { parseDiffId, parseDigest } from "../../src/oci/mod.ts";
import {
  buildPackagesLayer,
  type BuiltPackagesLayer,
  type UnpackLayer,
} from "../../src/packages/mod.ts";
import type { PackageSpec } from "../../src/packages/managers/manager.ts";
import { layerOf } from "../support/rootfs_fixture.ts";
import { whyNoIsolation } from "../support/shell_rootfs.ts";
import { copyBase, OCI_ARCH, run, startPodman, testWith } from "../support/testbed.ts";

const platform = { os: "linux", architecture: OCI_ARCH };

/** A base image in a layout that the test may change. */
interface Base {
  readonly layout: string;
  readonly layers: readonly UnpackLayer[];
}

function blobPath(layout: string, digest: string): string {
  return join(layout, "blobs/sha256", digest.slice("sha256:".length));
}

// deno-lint-ignore no-explicit-any -- the JSON of the specification, read without the program's parsers
async function readJson(path: string): Promise<any> {
  return JSON.parse(await Deno.readTextFile(path));
}

async function openBase(layout: string): Promise<Base> {
  const index = await readJson(join(layout, "index.json"));
  const manifest = await readJson(blobPath(layout, index.manifests[0].digest));
  const config = await readJson(blobPath(layout, manifest.config.digest));
  const layers = manifest.layers.map(
    (layer: { digest: string; size: number; mediaType: string }, at: number): UnpackLayer => ({
      descriptor: { ...layer, digest: parseDigest(layer.digest) },
      diffId: parseDiffId(config.rootfs.diff_ids[at]),
      open: async () => (await Deno.open(blobPath(layout, layer.digest))).readable,
    }),
  );
  return { layout, layers };
}

async function build(
  { layout, layers }: Base,
  packages: readonly PackageSpec[],
): Promise<BuiltPackagesLayer & { readonly output: string }> {
  await using pool = createCompressionPool({ compression: { kind: "gzip" } });
  const workDir = join(layout, "work");
  const lines: string[] = [];
  const built = await buildPackagesLayer(
    { manager: "apt", packages, platform, baseLayers: layers },
    {
      workDir,
      pool,
      sink: { create: () => writeBlob(layout) },
      env: (name) => Deno.env.get(name),
      detail: (_level, text) => lines.push(text),
    },
  );
  assertEquals([...Deno.readDirSync(workDir)], []);
  return { ...built, output: lines.join("\n") };
}

async function writeBlob(layout: string): ReturnType<
  Parameters<typeof buildPackagesLayer>[1]["sink"]["create"]
> {
  const temporary = join(layout, "blobs/new");
  const file = await Deno.open(temporary, { write: true, create: true, truncate: true });
  const hash = createHash("sha256");
  let size = 0;
  return {
    write: async (chunk) => {
      hash.update(chunk);
      size += chunk.length;
      for (let done = 0; done < chunk.length;) done += await file.write(chunk.subarray(done));
    },
    commit: async () => {
      file.close();
      const digest = parseDigest(`sha256:${hash.digest("hex")}`);
      await Deno.rename(temporary, blobPath(layout, digest));
      return { digest, size };
    },
    abort: () => Promise.resolve(),
  };
}

async function putJson(layout: string, value: unknown): Promise<{ digest: string; size: number }> {
  const text = JSON.stringify(value);
  const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  await Deno.writeTextFile(blobPath(layout, digest), text);
  return { digest, size: text.length };
}

/** Adds a layer to the layout's image. */
async function addLayer(layout: string, { descriptor, diffId }: BuiltPackagesLayer): Promise<void> {
  const index = await readJson(join(layout, "index.json"));
  const manifest = await readJson(blobPath(layout, index.manifests[0].digest));
  const config = await readJson(blobPath(layout, manifest.config.digest));
  const { digest, size, mediaType } = descriptor;
  config.rootfs.diff_ids.push(diffId);
  config.history.push({ created: "2026-01-01T00:00:00Z", created_by: "packages" });
  Object.assign(manifest.config, await putJson(layout, config));
  manifest.layers.push({ mediaType, digest, size });
  Object.assign(index.manifests[0], await putJson(layout, manifest));
  await Deno.writeTextFile(join(layout, "index.json"), JSON.stringify(index));
}

function testPackages(name: string, fn: (base: Base) => Promise<void>): void {
  const reason = whyNoIsolation === undefined ? "" : ` (skipped: ${whyNoIsolation})`;
  const guarded = async (): Promise<void> => {
    if (whyNoIsolation !== undefined) return;
    const directory = await Deno.makeTempDir({ prefix: "packages-" });
    try {
      await copyBase(join(directory, "layout"));
      await fn(await openBase(join(directory, "layout")));
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  };
  testWith({ needs: ["root", "linux", "base"] }, name + reason, guarded);
}

testPackages(
  "apt:jq and apt:hello give the same layer after a day of caches, and run",
  async (base) => {
    const hostStatus = await Deno.readTextFile("/var/lib/dpkg/status");
    const packages = [{ name: "hello", version: "2.10*" }, { name: "jq" }];
    const first = await build(base, packages);
    assertStringIncludes(first.output, "Setting up jq");

    // The base a day later: logs, lists and caches that something else left behind.
    const day = layerOf(
      { name: "var/cache/apt/archives/other.deb", content: "new" },
      { name: "var/cache/apt/pkgcache.bin", content: "new" },
      { name: "var/cache/ldconfig/aux-cache", content: "new" },
      { name: "var/log/dpkg.log", content: "yesterday" },
      { name: "var/lib/dpkg/status-old", content: "" },
    );
    const second = await build({ ...base, layers: [...base.layers, day] }, packages);
    assertEquals(second.descriptor, first.descriptor);
    assertEquals(second.diffId, first.diffId);
    assert(second.fingerprint !== first.fingerprint);
    assertEquals(await Deno.readTextFile("/var/lib/dpkg/status"), hostStatus);

    const { stdout } = await run(["tar", "-tzf", blobPath(base.layout, first.descriptor.digest)]);
    const paths = stdout.trim().split("\n");
    assert(paths.includes("usr/bin/jq"));
    assert(paths.includes("var/lib/dpkg/status"));
    const noise =
      /^(?:var\/cache\/apt|var\/lib\/apt\/lists|var\/log|etc\/resolv|etc\/hosts|dev|proc|run|tmp)/;
    assertEquals(paths.filter((path) => noise.test(path)), []);

    await addLayer(base.layout, first);
    await using podman = await startPodman();
    const script =
      "hello -g hi; echo '{\"a\":7}' | jq .a; dpkg -l jq hello | grep -c ^ii; dpkg --audit";
    const { code, stdout: said, stderr } = await podman.runLayout(base.layout, [
      "sh",
      "-c",
      script,
    ]);
    assertEquals({ code, said }, { code: 0, said: "hi\n7\n2\n" }, stderr);
  },
);

testPackages(
  "a version and a package that do not exist are errors with apt's words",
  async (base) => {
    const packages = [{ name: "jq", version: "99.9" }, { name: "no-such.ackage" }];
    const { code, message } = await assertRejects(() => build(base, packages), MiseOciError);
    assertEquals(code, "packages");
    assertStringIncludes(message, "Version '99.9' for 'jq' was not found");
    assertStringIncludes(message, "Unable to locate package no-such.ackage");
  },
);
