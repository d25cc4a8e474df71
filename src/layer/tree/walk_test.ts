import { assert, assertEquals, assertRejects } from "@std/assert";
import { shell, withTree } from "../../../tests/support/layer.ts";
import { MiseOciError } from "../../errors.ts";
import { type Found, walkTree } from "./walk.ts";

const DIRECTORIES = 80;

/** A tree of many directories, with links, empty directories, and various modes. */
function makeTree(tree: string): void {
  for (let i = 1; i <= DIRECTORIES; i++) {
    const directory = `${tree}/d${i}`;
    Deno.mkdirSync(`${directory}/e`, { recursive: true });
    Deno.mkdirSync(`${directory}/none`);
    for (let j = 1; j <= 40; j++) Deno.writeTextFileSync(`${directory}/f${j}`, `${i}\n`);
    Deno.symlinkSync("../f1", `${directory}/e/link`);
    Deno.linkSync(`${directory}/f1`, `${directory}/e/hard`);
    Deno.chmodSync(`${directory}/f2`, 0o4755);
  }
}

interface Walked {
  /** What was found, by path. */
  readonly found: ReadonlyMap<string, Found>;
  readonly warnings: readonly string[];
}

/** Walks with a thread from the first turn on, or without one. */
async function walk(
  root: string,
  options: { readonly help: boolean; readonly workerUrl?: URL; readonly onFound?: () => void },
): Promise<Walked> {
  const found = new Map<string, Found>();
  const warnings: string[] = [];
  const { workerUrl } = options;
  await walkTree(root, {
    excluded: (path) => path.endsWith("/f7"),
    warn: (text) => void warnings.push(text),
    unreadable: [],
    help: {
      minimum: options.help ? 0 : Infinity,
      ...(workerUrl === undefined ? {} : { workerUrl }),
    },
    found: (entry) => {
      const { path, size, ino, dev, links, mtime, ctime } = entry.host;
      const parent = entry.path.slice(0, Math.max(0, entry.path.lastIndexOf("/")));
      assert(entry.path === "" || found.has(parent), "a directory comes before what is in it");
      assert(!found.has(entry.path), "everything is found once");
      found.set(entry.path, { ...entry, host: { path, size, ino, dev, links, mtime, ctime } });
      options.onFound?.();
    },
  });
  return { found, warnings: warnings.sort() };
}

Deno.test("a walk finds the same with the help of a thread and without", async () => {
  await withTree(async (tree) => {
    makeTree(tree);
    const alone = await walk(tree, { help: false });
    const helped = await walk(tree, { help: true });
    assertEquals(helped, alone);
    assertEquals(alone.found.size, 1 + DIRECTORIES * (1 + 39 + 1 + 2 + 1));
    const info = Deno.lstatSync(`${tree}/d3/f2`);
    const one = helped.found.get("d3/f2");
    assertEquals([one?.mode, one?.type], [0o4755, "file"]);
    assertEquals(one?.host, {
      path: `${tree}/d3/f2`,
      size: info.size,
      ino: info.ino,
      dev: info.dev,
      links: info.nlink,
      mtime: info.mtime?.getTime(),
      ctime: info.ctime?.getTime(),
    });
  });
});

Deno.test("what a thread cannot list is said by the walk: FIFOs, names that are not UTF-8", async () => {
  await withTree(async (tree) => {
    makeTree(tree);
    shell(`cd "${tree}"; mkfifo d{1..${DIRECTORIES}}/fifo`);
    const alone = await walk(tree, { help: false });
    assertEquals(alone.warnings.length, DIRECTORIES);
    assertEquals(await walk(tree, { help: true }), alone);
    shell(`cd "${tree}"; touch d{1..${DIRECTORIES}}/e/$'bad\\xff'`);
    const error = await assertRejects(() => walk(tree, { help: true }), MiseOciError);
    assert(error.message.includes("is not UTF-8"), error.message);
  });
});

Deno.test("a directory that vanishes while a thread helps is an error that names it", async () => {
  await withTree(async (tree) => {
    makeTree(tree);
    let count = 0;
    const onFound = (): void => {
      if (++count === 2300) shell(`rm -r "${tree}"/d*`);
    };
    const error = await assertRejects(() => walk(tree, { help: true, onFound }), MiseOciError);
    assert(error.message.includes(`"${tree}/d`), error.message);
    assert(error.message.includes("it vanished"), error.message);
  });
});

Deno.test("a thread that cannot start leaves the whole walk to the one that walks", async () => {
  await withTree(async (tree) => {
    makeTree(tree);
    const workerUrl = new URL("data:application/javascript,throw new Error('cannot start')");
    const alone = await walk(tree, { help: false });
    assertEquals(await walk(tree, { help: true, workerUrl }), alone);
  });
});
