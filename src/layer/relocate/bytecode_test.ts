import { assert, assertEquals } from "@std/assert";
import {
  buildForTest,
  HAS_PYTHON,
  pipe,
  toolPlan,
  withTree,
} from "../../../tests/support/layer.ts";
import { maybeHeader, rebaseFileNames } from "./bytecode.ts";
import { scanLayer } from "../tree/scan.ts";

const NO_BASE = { has: (): boolean => false };
const NOTHING = new Uint8Array(0);
const TIME = 315532800;

/** The header of Python's bytecode: magic number, flags, then time and size, or a hash. */
function bytecode(flags: number, time: number, size: number): Uint8Array {
  const bytes = new Uint8Array(20);
  bytes.set([0xa7, 0x0d, 0x0d, 0x0a, flags]);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, time, true);
  view.setUint32(12, size, true);
  return bytes;
}

function put(path: string, content: string | Uint8Array): void {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  if (typeof content === "string") Deno.writeTextFileSync(path, content);
  else Deno.writeFileSync(path, content);
}

Deno.test("T11: bytecode that fits its source gets the time of a layer, other bytecode none", () => {
  const source = { size: 9, mtime: 1_700_000_000_123 };
  const header = (bytes: Uint8Array, known: typeof source | undefined): number[] | undefined => {
    const changed = maybeHeader(bytes, () => known);
    if (changed === undefined) return undefined;
    const view = new DataView(changed.buffer);
    return [view.getUint32(8, true), view.getUint32(12, true)];
  };
  const fits = bytecode(0, 1_700_000_000, 9);
  assertEquals(header(fits, source), [TIME, 9]);
  assertEquals(header(fits, { ...source, size: 10 }), [0, 0]);
  assertEquals(header(fits, { ...source, mtime: 1_700_000_001_000 }), [0, 0]);
  assertEquals(header(fits, undefined), [0, 0]);
  // Validated by hash (3) or not at all (1).
  for (const flags of [1, 3]) assertEquals(header(bytecode(flags, 1, 2), source), undefined);
  assertEquals(header(NOTHING, source), undefined);
  assertEquals(header(new Uint8Array(16), source), undefined);
});

Deno.test("bytecode without its source is left out, and its directory if nothing else is in it", async () => {
  await withTree(async (tree) => {
    put(`${tree}/a/__pycache__/m.cpython-311.pyc`, bytecode(0, 0, 0));
    put(`${tree}/b/__pycache__/gone.cpython-311.pyc`, bytecode(1, 0, 0));
    put(`${tree}/b/__pycache__/m.cpython-311.opt-2.pyc`, bytecode(0, 0, 0));
    put(`${tree}/b/m.py`, "pass\n");
    put(`${tree}/c/sourceless.pyc`, bytecode(0, 0, 0));
    put(`${tree}/d/__pycache__/notes.txt`, "x");
    const { entries } = await scanLayer(toolPlan(tree), { baseDirectories: NO_BASE });
    const prefix = "mise/installs/t/1/";
    const names = entries.filter(({ path }) => path.startsWith(prefix))
      .map(({ path }) => path.slice(prefix.length));
    assertEquals(names, [
      "a",
      "b",
      "b/__pycache__",
      "b/__pycache__/m.cpython-311.opt-2.pyc",
      "b/m.py",
      "c",
      "c/sourceless.pyc",
      "d",
      "d/__pycache__",
      "d/__pycache__/notes.txt",
    ]);
  });
});

Deno.test("a file name in bytecode may become longer than a byte counts, or not ASCII", () => {
  const text = "/h/m.py";
  const bytes = new TextEncoder().encode(`..\u0000${text}..${text}`);
  bytes.set(["z".charCodeAt(0), text.length], 1);
  const rebase = (to: string) =>
    new TextDecoder("latin1").decode(
      rebaseFileNames(bytes, "/h/", (path) => to + path),
    );
  const rest = new TextDecoder("latin1").decode(bytes.subarray(3 + text.length));
  assertEquals(rebase("/a"), `.z\u0009/a${text}${rest}`);
  const long = `/${"x".repeat(300)}`;
  assertEquals(rebase(long), `.a\u0034\u0001\u0000\u0000${long}${text}${rest}`);
  assertEquals(rebase("/é"), `.u\u000a\u0000\u0000\u0000/Ã©${text}${rest}`);
});

const PROGRAM = `
import sys, m
assert "m.py" in m.f.__code__.co_filename
print(m.f.__code__.co_filename, m.f.__code__.co_consts[1].co_filename, m.__cached__ is not None)
`;

Deno.test({
  name:
    "T11: Python takes the bytecode of an unpacked layer, whose names are those of the image (needs python3)",
  ignore: !HAS_PYTHON,
  fn: () =>
    withTree(async (tree) => {
      put(`${tree}/lib/m.py`, "def f():\n  def g(): return 1\n  return g\n");
      await pipe(["python3", "-m", "compileall", "-q", `${tree}/lib`], NOTHING);
      const { tar, warnings } = await buildForTest(toolPlan(tree));
      assertEquals(warnings, []);
      assert(!new TextDecoder("latin1").decode(tar).includes(tree));
      await withTree(async (root) => {
        await pipe(["tar", "-xf", "-", "-C", root], tar);
        const lib = `${root}/mise/installs/t/1/lib`;
        const run = ["env", "-i", "PATH=/usr/bin:/bin", `PYTHONPATH=${lib}`, python()];
        const seen = await pipe([
          "sh",
          "-c",
          'exec "$@" 2>&1',
          "sh",
          ...run,
          "-vB",
          "-c",
          "import m",
        ], NOTHING);
        assert(/m\.cpython-\d+\.pyc matches .*m\.py/.test(seen), seen.slice(-2000));
        // In the image the path is the same and Python leaves the name as it is; here it puts its own there.
        const said = await pipe([...run, "-c", PROGRAM], NOTHING);
        assert(said.includes("m.py"), said);
      });
    }),
});

/** The interpreter that `python3` is, without a wrapper that needs variables. */
function python(): string {
  const { stdout } = new Deno.Command("python3", {
    args: ["-c", "import sys; print(sys.executable)"],
  }).outputSync();
  return new TextDecoder().decode(stdout).trim();
}
