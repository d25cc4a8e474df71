import { assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { age, HOUR, inTempDir, newCache, tree } from "../../tests/support/store_fixtures.ts";
import type { Cache } from "./mod.ts";

const PLATFORM = "platforms/linux-arm64";

/** Puts an install of so many bytes into the cache; its directory. */
async function install(cache: Cache, tool: string, bytes: number): Promise<string> {
  const path = join(cache.dir, PLATFORM, "data/installs", tool);
  await Deno.mkdir(join(path, "bin"), { recursive: true });
  await Deno.writeFile(join(path, "bin/x"), new Uint8Array(bytes));
  return path;
}

/** Uses an install, some hours ago. */
async function use(cache: Cache, path: string, hours: number): Promise<void> {
  cache.useInstalls([path]);
  const [version, tool] = [path, dirname(path)].map((part) => part.split("/").pop());
  await age(join(cache.dir, PLATFORM, "used", `${tool} ${version}`), hours * HOUR);
}

async function withInstalls(run: (cache: Cache) => Promise<void>): Promise<void> {
  await inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    await use(cache, await install(cache, "node/24.0.0", 1000), 30);
    await use(cache, await install(cache, "node/24.1.0", 2000), 1);
    const mise = join(cache.dir, PLATFORM, "cache");
    await Deno.mkdir(mise);
    await Deno.writeFile(join(mise, "versions"), new Uint8Array(10));
    await Deno.symlink("./24.1.0", join(cache.dir, PLATFORM, "data/installs/node/latest"));
    await run(cache);
  });
}

async function names(cache: Cache): Promise<string[]> {
  return (await cache.list()).map(({ kind, name }) => `${kind} ${name}`);
}

Deno.test("list() shows the installs for other platforms and what else mise keeps for one", () =>
  withInstalls(async (cache) => {
    assertEquals(await names(cache), [
      "install linux-arm64",
      "install linux-arm64 node 24.1.0",
      "install linux-arm64 node 24.0.0",
    ]);
    const sizes = (await cache.list()).map(({ size }) => size);
    assertEquals(sizes.slice(1), [2000, 1000]);
    // mise's files, and the link.
    assertEquals(sizes[0], 10 + "./24.1.0".length);
  }));

Deno.test("prune() removes installs that were not used, whole, and keeps those that were", () =>
  withInstalls(async (cache) => {
    const dry = await cache.prune({ olderThanMs: 24 * HOUR, dryRun: true });
    const old = "linux-arm64 node 24.0.0";
    assertEquals(dry.removed.map(({ name }) => name), [old]);
    assertEquals((await cache.list()).length, 3);
    const { removed, bytes } = await cache.prune({ olderThanMs: 24 * HOUR });
    assertEquals([removed.map(({ name }) => name), bytes], [[old], 1000]);
    assertEquals(await names(cache), [
      "install linux-arm64",
      "install linux-arm64 node 24.1.0",
    ]);
    assertEquals(await tree(join(cache.dir, PLATFORM, "used")), ["node 24.1.0"]);
  }));

Deno.test("prune() counts the size of installs, the least recently used first", () =>
  withInstalls(async (cache) => {
    const { removed, bytesLeft } = await cache.prune({ maxBytes: 2100 });
    assertEquals(removed.map(({ name }) => name), ["linux-arm64 node 24.0.0"]);
    assertEquals(bytesLeft, 2018);
  }));

Deno.test("prune() without a limit removes a platform with everything in it", () =>
  withInstalls(async (cache) => {
    assertEquals((await cache.prune()).removed.length, 3);
    assertEquals(await tree(join(cache.dir, "platforms")), ["lock"]);
    assertEquals(await cache.list(), []);
  }));

Deno.test("D09: prune() touches no install while a build holds them", () =>
  withInstalls(async (cache) => {
    {
      await using _hold = await cache.holdInstalls();
      await using _second = await cache.holdInstalls();
      assertEquals((await cache.prune()).removed, []);
      assertEquals((await cache.prune({ dryRun: true })).removed, []);
    }
    assertEquals((await cache.prune()).removed.length, 3);
  }));

Deno.test("prune() removes what a killed one had begun to remove, which is no install", () =>
  withInstalls(async (cache) => {
    const platforms = join(cache.dir, "platforms");
    await Deno.rename(join(platforms, "linux-arm64"), join(platforms, ".tmp-1"));
    assertEquals(await cache.list(), []);
    await cache.prune({ olderThanMs: 24 * HOUR });
    assertEquals(await tree(platforms), ["lock"]);
  }));

Deno.test("useInstalls() passes over directories that are not in the cache", () =>
  inTempDir(async (dir) => {
    const { cache } = await newCache(dir);
    cache.useInstalls(["/home/me/.local/share/mise/installs/node/24.1.0", cache.dir]);
    assertEquals((await tree(cache.dir)).includes("used"), false);
    assertEquals(await cache.list(), []);
  }));
