import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  canRun,
  inTempDir,
  put,
  rejected,
  sha256,
  startWorker,
  text,
  tree,
} from "../../tests/support/store_fixtures.ts";
import { createLayout } from "./mod.ts";

Deno.test("a blob has its name only after commit()", () =>
  inTempDir(async (dir) => {
    const layout = await createLayout(`${dir}/out`);
    const writer = await layout.create();
    const chunk = text("hello");
    await writer.write(chunk);
    chunk.fill(0);
    await writer.write(text(" world"));
    assertEquals(writer.bytesWritten, 11);
    assertEquals((await tree(layout.blobs.path)).map((name) => name.slice(0, 5)), [".tmp-"]);
    const digest = sha256(text("hello world"));
    assertEquals(await layout.has(digest, 11), false);
    assertEquals(await writer.commit({ digest, size: 11 }), { digest, size: 11 });
    assertEquals(await tree(layout.blobs.path), [digest.slice(7)]);
    assertEquals(await layout.has(digest, 11), true);
    assertEquals(await layout.has(digest, 12), false);
    await writer.abort();
    assertEquals(await layout.has(digest, 11), true);
  }));

Deno.test("R07: commit() refuses a blob whose digest or size is another and leaves nothing", () =>
  inTempDir(async (dir) => {
    const layout = await createLayout(dir);
    for (const expected of [{ digest: sha256(text("other")) }, { size: 4 }, { size: 6 }]) {
      const writer = await layout.create();
      await writer.write(text("hello"));
      assertEquals((await rejected(writer.commit(expected))).code, "integrity");
      assertEquals((await rejected(writer.write(text("more")))).code, "io");
      assertEquals((await rejected(writer.commit())).code, "io");
    }
    assertEquals(await tree(layout.blobs.path), []);
  }));

Deno.test("abort() removes the bytes and may be called twice", () =>
  inTempDir(async (dir) => {
    const layout = await createLayout(dir);
    const writer = await layout.create();
    await writer.write(text("hello"));
    await writer.abort();
    await writer.abort();
    assertEquals(await tree(layout.blobs.path), []);
  }));

Deno.test("a large blob, flushed while it is written, is whole after commit() and gone after abort()", () =>
  inTempDir(async (dir) => {
    const layout = await createLayout(dir);
    const chunk = new Uint8Array(1 << 20);
    const [kept, dropped] = [await layout.create(), await layout.create()];
    for (let i = 0; i < 40; i++) {
      chunk.fill(i);
      await Promise.all([kept.write(chunk), dropped.write(chunk)]);
    }
    await dropped.abort();
    const { digest, size } = await kept.commit();
    assertEquals(size, 40 << 20);
    assertEquals(await tree(layout.blobs.path), [digest.slice(7)]);
    assertEquals(sha256(await Deno.readFile(`${layout.blobs.path}/${digest.slice(7)}`)), digest);
  }));

Deno.test("a commit() of a blob that is there heals it if it was damaged", () =>
  inTempDir(async (dir) => {
    const layout = await createLayout(dir);
    const digest = await put(layout, text("hello"));
    await Deno.writeTextFile(layout.blobs.pathOf(digest), "HELLO");
    await put(layout, text("hello"));
    assertEquals(await Deno.readTextFile(layout.blobs.pathOf(digest)), "hello");
  }));

const namespaces = canRun("unshare", ["-rm", "sh", "-c", "mount -t tmpfs none /mnt"]);
const skipMounts = namespaces ? "" : " (skipped: no mount namespaces here)";

/** A command that runs another with a small file system, mounted with the given options, at `dir`. */
function mounted(dir: string, options: string): readonly string[] {
  const script = `mount -t tmpfs -o ${options} none '${dir}' && exec "$@"; exit 9`;
  return ["unshare", "-rm", "sh", "-c", script, "sh"];
}

Deno.test(
  `D03: a full disk is a clear error${skipMounts}`,
  { ignore: !namespaces },
  () =>
    inTempDir(async (dir) => {
      for (const size of ["size=64k", "size=1m", "size=3m"]) {
        const { code, stderr } = await startWorker(["fill", `${dir}/out`], mounted(dir, size)).done;
        assertEquals(code, 1);
        assertStringIncludes(stderr, "io: Cannot write");
        assertStringIncludes(stderr, `${dir}/out/blobs/sha256"`);
        assertStringIncludes(stderr, "No space left on device");
      }
    }),
);

Deno.test(`D03: a full disk leaves no partial blob and the old layout${skipMounts}`, {
  ignore: !namespaces,
}, () =>
  inTempDir(async (dir) => {
    const worker = new URL("../../tests/support/store_worker.ts", import.meta.url).pathname;
    const run = `"${Deno.execPath()}" run -A "${worker}"`;
    const script =
      `mount -t tmpfs -o size=3m none "${dir}" && echo | ${run} build "${dir}/out" a >/dev/null &&
      ! ${run} fill "${dir}/out" 2>/dev/null && ls -A "${dir}/out/blobs/sha256" && cat "${dir}/out/index.json"`;
    const { stdout, code } = await new Deno.Command("unshare", {
      args: ["-rm", "sh", "-c", script],
    }).output();
    const output = new TextDecoder().decode(stdout);
    assertEquals(code, 0);
    assertEquals(output.match(/^[0-9a-f]{64}$/gm)?.length, 3);
    assertEquals(output.includes(".tmp-"), false);
    assertStringIncludes(output, '"org.opencontainers.image.ref.name":"a"');
  }));

Deno.test("D03: a file size limit is a clear error without a partial blob", {
  ignore: Deno.build.os === "windows",
}, () =>
  inTempDir(async (dir) => {
    // Ignored, the signal becomes an error of the write.
    const wrap = ["sh", "-c", 'trap "" XFSZ; ulimit -f 2048; exec "$@"', "sh"];
    const { code, stderr } = await startWorker(["fill", `${dir}/out`], wrap).done;
    assertEquals(code, 1);
    assertStringIncludes(stderr, "File too large");
    assertEquals(await tree(`${dir}/out/blobs/sha256`), []);
  }));

Deno.test(
  `D04: a read-only file system is a clear error${skipMounts}`,
  { ignore: !namespaces },
  () =>
    inTempDir(async (dir) => {
      const { code, stderr } = await startWorker(["fill", `${dir}/out`], mounted(dir, "ro")).done;
      assertEquals(code, 1);
      assertStringIncludes(stderr, `Cannot create a file in "${dir}`);
      assertStringIncludes(stderr, "Read-only file system");
    }),
);

// Root that may not override permissions is as bound by them as anybody.
const dropped = ["--bounding-set=-dac_override", "--inh-caps=-dac_override"];
const setpriv = canRun("setpriv", [...dropped, "true"]);
const unprivileged = Deno.uid() !== 0;
const skipUser = unprivileged || setpriv ? "" : " (skipped: cannot drop root's rights here)";

Deno.test(`D04: a directory that cannot be written is a clear error before any work${skipUser}`, {
  ignore: !unprivileged && !setpriv,
}, () =>
  inTempDir(async (dir) => {
    await Deno.mkdir(`${dir}/locked`, { mode: 0o555 });
    const wrap = unprivileged ? [] : ["setpriv", ...dropped];
    const { code, stderr } = await startWorker(["fill", `${dir}/locked/out`], wrap).done;
    await Deno.chmod(`${dir}/locked`, 0o755);
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, `io: Cannot create a file in "${dir}/locked"`);
    assertStringIncludes(stderr, "Permission denied");
  }));

Deno.test("D04: too many open files are a clear error that leaves nothing", {
  ignore: Deno.build.os === "windows",
}, () =>
  inTempDir(async (dir) => {
    const wrap = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"];
    const { code, stderr } = await startWorker(["many", `${dir}/out`, "100"], wrap).done;
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, "Too many open files");
    assertEquals(await tree(`${dir}/out/blobs/sha256`), []);
    assertEquals((await startWorker(["many", `${dir}/out`, "16"], wrap).done).code, 0);
  }));

Deno.test("D13: temporary files lie beside the final name, whatever TMPDIR says", () =>
  inTempDir(async (dir) => {
    const worker = startWorker(["blob", `${dir}/out`], ["env", `TMPDIR=${dir}/nowhere`]);
    await worker.ready;
    const names = (await tree(dir)).filter((name) => name.includes(".tmp-"));
    assertEquals(names.map((name) => name.replace(/-.*/, "")), ["out/blobs/sha256/.tmp"]);
    await worker.proceed();
    assertEquals((await worker.done).code, 0);
  }));

Deno.test("D15: a live temporary file of another process stays, a killed one's goes", () =>
  inTempDir(async (dir) => {
    const worker = startWorker(["blob", `${dir}/out`]);
    await worker.ready;
    const temporaries = async (): Promise<number> =>
      (await tree(`${dir}/out`)).filter((name) => name.includes(".tmp-")).length;
    await createLayout(`${dir}/out`);
    assertEquals(await temporaries(), 1);
    await worker.kill();
    assertEquals(await temporaries(), 1);
    await createLayout(`${dir}/out`);
    assertEquals(await temporaries(), 0);
  }));
