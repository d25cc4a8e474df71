import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { MiseOciError } from "../../errors.ts";
import {
  buildForTest,
  IS_ROOT,
  memorySink,
  NO_BASE,
  runs,
  shell,
  toolPlan,
  withTree,
} from "../../../tests/support/layer.ts";
import { buildLayer, computeDiffId } from "./build.ts";
import { createCompressionPool } from "../../compress/pool.ts";

const MIB = 1 << 20;

/** Runs `change` between the scan of the tree and the opening of files. */
function afterScan(change: () => void, scans = 1): { has(path: string): boolean } {
  let seen = 0;
  return {
    has: (path) => {
      // Each scan queries the first directory of an archive once.
      if (path === "mise" && ++seen <= scans) change();
      return false;
    },
  };
}

Deno.test("L01: a file that grows while it is read is packed again, whole", async () => {
  await withTree(async (tree) => {
    const file = `${tree}/log`;
    await Deno.writeFile(file, new Uint8Array(3 * MIB).fill(65));
    let appended = false;
    const reports: number[] = [];
    const { tar } = await buildForTest(toolPlan(tree), {
      onBytes: (bytes) => {
        reports.push(bytes);
        if (!appended) Deno.writeTextFileSync(file, "more", { append: true });
        appended = true;
      },
    });
    assertEquals(reports.reduce((sum, bytes) => sum + bytes), tar.length);
    assert(reports.some((bytes) => bytes < 0), "the first try was not taken back");
    assert(tar.length > 3 * MIB + 4);
  });
});

Deno.test("L01: a file that grows again and again is an error that names it", async () => {
  await withTree(async (tree) => {
    await Deno.writeFile(`${tree}/log`, new Uint8Array(3 * MIB));
    const append = (): void => Deno.writeTextFileSync(`${tree}/log`, "x", { append: true });
    await assertRejects(
      () => buildForTest(toolPlan(tree), { onBytes: append }),
      MiseOciError,
      `${tree}/log" changed its size from`,
    );
  });
});

Deno.test("L02: a file that shrinks while it is read is an error that names it", async () => {
  await withTree(async (tree) => {
    await Deno.writeFile(`${tree}/log`, new Uint8Array(9 * MIB));
    const truncate = (): void =>
      Deno.truncateSync(`${tree}/log`, Deno.statSync(`${tree}/log`).size / 2);
    const error = await assertRejects(
      () => buildForTest(toolPlan(tree), { onBytes: (bytes) => bytes > 0 && truncate() }),
      MiseOciError,
    );
    assert(error.message.includes(`"${tree}/log"`), error.message);
  });
});

for (
  const [what, replace] of [
    ["a link", (path: string): void => Deno.symlinkSync("/etc/passwd", path)],
    ["a directory", (path: string): void => Deno.mkdirSync(path)],
    ["a FIFO", (path: string): void => shell(`mkfifo "${path}"`)],
    ["another file", (path: string): void => Deno.writeTextFileSync(path, "other")],
  ] as const
) {
  Deno.test(`L03: a file replaced by ${what} before it is opened is noticed`, async () => {
    await withTree(async (directory) => {
      const tree = `${directory}/tree`;
      const path = `${tree}/f`;
      Deno.mkdirSync(tree);
      Deno.writeTextFileSync(path, "abcde");
      let changes = 0;
      const change = (): void => {
        // Keep the old inode, so that the new file cannot get its number.
        Deno.renameSync(path, `${directory}/old${changes}`);
        if (changes++ % 2 === 0) replace(path);
        else Deno.writeTextFileSync(path, "abcde");
      };
      const error = await assertRejects(
        () => buildForTest(toolPlan(tree), { baseDirectories: afterScan(change, 99) }),
        MiseOciError,
      );
      assert(error.message.includes(`"${path}"`), error.message);
    });
  });
}

Deno.test("L04: a file that vanishes is an error that names it, and nothing is kept", async () => {
  await withTree(async (tree) => {
    Deno.writeTextFileSync(`${tree}/gone`, "x");
    const sink = memorySink();
    await using pool = createCompressionPool({ compression: { kind: "gzip" } });
    const baseDirectories = afterScan(() => Deno.removeSync(`${tree}/gone`));
    await assertRejects(
      () => buildLayer(toolPlan(tree), { pool, sink, baseDirectories }),
      MiseOciError,
      `${tree}/gone": it vanished`,
    );
    assertEquals([sink.blobs.size, sink.aborted], [0, 1]);
  });
});

Deno.test("L04: a file that appears during the build is in the layer", async () => {
  await withTree(async (tree) => {
    Deno.writeTextFileSync(`${tree}/a`, "x");
    // With an old time, because the new file could appear within the same clock tick.
    Deno.utimeSync(tree, 1, 1);
    const baseDirectories = afterScan(() => Deno.writeTextFileSync(`${tree}/b`, "y"));
    const changed = await buildForTest(toolPlan(tree), { baseDirectories });
    const calm = await buildForTest(toolPlan(tree));
    assertEquals(changed.built.diffId, calm.built.diffId);
    assertEquals(changed.built.fingerprint, calm.built.fingerprint);
  });
});

Deno.test({
  name: "L05: unreadable files are listed before anything is written (not as root)",
  ignore: IS_ROOT,
  fn: () => unreadable(),
});

Deno.test({
  name: "L05: unreadable files are listed before anything is written (root, through setpriv)",
  ignore: !IS_ROOT || !runs("setpriv"),
  fn: async () => {
    await withTree(async (tree) => {
      for (let i = 10; i < 22; i++) Deno.writeTextFileSync(`${tree}/f${i}`, "x", { mode: 0o000 });
      Deno.mkdirSync(`${tree}/locked`, { mode: 0o000 });
      Deno.chmodSync(tree, 0o755);
      // Root without the capability to read everything, in a separate process.
      const script = `
        import { scanLayer } from ${JSON.stringify(import.meta.resolve("../tree/scan.ts"))};
        const plan = ${JSON.stringify(toolPlan(tree))};
        try { await scanLayer(plan, { baseDirectories: { has: () => false } }); }
        catch (error) { Deno.stdout.writeSync(new TextEncoder().encode(error.message)); }`;
      await Deno.writeTextFile(`${tree}.ts`, script);
      try {
        const { stdout, stderr } = await new Deno.Command("setpriv", {
          args: [
            "--bounding-set=-dac_override,-dac_read_search",
            Deno.execPath(),
            "run",
            "-A",
            "--no-check",
            `--config=${fromFileUrl(import.meta.resolve("../../../deno.json"))}`,
            `${tree}.ts`,
          ],
        }).output();
        const text = new TextDecoder().decode(stdout);
        assert(
          text.startsWith('Cannot read 13 paths of layer "t": ') && text.endsWith(" and 3 more"),
          text + new TextDecoder().decode(stderr),
        );
      } finally {
        await Deno.remove(`${tree}.ts`);
      }
    });
  },
});

async function unreadable(): Promise<void> {
  await withTree(async (tree) => {
    for (let i = 10; i < 22; i++) Deno.writeTextFileSync(`${tree}/f${i}`, "x", { mode: 0o000 });
    const error = await assertRejects(() => buildForTest(toolPlan(tree)), MiseOciError);
    assert(error.message.startsWith('Cannot read 12 paths of layer "t": '), error.message);
    assert(error.message.endsWith(" and 2 more"), error.message);
  });
}

Deno.test("computeDiffId() is the diff ID of the built layer, whatever the compression", async () => {
  await withTree(async (tree) => {
    Deno.writeFileSync(`${tree}/f`, new Uint8Array(2 * MIB + 5).fill(7));
    const { diffId, size } = await computeDiffId(toolPlan(tree), { baseDirectories: NO_BASE });
    for (const kind of ["gzip", "none"] as const) {
      const { built } = await buildForTest(toolPlan(tree), { compression: { kind } });
      assertEquals([built.diffId, built.uncompressedSize], [diffId, size]);
    }
    assertNotEquals(size, 0);
  });
});
