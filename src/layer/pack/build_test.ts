import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { MiseOciError } from "../../errors.ts";
import {
  buildForTest,
  HAS_PYTHON,
  listTar,
  memorySink,
  NO_BASE,
  shell,
  toolPlan,
  withTree,
} from "../../../tests/support/layer.ts";
import type { LayerPlan } from "../../plan/types.ts";
import { buildLayer } from "./build.ts";
import { compressionParameters } from "../../compress/parameters.ts";
import { hasZstd } from "../../compress/zstd.ts";
import { fingerprintLayer } from "./fingerprint.ts";
import { createCompressionPool } from "../../compress/pool.ts";
import { scanLayer } from "../tree/scan.ts";

const MIB = 1 << 20;

/** Deterministic bytes that compress a little. */
function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    bytes[i] = (state >> 16) & (i & 64 ? 255 : 15);
  }
  return bytes;
}

function writeSample(tree: string): void {
  Deno.mkdirSync(`${tree}/d`);
  Deno.writeFileSync(`${tree}/big`, noise(3 * MIB + 17));
  for (let i = 0; i < 40; i++) Deno.writeFileSync(`${tree}/d/f${i}`, noise(i * 777, i));
  Deno.chmodSync(`${tree}/d/f1`, 0o755);
}

Deno.test("L22: one digest whatever the workers, the order of creation, times, umask and owners", async () => {
  const digests = new Set<string>();
  for (const workers of [1, 2, 5]) {
    await withTree(async (tree) => {
      const umask = Deno.umask(workers === 2 ? 0o077 : 0o022);
      try {
        writeSample(tree);
      } finally {
        Deno.umask(umask);
      }
      shell(`touch -d '200${workers}-01-01' "${tree}/big"`);
      if (workers === 5) Deno.renameSync(`${tree}/d/f3`, `${tree}/d/x`);
      if (workers === 5) Deno.renameSync(`${tree}/d/x`, `${tree}/d/f3`);
      const { built } = await buildForTest(toolPlan(tree), { workers });
      digests.add(built.descriptor.digest);
    });
  }
  assertEquals(digests.size, 1);
});

Deno.test("L23: digest, size and diff ID hold for every compression; multi-block blobs unpack", async () => {
  await withTree(async (tree) => {
    writeSample(tree);
    Deno.writeFileSync(`${tree}/more`, noise(6 * MIB, 9));
    const kinds = hasZstd() ? ["gzip", "zstd", "none"] as const : ["gzip", "none"] as const;
    const diffIds = new Set<string>();
    for (const kind of kinds) {
      const { built } = await buildForTest(toolPlan(tree), { compression: { kind } });
      diffIds.add(built.diffId);
    }
    assertEquals(diffIds.size, 1);
  });
});

Deno.test("a gzip blob has no name, time 0 and OS 255", async () => {
  await withTree(async (tree) => {
    const { blob } = await buildForTest(toolPlan(tree));
    assertEquals([...blob.subarray(0, 10)], [31, 139, 8, 0, 0, 0, 0, 0, 0, 255]);
  });
});

Deno.test("D18: everything that decides the bytes is in the fingerprint", async () => {
  await withTree(async (tree) => {
    writeSample(tree);
    const plan = toolPlan(tree);
    const gzip = { kind: "gzip" } as const;
    const print = (
      changes: Partial<LayerPlan>,
      compression: { kind: "gzip" | "none"; level?: number } = gzip,
      baseDirectories: { has(path: string): boolean } = NO_BASE,
    ): Promise<string> =>
      fingerprintLayer({ ...plan, ...changes }, { compression, baseDirectories });
    const first = await print({});
    assertEquals(await print({ name: "other", annotations: { a: "b" } }), first);
    const others = [...plan.relocations, { host: "/x", image: "/y" }];
    assertEquals(await print({ relocations: others }), first, "tools it does not name");
    assertEquals(
      await print({}, { kind: "gzip", level: compressionParameters(gzip).level }),
      first,
    );
    const variants = [
      first,
      await print({ owner: { uid: 1, gid: 0 } }),
      await print({ owner: { uid: 0, gid: 1 } }),
      await print({ sources: [{ type: "tree", hostPath: tree, imagePath: "/m/t/1" }] }),
      await print({ relocations: [] }),
      await print({ exclude: ["d/f1"] }),
      await print({ kind: "packages" }),
      await print({}, { kind: "gzip", level: compressionParameters(gzip).level - 1 }),
      await print({}, { kind: "none" }),
      await print({}, gzip, { has: (path) => path === "mise" }),
    ];
    Deno.writeFileSync(`${tree}/d/f5`, noise(5 * 777, 99));
    variants.push(await print({}));
    Deno.chmodSync(`${tree}/d/f6`, 0o755);
    variants.push(await print({}));
    assertEquals(new Set(variants).size, variants.length);
    const { built } = await buildForTest(plan);
    assertEquals(built.fingerprint, await print({}));
  });
});

Deno.test({
  name: "directories of the base are not written again (needs python3)",
  ignore: !HAS_PYTHON,
  fn: () =>
    withTree(async (tree) => {
      Deno.mkdirSync(`${tree}/sub`);
      const has = (path: string): boolean => ["mise", "mise/installs"].includes(path);
      const { tar } = await buildForTest(toolPlan(tree), { baseDirectories: { has } });
      assertEquals((await listTar(tar)).map(({ name }) => name), [
        "mise/installs/t",
        "mise/installs/t/1",
        "mise/installs/t/1/sub",
      ]);
    }),
});

Deno.test({
  name: "later sources replace earlier ones, excluded paths are left out (needs python3)",
  ignore: !HAS_PYTHON,
  fn: () =>
    withTree(async (tree) => {
      shell(`cd "${tree}"; mkdir -p a/cache/x b; touch a/f a/cache/x/y b/g b/h.pyc; echo file > c`);
      const plan = toolPlan(tree, {
        relocations: [],
        sources: [
          { type: "tree", hostPath: tree, imagePath: "/t" },
          { type: "content", content: "made", imagePath: "/t/b", mode: 0o600 },
          { type: "file", hostPath: `${tree}/c`, imagePath: "/t/c/d/e", mode: 0o755 },
        ],
        exclude: ["**/cache", "**/*.pyc"],
      });
      const members = await listTar((await buildForTest(plan)).tar);
      assertEquals(members.map(({ name, mode }) => `${name} ${mode.toString(8)}`), [
        "t 755",
        "t/a 755",
        "t/a/f 644",
        "t/b 600",
        "t/c 755",
        "t/c/d 755",
        "t/c/d/e 755",
      ]);
    }),
});

Deno.test("layers built at once share a pool and get their own bytes", async () => {
  await withTree(async (tree) => {
    writeSample(tree);
    await using pool = createCompressionPool({ compression: { kind: "gzip" }, workers: 2 });
    const plans = [1, 2, 3, 4, 5].map((uid) => toolPlan(tree, { owner: { uid, gid: uid } }));
    const together = await Promise.all(plans.map((plan) => buildForTest(plan, { pool })));
    for (const [index, plan] of plans.entries()) {
      const alone = await buildForTest(plan);
      assertEquals(together[index]?.built.descriptor, alone.built.descriptor);
    }
    assert(pool.started <= 2);
  });
});

Deno.test("no worker is started for a small layer", async () => {
  await using pool = createCompressionPool({ compression: { kind: "gzip" } });
  const plan = toolPlan("/", {
    relocations: [],
    sources: [{ type: "content", content: "x", imagePath: "/etc/mise/config.toml", mode: 0o644 }],
  });
  await buildForTest(plan, { pool });
  assertEquals(pool.started, 0);
});

Deno.test("a worker that crashes is an error, not a hang", async () => {
  await withTree(async (tree) => {
    writeSample(tree);
    const workerUrl = new URL('data:text/javascript,onmessage=()=>{throw new Error("boom")}');
    const compression = { kind: "gzip" } as const;
    await using pool = createCompressionPool({ compression, workers: 2, workerUrl });
    await assertRejects(
      () => buildForTest(toolPlan(tree), { pool }),
      MiseOciError,
      "a worker failed",
    );
  });
});

Deno.test("an aborted build stops, gives its blob up and leaves the pool usable", async () => {
  await withTree(async (tree) => {
    writeSample(tree);
    await using pool = createCompressionPool({ compression: { kind: "gzip" }, workers: 1 });
    const sink = memorySink();
    const controller = new AbortController();
    const reason = new Error("stop");
    const error = await assertRejects(() =>
      buildLayer(toolPlan(tree), {
        pool,
        sink,
        baseDirectories: NO_BASE,
        signal: controller.signal,
        onBytes: () => controller.abort(reason),
      }), Error);
    assertEquals(error, reason);
    assertEquals([sink.aborted, sink.blobs.size], [1, 0]);
    await buildForTest(toolPlan(tree), { pool });
  });
});

Deno.test("a sink that fails ends the build with its error", async () => {
  await withTree(async (tree) => {
    writeSample(tree);
    await using pool = createCompressionPool({ compression: { kind: "gzip" }, workers: 2 });
    let writes = 0;
    const sink = {
      create: () =>
        Promise.resolve({
          write: () =>
            ++writes < 2 ? Promise.resolve() : Promise.reject(new Error("No space left")),
          commit: () => Promise.reject(new Error("not reached")),
          abort: () => Promise.resolve(),
        }),
    };
    const context = { pool, sink, baseDirectories: NO_BASE };
    await assertRejects(() => buildLayer(toolPlan(tree), context), Error, "No space left");
  });
});

Deno.test("levels are checked, and zstd where Deno has none", () => {
  assertThrows(() => compressionParameters({ kind: "gzip", level: 10 }), MiseOciError, '"10"');
  assertThrows(() => compressionParameters({ kind: "none", level: 1 }), MiseOciError);
  const error = assertThrows(() => compressionParameters({ kind: "zstd" }, false), MiseOciError);
  assertEquals(error.code, "unsupported");
});

Deno.test("the size of the tar is known from the scan", async () => {
  await withTree(async (tree) => {
    writeSample(tree);
    const { bytes } = await scanLayer(toolPlan(tree), { baseDirectories: NO_BASE });
    const { built } = await buildForTest(toolPlan(tree));
    assertEquals(bytes, built.uncompressedSize);
    assertNotEquals(bytes, 0);
  });
});
