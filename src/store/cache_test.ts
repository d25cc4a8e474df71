import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { encodeManifest, MediaType } from "../oci/mod.ts";
import {
  age,
  HOUR,
  inTempDir,
  layerOf,
  newCache,
  put,
  readAll,
  rejected,
  sha256,
  startWorker,
  text,
  tree,
} from "../../tests/support/store_fixtures.ts";
import { cacheDirectory, createLayout, openCache } from "./mod.ts";

const hex = "ab".repeat(32);

Deno.test("cacheDirectory() follows MISE_OCI_CACHE_DIR, XDG_CACHE_HOME and HOME in this order", () => {
  const of = (env: Record<string, string>): string => cacheDirectory((name) => env[name]);
  const all = { MISE_OCI_CACHE_DIR: "/a", XDG_CACHE_HOME: "/b", HOME: "/c" };
  assertEquals(of(all), "/a");
  assertEquals(of({ ...all, MISE_OCI_CACHE_DIR: "" }), "/b/mise-oci");
  assertEquals(of({ XDG_CACHE_HOME: "relative", HOME: "/c" }), "/c/.cache/mise-oci");
  assertThrows(() => of({}), MiseOciError, "HOME");
  assertThrows(() => of({ MISE_OCI_CACHE_DIR: "relative" }), MiseOciError, "absolute");
});

Deno.test("a blob of the cache becomes a hard link in a layout", () =>
  inTempDir(async (dir) => {
    const { cache, problems } = await newCache(dir);
    const digest = await put(cache, text("hello"));
    const layout = await createLayout(`${dir}/out`);
    for (let i = 0; i < 2; i++) assertEquals(await cache.linkInto(layout, digest, 5), true);
    const [a, b] = [
      await Deno.lstat(layout.blobs.pathOf(digest)),
      await Deno.lstat(cache.blobs.directory.pathOf(digest)),
    ];
    assertEquals([a.ino, a.nlink], [b.ino, 2]);
    assertEquals(await readAll(await layout.open(digest)), text("hello"));
    assertEquals(await cache.linkInto(layout, sha256(text("other")), 5), false);
    assertEquals(await tree(layout.blobs.path), [digest.slice(7)]);
    assertEquals(problems, []);
  }));

Deno.test("linkInto() replaces a damaged blob of the layout", () =>
  inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    const digest = await put(cache, text("hello"));
    const layout = await createLayout(`${dir}/out`);
    await layout.prepare();
    await Deno.writeTextFile(layout.blobs.pathOf(digest), "HELLO");
    assertEquals(await cache.linkInto(layout, digest, 5), true);
    assertEquals(await Deno.readTextFile(layout.blobs.pathOf(digest)), "hello");
    assertEquals(await tree(layout.blobs.path), [digest.slice(7)]);
  }));

Deno.test("linkInto() copies where the file system makes no links", () =>
  inTempDir(async (dir) => {
    const noLinks = Object.assign(new Error("Invalid cross-device link (os error 18)"), {
      code: "EXDEV",
    });
    const { realDisk } = await import("./mod.ts");
    const disk = { ...realDisk, link: () => Promise.reject(noLinks) };
    const cache = await openCache(`${dir}/cache`, { disk });
    const digest = await put(cache, text("hello"));
    const layout = await createLayout(`${dir}/out`);
    assertEquals(await cache.linkInto(layout, digest, 5), true);
    assertEquals((await Deno.lstat(layout.blobs.pathOf(digest))).nlink, 1);
    assertEquals(await Deno.readTextFile(layout.blobs.pathOf(digest)), "hello");
  }));

/** Ways in which a file in the cache is damaged. `path` is the blob's. */
const DAMAGE: Readonly<Record<string, (path: string, dir: string) => Promise<void>>> = {
  "flipped": async (path) => {
    await Deno.writeTextFile(path, "jello");
  },
  "truncated": async (path) => {
    await Deno.truncate(path, 3);
  },
  "emptied": async (path) => {
    await Deno.truncate(path, 0);
  },
  "replaced by a file of the same times": async (path) => {
    const { atime, mtime } = await Deno.lstat(path);
    await Deno.writeTextFile(`${path}.new`, "jello");
    await Deno.utime(`${path}.new`, atime ?? 0, mtime ?? 0);
    await Deno.rename(`${path}.new`, path);
  },
  "replaced by a link": async (path, dir) => {
    await Deno.writeTextFile(`${dir}/victim`, "hello");
    await Deno.remove(path);
    await Deno.symlink(`${dir}/victim`, path);
  },
};

for (const [name, damage] of Object.entries(DAMAGE)) {
  Deno.test(`D09: a cached blob that was ${name} is noticed, removed and reported`, () =>
    inTempDir(async (dir) => {
      const { cache, problems } = await newCache(dir);
      const digest = await put(cache, text("hello"));
      await cache.putLayer(hex, layerOf(digest, 5));
      await damage(cache.blobs.directory.pathOf(digest), dir);
      const layout = await createLayout(`${dir}/out`);
      assertEquals(await cache.linkInto(layout, digest, 5), false);
      assertEquals(problems.length, 1);
      assertStringIncludes(problems[0] ?? "", digest);
      assertEquals(await cache.size(digest), undefined);
      assertEquals(await cache.getLayer(hex), undefined);
      await put(cache, text("hello"));
      assertEquals(await cache.linkInto(layout, digest, 5), true);
    }));
}

Deno.test("D09: editing a layout's blob in place is noticed by the cache that shares its bytes", () =>
  inTempDir(async (dir) => {
    const { cache, problems } = await newCache(dir);
    const digest = await put(cache, text("hello"));
    const layout = await createLayout(`${dir}/out`);
    await cache.linkInto(layout, digest, 5);
    using file = await Deno.open(layout.blobs.pathOf(digest), { write: true });
    await file.write(text("j"));
    assertEquals(await cache.has(digest, 5), false);
    assertEquals(problems.length, 1);
  }));

Deno.test("D09: a blob removed by somebody is a miss, while it is open it stays readable", () =>
  inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    const digest = await put(cache, text("hello"));
    const stream = await cache.open(digest);
    await Deno.remove(cache.blobs.directory.pathOf(digest));
    assertEquals(await readAll(stream), text("hello"));
    assertEquals(await cache.has(digest, 5), false);
    assertEquals((await rejected(cache.open(digest))).code, "not-found");
  }));

Deno.test("a stamp that is lost or another's costs one hashing, not the blob", () =>
  inTempDir(async (dir) => {
    const { cache, problems } = await newCache(dir);
    const digest = await put(cache, text("hello"));
    for (const content of ["", "[1,2,3]", "\0\0\0"]) {
      await Deno.writeTextFile(cache.blobs.stampPath(digest), content);
      assertEquals(await cache.has(digest, 5), true);
      assert(await Deno.readTextFile(cache.blobs.stampPath(digest)) !== content);
    }
    await Deno.remove(cache.blobs.stampPath(digest));
    assertEquals(await cache.has(digest, 5), true);
    assertEquals(problems, []);
  }));

Deno.test("D17: a time in the future changes neither validity nor age", () =>
  inTempDir(async (dir) => {
    const { cache, problems } = await newCache(dir);
    const digest = await put(cache, text("hello"));
    await age(cache.blobs.directory.pathOf(digest), -1000 * HOUR);
    assertEquals(await cache.has(digest, 5), true);
    await age(cache.blobs.stampPath(digest), -1000 * HOUR);
    assertEquals((await cache.prune({ olderThanMs: HOUR })).removed, []);
    assertEquals((await cache.prune({ maxBytes: 0 })).removed.length, 1);
    assertEquals(problems, []);
  }));

Deno.test("layers, manifests and documents come back as they were put", () =>
  inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    const digest = await put(cache, text("hello"));
    assertEquals(await cache.getLayer(hex), undefined);
    await cache.putLayer(hex, layerOf(digest, 5));
    assertEquals(await cache.getLayer(hex), layerOf(digest, 5));
    const bytes = text(' {"a" : "\u00fc"}\n');
    await cache.putManifest("docker.io/library/debian:12", {
      bytes,
      mediaType: MediaType.manifest,
    });
    assertEquals(await cache.getManifest("docker.io/library/debian:12"), {
      bytes,
      mediaType: MediaType.manifest,
    });
    assertEquals(await cache.getManifest("docker.io/library/debian:13"), undefined);
    await cache.putDocument("files", digest, { "/a": [1, "x", null] });
    assertEquals(await cache.getDocument("files", digest), { "/a": [1, "x", null] });
    assertEquals(await cache.getDocument("other", digest), undefined);
    await assertRejects(() => cache.getDocument("../x", digest), TypeError);
    const broken = { bytes: new Uint8Array([0xff]), mediaType: MediaType.manifest };
    assertEquals((await rejected(cache.putManifest("x", broken))).code, "invalid");
  }));

Deno.test("D18: a record answers to its own key only", () =>
  inTempDir(async (dir) => {
    const { cache, problems } = await newCache(dir);
    const digest = await put(cache, text("hello"));
    await cache.putLayer(hex, layerOf(digest, 5));
    const other = "cd".repeat(32);
    await Deno.copyFile(`${cache.layers.path}/${hex}.json`, `${cache.layers.path}/${other}.json`);
    assertEquals(await cache.getLayer(other), undefined);
    assertEquals(problems.length, 1);
    for (const key of [`${hex} `, hex.toUpperCase(), `sha256:${hex}`, hex.slice(1)]) {
      assertEquals(await cache.getLayer(key), undefined);
    }
    assertEquals(await cache.getLayer(hex), layerOf(digest, 5));
  }));

Deno.test("D18: a record of a layer whose form is wrong is a miss", () =>
  inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    const digest = await put(cache, text("hello"));
    const { descriptor, diffId } = layerOf(digest, 5);
    for (
      const value of [
        null,
        [],
        { descriptor, diffId },
        { descriptor, diffId: "sha256:../..", uncompressedSize: 1 },
        { descriptor: { ...descriptor, size: -1 }, diffId, uncompressedSize: 1 },
        { descriptor: { ...descriptor, size: 6 }, diffId, uncompressedSize: 1 },
      ]
    ) {
      await put(cache, text("hello"));
      await cache.layers.put(hex, value);
      assertEquals(await cache.getLayer(hex), undefined);
    }
  }));

Deno.test("D12: every flipped, cut or foreign record is a miss", () =>
  inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    const bytes = encodeManifest({
      config: { mediaType: MediaType.config, digest: sha256(text("c")), size: 1 },
      layers: [],
    });
    await cache.putManifest("key", { bytes, mediaType: MediaType.manifest });
    const [name] = await tree(cache.manifests.path);
    const path = `${cache.manifests.path}/${name}`;
    const sound = await Deno.readFile(path);
    for (let at = 0; at < sound.length; at += 7) {
      const flipped = sound.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      await Deno.writeFile(path, flipped);
      assertEquals(await cache.getManifest("key"), undefined, `byte ${at}`);
      await Deno.writeFile(path, sound.subarray(0, at));
      assertEquals(await cache.getManifest("key"), undefined, `cut at ${at}`);
    }
    await Deno.writeFile(path, sound);
    assertEquals((await cache.getManifest("key"))?.bytes, bytes);
  }));

Deno.test("D08: eight processes that write the same blob leave one, whole", () =>
  inTempDir(async (dir) => {
    const workers = Array.from({ length: 8 }, () => startWorker(["put", `${dir}/cache`]));
    await Promise.all(workers.map((worker) => worker.ready));
    const whole = new Uint8Array(8 * 65536);
    for (let part = 0; part < 8; part++) whole.fill(part, part * 65536, (part + 1) * 65536);
    const digest = sha256(whole);
    const { cache, problems } = await newCache(dir);
    let writing = true;
    const done = Promise.all(workers.map(async (worker) => {
      await worker.proceed();
      return await worker.done;
    })).finally(() => writing = false);
    // Whoever reads meanwhile sees no blob or the whole one.
    while (writing) {
      if (await cache.size(digest) !== undefined) await readAll(await cache.open(digest));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals(await done, workers.map(() => ({ code: 0, stderr: "" })));
    assertEquals(await tree(cache.blobs.directory.path), [digest.slice(7)]);
    assertEquals(await cache.has(digest, whole.length), true);
    assertEquals(problems, []);
  }));

Deno.test("D15: openCache() removes what killed runs left half-written", () =>
  inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    await cache.putDocument("files", "x", 1);
    const places = ["blobs/sha256", "stamps", "documents/files"];
    for (const place of places) await Deno.writeTextFile(`${cache.dir}/${place}/.tmp-1`, "half");
    await openCache(cache.dir);
    assertEquals((await tree(cache.dir)).filter((name) => name.includes(".tmp-")), []);
    assertStringIncludes(
      await Deno.readTextFile(`${cache.dir}/CACHEDIR.TAG`),
      "8a477f597d28d172789f06886806bc55",
    );
  }));

Deno.test("openCache() says that a cache is in a file's place", () =>
  inTempDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/cache`, "mine");
    const error = await rejected(openCache(`${dir}/cache`));
    assertEquals(error.code, "io");
    assertStringIncludes(error.message, `${dir}/cache`);
  }));
