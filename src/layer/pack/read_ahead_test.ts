import { assert, assertEquals } from "@std/assert";
import {
  buildForTest,
  HAS_TAR,
  listTar,
  NO_BASE,
  shell,
  toolPlan,
  withTree,
} from "../../../tests/support/layer.ts";
import type { LayerEntry } from "../entry.ts";
import { maybeReadAhead, type ReadAheadOptions } from "./read_ahead.ts";
import { scanLayer } from "../tree/scan.ts";

const COUNT = 3000;

/** A tree of many small files, some empty, and one too large to be read ahead. */
async function makeTree(tree: string): Promise<readonly LayerEntry[]> {
  for (let i = 0; i < COUNT; i++) {
    const directory = `${tree}/d${Math.floor(i / 500)}`;
    if (i % 500 === 0) await Deno.mkdir(directory);
    await Deno.writeTextFile(`${directory}/f${i}`, `${i} `.repeat(i % 50));
  }
  await Deno.writeFile(`${tree}/d5/large`, new Uint8Array(100_000));
  return (await scanLayer(toolPlan(tree), { baseDirectories: NO_BASE })).entries;
}

/** Everything that was read ahead, as text by host path. */
async function readAll(
  entries: readonly LayerEntry[],
  options: ReadAheadOptions = {},
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  using ahead = maybeReadAhead(entries, { minimum: COUNT, ...options });
  assert(ahead !== undefined, "so many files are worth a thread");
  for (const [at, { host }] of entries.entries()) {
    if (ahead.isBehind(at)) await ahead.advance();
    const content = ahead.content(at);
    if (content === undefined || host === undefined) continue;
    texts.set(host.path, new TextDecoder().decode(content.slice()));
  }
  return texts;
}

for (const [threads, minimumForTwo] of [["one thread", Infinity], ["two threads", 0]] as const) {
  Deno.test(`read-ahead of ${threads} gives the content of small files, but for the first ones and large ones`, async () => {
    await withTree(async (tree) => {
      const texts = await readAll(await makeTree(tree), { minimumForTwo });
      assertEquals(texts.size, COUNT - 999);
      for (const [path, text] of texts) assertEquals(text, Deno.readTextFileSync(path));
    });
  });
}

Deno.test("read-ahead leaves alone what is not as the scan saw it, and does not wait at a FIFO", async () => {
  await withTree(async (tree) => {
    const entries = await makeTree(tree);
    const changes = {
      "d5/f2601": "printf 'size ' > f",
      "d5/f2702": "rm f",
      "d5/f2703": "rm f; mkfifo f",
      "d5/f2704": "ln -sf /etc/passwd f",
      "d5/f2705": "echo more >> f",
      "d5/f2706": "cp f g; mv g f",
    };
    for (const [path, change] of Object.entries(changes)) {
      shell(`sleep 0.02; cd "${tree}/d5"; ${change.replace(/\bf\b/g, path.slice(3))}`);
    }
    const texts = await readAll(entries, { minimumForTwo: 0 });
    assertEquals(texts.size, COUNT - 999 - Object.keys(changes).length);
    for (const path of Object.keys(changes)) assert(!texts.has(`${tree}/${path}`), path);
  });
});

Deno.test("a thread that cannot start leaves everything to the one that writes", async () => {
  await withTree(async (tree) => {
    const entries = await makeTree(tree);
    const broken = new URL("data:application/javascript,throw new Error('cannot start')");
    for (const minimumForTwo of [0, Infinity]) {
      assertEquals(await readAll(entries, { workerUrl: broken, minimumForTwo }), new Map());
    }
  });
});

Deno.test({
  name: "a layer of many small files holds every one of them (needs tar)",
  ignore: !HAS_TAR,
  fn: () =>
    withTree(async (tree) => {
      await makeTree(tree);
      shell(`cd "${tree}"; for i in 1 2; do cp -r d0 x$i; cp -r d1 y$i; cp -r d2 z$i; done`);
      shell(`cd "${tree}"; mkdir h; cp -r d? x? y? z? h`);
      const { tar } = await buildForTest(toolPlan(tree));
      const files = (await listTar(tar)).filter(({ name }) => /\/f\d+$/.test(name));
      assertEquals(files.length, 4 * COUNT);
      for (const { name, head } of files) {
        const i = Number(name.slice(name.lastIndexOf("f") + 1));
        assertEquals(head, `${i} `.repeat(i % 50), name);
      }
    }),
});
