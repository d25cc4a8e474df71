import { assert, assertEquals } from "@std/assert";
import { basename } from "@std/path";
import { type Digest, encodeManifest, MediaType } from "../oci/mod.ts";
import {
  age,
  HOUR,
  inTempDir,
  layerOf,
  newCache,
  put,
  sha256,
  startWorker,
  text,
  tree,
} from "../../tests/support/store_fixtures.ts";
import { type Cache } from "./mod.ts";
import { makeRootfsPlace, rootfsDirectory, sweepRootfsPlaces } from "./rootfs_places.ts";

const hex = "ab".repeat(32);

Deno.test("list() says what everything is and leaves foreign files out", () =>
  inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    const digest = await put(cache, text("hello"));
    const base = await put(cache, text("base"));
    await put(cache, text("loose"));
    await cache.putLayer(hex, layerOf(digest, 5));
    const bytes = encodeManifest({
      config: { mediaType: MediaType.config, digest: sha256(text("c")), size: 1 },
      layers: [{ mediaType: MediaType.layer, digest: base, size: 4 }],
    });
    await cache.putManifest("docker.io/library/debian:12", {
      bytes,
      mediaType: MediaType.manifest,
    });
    await cache.putDocument("base-files", base, [1]);
    await Deno.writeTextFile(`${cache.blobs.directory.path}/README`, "mine");
    await Deno.writeTextFile(`${cache.layers.path}/${"0".repeat(64)}.json`, "{");
    await Deno.mkdir(`${cache.blobs.directory.path}/${"1".repeat(64)}`);
    const listed = (await cache.list()).map(({ kind, description }) => `${kind}: ${description}`);
    assertEquals(listed.sort(), [
      "blob: blob",
      "blob: layer jq 1.8.1",
      "blob: layer of docker.io/library/debian:12",
      `document: base-files of ${base}`,
      "layer: layer jq 1.8.1",
      "manifest: manifest of docker.io/library/debian:12",
    ]);
    await cache.prune();
    assertEquals(await cache.list(), []);
    assertEquals(await Deno.readTextFile(`${cache.blobs.directory.path}/README`), "mine");
  }));

Deno.test("D01: list() shows what a killed build unpacked, prune() removes it, and not a living one's", () =>
  inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    const work = rootfsDirectory(cache.dir);
    const dead = `${work}/rootfs-dead`;
    await Deno.mkdir(`${dead}/root`, { recursive: true });
    await Deno.writeFile(`${dead}/root/file`, new Uint8Array(1000), { mode: 0o400 });
    await Deno.chmod(`${dead}/root`, 0o500);
    await Deno.writeTextFile(`${dead}.lock`, "");
    await using living = await makeRootfsPlace(work);
    const names = async (): Promise<string[]> =>
      (await cache.list()).map(({ name }) => name).sort();
    const alive = basename(living.directory);
    assertEquals(await names(), [alive, "rootfs-dead"].sort());
    const { removed, bytes } = await cache.prune();
    assertEquals([removed.map(({ kind, name }) => [kind, name]), bytes], [
      [["rootfs", "rootfs-dead"]],
      1000,
    ]);
    assertEquals(await names(), [alive]);
    await Deno.writeTextFile(`${dead}.lock`, "");
    await Deno.writeTextFile(`${work}/rootfs-new.lock`, "");
    await age(`${dead}.lock`, HOUR);
    await sweepRootfsPlaces(work);
    const left = Array.from(Deno.readDirSync(work), ({ name }) => name).sort();
    assertEquals(left, [alive, `${alive}.lock`, "rootfs-new.lock"].sort());
  }));

Deno.test("prune() removes what is old, or the least recently used first, or only says so", () =>
  inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    const digests: Digest[] = [];
    for (const [i, name] of ["aaaa", "bbbb", "cccc"].entries()) {
      const digest = await put(cache, text(name));
      await age(cache.blobs.stampPath(digest), (3 - i) * HOUR);
      digests.push(digest);
    }
    const names = async (options: Parameters<Cache["prune"]>[0]): Promise<string[]> =>
      (await cache.prune(options)).removed.map(({ name }) => name);
    const [a = "", b = "", c = ""] = digests;
    assertEquals(await names({ olderThanMs: 2.5 * HOUR, dryRun: true }), [a]);
    assertEquals(await names({ olderThanMs: 1.5 * HOUR, dryRun: true }), [a, b]);
    assertEquals((await cache.list()).map(({ name }) => name), [c, b, a]);
    assertEquals(await names({ maxBytes: 8 }), [a]);
    // A use makes it the last to go.
    assert(digests[1] !== undefined && await cache.has(digests[1], 4));
    const { removed, bytes, bytesLeft } = await cache.prune({ maxBytes: 4 });
    assertEquals([removed.map(({ name }) => name), bytes, bytesLeft], [[c], 4, 4]);
    assertEquals(await tree(cache.blobs.stamps), [b.slice(7)]);
  }));

Deno.test("D09: prune() keeps what a running build of another process uses", () =>
  inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    const used = await put(cache, text("used"));
    const unused = await put(cache, text("unused"));
    for (const digest of [used, unused]) await age(cache.blobs.stampPath(digest), 10 * HOUR);
    const worker = startWorker(["lease", cache.dir, used, "4"]);
    await worker.ready;
    assertEquals((await cache.prune()).removed.map(({ name }) => name), [unused]);
    assertEquals(await cache.has(used, 4), true);
    await worker.kill();
    assertEquals((await cache.prune()).removed.map(({ name }) => name), [used]);
    assertEquals(await tree(`${cache.dir}/leases`), []);
  }));

Deno.test("the lease of a killed build goes with the next build that ends", () =>
  inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    const used = await put(cache, text("used"));
    const worker = startWorker(["lease", cache.dir, used, "4"]);
    await worker.ready;
    await (await cache.lease()).release();
    assertEquals((await tree(`${cache.dir}/leases`)).length, 1);
    await worker.kill();
    await (await cache.lease()).release();
    assertEquals(await tree(`${cache.dir}/leases`), []);
  }));
