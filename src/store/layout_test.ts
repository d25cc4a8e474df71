import { resolveImage } from "../image/mod.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname } from "@std/path";
import { Annotation, encodeLayoutFile } from "../oci/mod.ts";
import {
  AMD64,
  inTempDir,
  readAll,
  rejected,
  sha256,
  text,
  tree,
  writeImage,
} from "../../tests/support/store_fixtures.ts";
import { createLayout, type Disk, type Layout, lockLayout, openLayout, realDisk } from "./mod.ts";

async function newLayout(dir: string): Promise<Layout> {
  return await createLayout(`${dir}/out`);
}

/** What a directory holds besides well-named blobs. */
async function others(dir: string): Promise<string[]> {
  return (await tree(dir)).filter((name) => !/^blobs\/sha256\/[0-9a-f]{64}$/.test(name));
}

Deno.test("a layout that was written opens, resolves and verifies", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    await layout.setTag(await writeImage(layout), "latest");
    const opened = await openLayout(`${dir}/out`);
    const image = await resolveImage(opened);
    assertEquals(image.tag, "latest");
    assertEquals(image.platform, AMD64);
    assertEquals((await opened.verify()).blobs, 3);
    const [layer] = image.manifest.layers;
    assert(layer !== undefined);
    assertEquals(await readAll(await image.source.open(layer.digest)), text("hello"));
    assertEquals(await readAll(await opened.open(layer.digest, { start: 1, end: 3 })), text("el"));
    assertEquals(await others(`${dir}/out`), ["blobs", "blobs/sha256", "index.json", "oci-layout"]);
  }));

Deno.test("setTag() replaces the entry of its tag in place and keeps the others", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const [one, two, three] = [
      await writeImage(layout, "1"),
      await writeImage(layout, "2"),
      await writeImage(layout, "3"),
    ];
    await layout.setTag(one, "a");
    await layout.setTag(one);
    await layout.setTag(two, "b");
    await layout.setTag(three, "a");
    await layout.setTag(two);
    const entries = (await layout.index()).manifests;
    const tags = entries.map((entry) => [entry.annotations?.[Annotation.refName], entry.digest]);
    assertEquals(tags, [["a", three.digest], [undefined, two.digest], ["b", two.digest]]);
  }));

Deno.test("setTag() keeps what it does not know in the index of another program", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    await layout.setTag(await writeImage(layout), "a");
    const path = `${dir}/out/index.json`;
    const index = JSON.parse(await Deno.readTextFile(path));
    await Deno.writeTextFile(
      path,
      JSON.stringify({ ...index, annotations: { x: "y" }, custom: [1] }),
    );
    await layout.setTag(await writeImage(layout, "2"), "b");
    const { annotations, custom, manifests } = JSON.parse(await Deno.readTextFile(path));
    assertEquals([annotations, custom, manifests.length], [{ x: "y" }, [1], 2]);
  }));

Deno.test("D06: setTag() refuses an image with a missing blob and leaves the index alone", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    await layout.setTag(await writeImage(layout), "a");
    const before = await Deno.readTextFile(`${dir}/out/index.json`);
    const broken = await writeImage(layout, "broken");
    await Deno.remove(layout.blobs.pathOf(sha256(text("broken"))));
    const error = await rejected(layout.setTag(broken, "a"));
    assertEquals(error.code, "not-found");
    assertStringIncludes(error.message, sha256(text("broken")));
    assertEquals(await Deno.readTextFile(`${dir}/out/index.json`), before);
  }));

Deno.test("D06: verify() names the blob whose bytes were flipped, whichever it is", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    await layout.setTag(await writeImage(layout));
    for (const name of (await tree(layout.blobs.path)).sort()) {
      const path = `${layout.blobs.path}/${name}`;
      const bytes = await Deno.readFile(path);
      const flipped = bytes.slice();
      flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
      await Deno.writeFile(path, flipped);
      const error = await rejected(layout.verify());
      assertEquals(error.code, "integrity");
      assertStringIncludes(error.message, name);
      await Deno.writeFile(path, bytes.subarray(1));
      for (const sizesOnly of [false, true]) {
        assertStringIncludes((await rejected(layout.verify({ sizesOnly }))).message, name);
      }
      await Deno.remove(path);
      assertEquals((await rejected(layout.verify({ sizesOnly: true }))).code, "not-found");
      await Deno.writeFile(path, bytes);
    }
    assertEquals((await layout.verify()).blobs, 3);
  }));

Deno.test("D06: a blob that is a link, FIFO or directory is not read", {
  ignore: Deno.build.os === "windows",
}, () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    await layout.setTag(await writeImage(layout));
    const digest = sha256(text("hello"));
    const path = layout.blobs.pathOf(digest);
    await Deno.writeTextFile(`${dir}/secret`, "hello");
    for (
      const replace of [
        () => Deno.symlink(`${dir}/secret`, path),
        () => Deno.mkdir(path),
        () => new Deno.Command("mkfifo", { args: [path] }).output(),
      ]
    ) {
      await Deno.remove(path, { recursive: true });
      await replace();
      assertEquals((await rejected(layout.open(digest, { start: 0, end: 1 }))).code, "not-found");
    }
  }));

Deno.test("D14: blobs are flushed, then named, then their directory, then the index likewise", () =>
  inTempDir(async (dir) => {
    const log: string[] = [];
    const short = (path: string): string =>
      path.slice(dir.length + 1).replace(/\/(?:\.tmp-.*)$/, "/TEMP");
    const note = (op: string, path: string): void => void log.push(`${op} ${short(path)}`);
    const disk: Disk = {
      sync: (file, path) => (note("sync", path), realDisk.sync(file, path)),
      rename: (from, to) => (note("rename", to), realDisk.rename(from, to)),
      link: (from, to) => (note("link", to), realDisk.link(from, to)),
      syncDirectory: (path) => (note("sync", path), realDisk.syncDirectory(path)),
    };
    const layout = await createLayout(`${dir}/out`, { disk });
    const image = await writeImage(layout);
    const blobs = log.splice(0);
    await layout.setTag(image, "a");
    assertEquals(blobs.map((line) => line.split(" ", 1)[0]), [
      "sync",
      "rename",
      "sync",
      "rename",
      "sync",
      "rename",
    ]);
    assertEquals(blobs[0]?.slice(5), blobs[1]?.slice(7));
    assertEquals(log, [
      "sync out/blobs/sha256",
      "sync out/oci-layout",
      "rename out/oci-layout",
      "sync out",
      "sync out/index.json",
      "rename out/index.json",
      "sync out",
    ]);
  }));

Deno.test("D14: the program stopped before any operation leaves the old index or the new one", () =>
  inTempDir(async (dir) => {
    const stopped = new Error("stopped");
    for (let stopAt = 0;; stopAt++) {
      const out = `${dir}/${stopAt}`;
      const before = await createLayout(out);
      const old = await writeImage(before, "old");
      await before.setTag(old, "a");
      let count = 0;
      const step = <T>(run: () => Promise<T>): Promise<T> =>
        count++ >= stopAt ? Promise.reject(stopped) : run();
      const layout = await createLayout(out, {
        disk: {
          sync: (file, path) => step(() => realDisk.sync(file, path)),
          rename: (from, to) => step(() => realDisk.rename(from, to)),
          link: (from, to) => step(() => realDisk.link(from, to)),
          syncDirectory: (path) => step(() => realDisk.syncDirectory(path)),
        },
      });
      const done = await (async () => {
        await layout.setTag(await writeImage(layout, "new"), "a");
        return true;
      })().catch((error) => {
        if (error !== stopped) throw error;
        return false;
      });
      const opened = await openLayout(out);
      await opened.verify();
      const size = (await resolveImage(opened)).manifest.layers[0]?.size;
      assertEquals(size, 3);
      for (const name of await tree(opened.blobs.path)) {
        assertEquals(sha256(await Deno.readFile(`${opened.blobs.path}/${name}`)), `sha256:${name}`);
      }
      const again = await createLayout(out);
      await again.setTag(await writeImage(again, "new"), "a");
      assertEquals((await resolveImage(again)).manifest.layers[0]?.digest, sha256(text("new")));
      if (done) break;
    }
  }));

Deno.test("D10: createLayout() says before any work what is wrong with a directory", () =>
  inTempDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/file`, "mine");
    await Deno.mkdir(`${dir}/project`);
    await Deno.writeTextFile(`${dir}/project/index.json`, "{}");
    await Deno.symlink(`${dir}/nothing`, `${dir}/dangling`);
    for (
      const path of [
        "/",
        `${dir}/file`,
        `${dir}/file/below`,
        `${dir}/project`,
        `${dir}/dangling`,
        "/proc/x",
        "/dev/shm/y",
      ]
    ) {
      const error = await rejected(createLayout(path));
      assertEquals(error.code, "layout", path);
      assertStringIncludes(error.message, path);
    }
    assertEquals(await tree(dir), ["dangling", "file", "project", "project/index.json"]);
  }));

Deno.test("D10: createLayout() makes nothing before the first blob, follows a link, keeps foreign files", () =>
  inTempDir(async (dir) => {
    await createLayout(`${dir}/a/b/c`);
    assertEquals(await tree(dir), []);
    await Deno.mkdir(`${dir}/real`);
    await Deno.symlink(`${dir}/real`, `${dir}/link`);
    const layout = await createLayout(`${dir}/link`);
    await layout.setTag(await writeImage(layout));
    await Deno.writeTextFile(`${dir}/real/README`, "mine");
    const again = await createLayout(`${dir}/link`);
    await again.setTag(await writeImage(again, "2"), "x");
    assertEquals(await Deno.readTextFile(`${dir}/real/README`), "mine");
    assertEquals((await (await openLayout(`${dir}/real`)).index()).manifests.length, 2);
  }));

Deno.test("D10: createLayout() refuses a layout whose index is malformed rather than replace it", () =>
  inTempDir(async (dir) => {
    await Deno.writeFile(`${dir}/oci-layout`, encodeLayoutFile());
    await Deno.writeTextFile(`${dir}/index.json`, "{");
    assertEquals((await rejected(createLayout(dir))).code, "layout");
    assertEquals(await Deno.readTextFile(`${dir}/index.json`), "{");
  }));

Deno.test("D10: createLayout() takes up what a killed first build left", () =>
  inTempDir(async (dir) => {
    await Deno.mkdir(`${dir}/blobs/sha256`, { recursive: true });
    await Deno.writeTextFile(`${dir}/blobs/sha256/.tmp-1`, "half");
    await Deno.writeTextFile(`${dir}/.mise-oci.lock`, "process 1");
    const layout = await createLayout(dir);
    await layout.setTag(await writeImage(layout));
    assertEquals(await others(dir), ["blobs", "blobs/sha256", "index.json", "oci-layout"]);
  }));

Deno.test("setTag() works under a lock that the caller holds", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const image = await writeImage(layout);
    await using lock = await lockLayout(layout.dir);
    await layout.setTag(image, "a", { lock });
    assertEquals((await rejected(layout.setTag(image, "b", { timeoutMs: 0 }))).code, "io");
    assertEquals((await layout.index()).manifests.length, 1);
  }));

Deno.test("open() rejects a range outside the blob", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    await writeImage(layout);
    const digest = sha256(text("hello"));
    for (const range of [{ start: 6 }, { start: 0, end: 6 }, { start: 3, end: 2 }, { start: -1 }]) {
      await assertRejects(() => layout.open(digest, range), RangeError);
    }
    assertEquals(dirname(layout.blobs.pathOf(digest)), layout.blobs.path);
    assertEquals(await readAll(await layout.open(digest, { start: 5 })), text(""));
  }));

Deno.test("setTag() removes on request what only the replaced image named", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    await layout.setTag(await writeImage(layout, "shared"), "other");
    await layout.setTag(await writeImage(layout, "shared"), "a", { removeReplaced: true });
    await layout.setTag(await writeImage(layout, "second"), "a", { removeReplaced: true });
    assertEquals((await tree(layout.blobs.path)).length, 6);
    await layout.setTag(await writeImage(layout, "third"), "a", { removeReplaced: true });
    assertEquals((await tree(layout.blobs.path)).length, 6);
    assertEquals(await layout.has(sha256(text("second")), 6), false);
    await layout.setTag(await writeImage(layout, "third"), "a", { removeReplaced: true });
    assertEquals((await layout.verify()).blobs, 6);
    await layout.setTag(await writeImage(layout, "fourth"), "a");
    assertEquals((await tree(layout.blobs.path)).length, 9);
  }));

Deno.test("setTag() removes nothing if another image of the layout cannot be read", () =>
  inTempDir(async (dir) => {
    const layout = await newLayout(dir);
    const other = await writeImage(layout, "other");
    await layout.setTag(other, "other");
    await layout.setTag(await writeImage(layout, "first"), "a");
    await Deno.remove(layout.blobs.pathOf(other.digest));
    await layout.setTag(await writeImage(layout, "second"), "a", { removeReplaced: true });
    assertEquals(await layout.has(sha256(text("first")), 5), true);
  }));
