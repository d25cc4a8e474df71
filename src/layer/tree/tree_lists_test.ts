import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { fingerprintTree } from "../pack/fingerprint.ts";
import { scanLayer, scanListed } from "./scan.ts";
import { NO_BASE, planTreeLayer } from "./tree_layer.ts";
import { TreeLists } from "./tree_lists.ts";
import { type Found, type ListedTree, walkTree } from "./walk.ts";

/** A directory with trees of different sizes; the large one finishes last. */
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

interface Walked {
  /** What was found, by path. */
  readonly found: ReadonlyMap<string, Found>;
  readonly warnings: readonly string[];
}

async function walk(root: string, listed?: ListedTree): Promise<Walked> {
  const found = new Map<string, Found>();
  const warnings: string[] = [];
  await walkTree(root, {
    excluded: () => false,
    warn: (text) => void warnings.push(text),
    unreadable: [],
    listed,
    found: (entry) => void found.set(entry.path, entry),
  });
  return { found, warnings };
}

/** Names in the directories of a list, which show whether it is from before or after a change. */
function namesIn(listed: ListedTree | undefined): readonly string[] | undefined {
  return listed?.maybe("")?.names;
}

Deno.test("a walk of a tree that TreeLists listed finds what a walk of the disk finds", async () => {
  await using trees = await makeTrees();
  const roots = ["large", "small"].map((name) => join(trees.path, name));
  const lists = new TreeLists();
  lists.begin([...roots, join(trees.path, "missing")]);
  for (const root of roots) {
    const listed = await lists.take(root);
    assertEquals(listed?.maybe("bin")?.path, "bin");
    assertEquals(await walk(root, listed), await walk(root));
  }
  assertEquals(await lists.take(join(trees.path, "missing")), undefined);
});

Deno.test("a walk does not look at the disk for what was listed, only for the rest", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "small");
  const before = await walk(root);
  const lists = new TreeLists();
  lists.begin([root]);
  const listed = await lists.take(root);
  await Deno.writeTextFile(join(root, "bin/below/added"), "");
  const { found } = await walk(root, listed);
  assertEquals([...found.keys()].sort(), [...before.found.keys()].sort());
  const part = { maybe: (path: string) => path === "bin/below" ? undefined : listed?.maybe(path) };
  assertEquals((await walk(root, part)).found.has("bin/below/added"), true);
});

Deno.test("TreeLists leave a directory with something special in it to the walk", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "small");
  using _listener = Deno.listen({ transport: "unix", path: join(root, "bin/below/socket") });
  const lists = new TreeLists();
  lists.begin([root]);
  const listed = await lists.take(root);
  assertEquals(listed?.maybe("bin/below")?.names, undefined);
  const walked = await walk(root, listed);
  assertEquals(walked, await walk(root));
  assertEquals(walked.warnings.length, 1);
});

Deno.test("TreeLists give nothing when they are stopped", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "large");
  const stop = new AbortController();
  const lists = new TreeLists({ signal: stop.signal });
  lists.begin([root, join(trees.path, "small")]);
  stop.abort();
  assertEquals(await lists.take(join(trees.path, "small")), undefined);
  lists.begin([root]);
  assertEquals(await lists.take(root), undefined);
});

Deno.test("TreeLists that were prepared list as others do, and end if there is nothing to list", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "small");
  const lists = new TreeLists();
  lists.prepare();
  lists.begin([root]);
  lists.settle();
  assertEquals(namesIn(await lists.take(root)), ["bin"]);
  // Otherwise the test would not end because of the thread.
  const idle = new TreeLists();
  idle.prepare();
  idle.settle();
});

Deno.test("TreeLists give nothing if the thread fails", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "large");
  const workerUrl = new URL("data:application/javascript,throw new Error('cannot start')");
  const lists = new TreeLists({ workerUrl });
  lists.begin([root]);
  assertEquals(await lists.take(root), undefined);
});

Deno.test("TreeLists follow links to a tree, and give each list once", async () => {
  await using trees = await makeTrees();
  const [root, link] = [join(trees.path, "small"), join(trees.path, "latest")];
  await Deno.symlink(root, link);
  const lists = new TreeLists();
  lists.begin([link]);
  assertEquals(namesIn(await lists.take(root)), ["bin"]);
  assertEquals(await lists.take(root), undefined);
});

Deno.test("TreeLists leave a tree that the thread has not come to to the caller, and list the others", async () => {
  await using trees = await makeTrees();
  const roots = ["large", "small", "small/bin", "large/bin/below"].map((name) =>
    join(trees.path, name)
  );
  const lists = new TreeLists();
  lists.begin(roots);
  // Two are in progress.
  assertEquals(await lists.take(roots[3] ?? ""), undefined);
  for (const root of roots.slice(0, 2)) assertEquals(namesIn(await lists.take(root)), ["bin"]);
  assertEquals((await lists.take(roots[2] ?? "")) !== undefined, true);
  const few = new TreeLists({ minimum: 3 });
  few.begin(roots.slice(0, 2));
  assertEquals(await few.take(roots[0] ?? ""), undefined);
});

Deno.test("TreeLists forget what was listed before, and list anew", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "small");
  const lists = new TreeLists();
  lists.begin([root]);
  await Deno.writeTextFile(join(root, "added"), "");
  lists.begin([root]);
  assertEquals(namesIn(await lists.take(root))?.toSorted(), ["added", "bin"]);
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
  assertEquals(namesIn(await lists.take(root)), ["bin"]);
});

Deno.test("scanListed() gives the same layer of a list as of a walk, without what is excluded", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "large");
  for (const exclude of [[], ["**/below"], ["large-1*"], ["**/bin/large-2"]]) {
    const plan = planTreeLayer(root, "/srv", { exclude });
    const lists = new TreeLists();
    lists.begin([root]);
    const walked = await scanLayer(plan, { baseDirectories: NO_BASE });
    const listed = await scanListed(plan, { baseDirectories: NO_BASE }, lists);
    assertEquals(listed.entries, walked.entries);
    assertEquals(listed.bytes, walked.bytes);
    const print = (tree: typeof walked): Promise<string> =>
      fingerprintTree(plan, tree, { kind: "gzip" });
    assertEquals(await print(listed), await print(walked));
  }
});

Deno.test("scanListed() takes a file that changed after it was listed for changed, next time", async () => {
  await using trees = await makeTrees();
  const root = join(trees.path, "small");
  const plan = planTreeLayer(root, "/srv");
  const lists = new TreeLists();
  lists.begin([root]);
  const before = await scanListed(plan, { baseDirectories: NO_BASE }, lists);
  await Deno.writeTextFile(join(root, "bin/small-2"), "another text");
  const after = await scanListed(plan, { baseDirectories: NO_BASE }, lists);
  const sizes = [before, after].map(({ entries }) =>
    entries.find(({ path }) => path === "srv/bin/small-2")?.host?.size
  );
  assertEquals(sizes, [2, 12]);
});
