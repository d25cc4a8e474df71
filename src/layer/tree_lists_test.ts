import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { fingerprintTree } from "./fingerprint.ts";
import { scanLayer, scanListed } from "./scan.ts";
import { NO_BASE, planTreeLayer } from "./tree_layer.ts";
import { TreeLists, withoutExcluded } from "./tree_lists.ts";
import { type Found, walkTree } from "./walk.ts";

/** A directory with trees of different sizes; the large one ends last. */
async function makeTrees(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "mise-oci-lists-" }));
  for (const [name, count] of [["large", 300], ["small", 3]] as const) {
    await Deno.mkdir(join(path, name, "bin/below"), { recursive: true });
    for (let i = 0; i < count; i++) {
      await Deno.writeTextFile(join(path, name, "bin", `${name}-${i}`), "x".repeat(i));
    }
    await Deno.chmod(join(path, name, "bin", `${name}-1`), 0o755);
    await Deno.symlink(`${name}-1`, join(path, name, "bin/link"));
    await Deno.link(join(path, name, `bin/${name}-2`), join(path, name, "bin/below/hard ü"));
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function walk(root: string): Promise<readonly Found[]> {
  const entries: Found[] = [];
  const found = (entry: Found): void => void entries.push(entry);
  await walkTree(root, { excluded: () => false, warn: () => {}, unreadable: [], found });
  return entries;
}

Deno.test("TreeLists give of each tree what a walk finds", async () => {
  await using trees = await makeTrees();
  const roots = ["large", "small"].map((name) => join(trees.path, name));
  const lists = new TreeLists({ now: () => 0 });
  lists.begin([...roots, join(trees.path, "missing")]);
  for (const root of roots) assertEquals(await lists.take(root), await walk(root));
  assertEquals(await lists.take(join(trees.path, "missing")), undefined);
});

Deno.test("TreeLists leave a tree with something special in it to the scan", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "small");
  using _listener = Deno.listen({ transport: "unix", path: join(root, "socket") });
  const lists = new TreeLists({ now: () => 0 });
  lists.begin([root]);
  assertEquals(await lists.take(root), undefined);
});

Deno.test("TreeLists give nothing when they are stopped", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "large");
  const stop = new AbortController();
  const lists = new TreeLists({ signal: stop.signal, now: () => 0 });
  lists.begin([root, join(trees.path, "small")]);
  stop.abort();
  assertEquals(await lists.take(join(trees.path, "small")), undefined);
  lists.begin([root]);
  assertEquals(await lists.take(join(trees.path, "missing")), undefined);
});

Deno.test("TreeLists follow links to a tree, and give each list once", async () => {
  await using trees = await makeTrees();
  const [root, link] = [join(trees.path, "small"), join(trees.path, "latest")];
  await Deno.symlink(root, link);
  const lists = new TreeLists({ now: () => 0 });
  lists.begin([link]);
  assertEquals((await lists.take(root))?.length, (await walk(root)).length);
  assertEquals(await lists.take(root), undefined);
});

Deno.test("TreeLists forget what was listed before, and list anew", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "small");
  const lists = new TreeLists({ now: () => 0 });
  lists.begin([root]);
  await Deno.writeTextFile(join(root, "added"), "");
  lists.begin([root]);
  assertEquals((await lists.take(root))?.some(({ path }) => path === "added"), true);
});

Deno.test("TreeLists do not give a list that is old: the tree may have changed", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "small");
  let now = 1000;
  const lists = new TreeLists({ now: () => now });
  lists.begin([root]);
  now += 10_001;
  assertEquals(await lists.take(root), undefined);
  lists.begin([root]);
  now += 9999;
  assertEquals((await lists.take(root))?.length, (await walk(root)).length);
});

Deno.test("scanListed() gives the same layer of a list as of a walk, without what is excluded", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "large");
  for (const exclude of [[], ["**/below"], ["large-1*"], ["**/bin/large-2"]]) {
    const plan = planTreeLayer(root, "/srv", { exclude });
    const lists = new TreeLists({ now: () => 0 });
    lists.begin([root]);
    const walked = await scanLayer(plan, { baseDirectories: NO_BASE });
    const listed = await scanListed(plan, { baseDirectories: NO_BASE }, lists);
    assertEquals(listed, walked);
    const print = (tree: typeof walked): Promise<string> =>
      fingerprintTree(plan, tree, { kind: "gzip" });
    assertEquals(await print(listed), await print(walked));
  }
});

Deno.test("scanListed() takes a file that changed after it was listed for changed, next time", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "small");
  const plan = planTreeLayer(root, "/srv");
  const lists = new TreeLists({ now: () => 0 });
  lists.begin([root]);
  const before = await scanListed(plan, { baseDirectories: NO_BASE }, lists);
  await Deno.writeTextFile(join(root, "bin/small-2"), "another text");
  const after = await scanListed(plan, { baseDirectories: NO_BASE }, lists);
  const sizes = [before, after].map(({ entries }) =>
    entries.find(({ path }) => path === "srv/bin/small-2")?.host?.size
  );
  assertEquals(sizes, [2, 12]);
});

Deno.test("withoutExcluded() leaves out what is below, and not what only begins alike", () => {
  const found = (path: string): Found => ({
    path,
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    target: "",
    host: { path: `/t/${path}`, size: 0, ino: 1, dev: 1, links: 1, mtime: 0, ctime: 0 },
  });
  const entries = ["", "a", "a/b", "a/b/c", "ab", "b"].map(found);
  const asked: string[] = [];
  const left = [...withoutExcluded(entries, (path) => {
    asked.push(path);
    return path === "a";
  })];
  assertEquals(left.map(({ path }) => path), ["", "ab", "b"]);
  assertEquals(asked, ["a", "ab", "b"]);
});
