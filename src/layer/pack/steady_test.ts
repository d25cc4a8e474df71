import { assertEquals } from "@std/assert";
import { NO_BASE, toolPlan, withTree } from "../../../tests/support/layer.ts";
import type { LayerPlan } from "../../plan/types.ts";
import { scanLayer } from "../tree/scan.ts";
import { maybeChange, outwaitClock } from "./steady.ts";

/** The result of `maybeChange` after `change`, relative to the tree. */
async function changeAfter(
  tree: string,
  change: () => void,
  more: Partial<LayerPlan> = {},
): Promise<string | undefined> {
  const plan = toolPlan(tree, more);
  const context = { baseDirectories: NO_BASE };
  const scanned = await scanLayer(plan, context);
  await outwaitClock(scanned);
  change();
  return (await maybeChange(plan, scanned, context))?.slice(tree.length);
}

async function makeTree(tree: string): Promise<void> {
  await Deno.mkdir(`${tree}/d/e`, { recursive: true });
  for (const name of ["a", "d/b", "d/e/c"]) await Deno.writeTextFile(`${tree}/${name}`, name);
}

for (
  const [what, path, change] of [
    ["nothing", undefined, () => {}],
    ["the same size", "/d/b", (tree) => Deno.writeTextFileSync(`${tree}/d/b`, "B/d")],
    ["a new file", "/d/e/x", (tree) => Deno.writeTextFileSync(`${tree}/d/e/x`, "")],
    ["a file gone", "/a", (tree) => Deno.removeSync(`${tree}/a`)],
    ["another inode", "/a", (tree) => {
      Deno.copyFileSync(`${tree}/a`, `${tree}/copy`);
      Deno.renameSync(`${tree}/copy`, `${tree}/a`);
    }],
    ["a new directory", "/d/new", (tree) => Deno.mkdirSync(`${tree}/d/new`)],
  ] as [string, string | undefined, (tree: string) => void][]
) {
  Deno.test(`maybeChange() after a change: ${what}`, async () => {
    await withTree(async (tree) => {
      await makeTree(tree);
      assertEquals(await changeAfter(tree, () => change(tree)), path);
    });
  });
}

Deno.test("maybeChange() does not mind what is left out of the layer", async () => {
  await withTree(async (tree) => {
    await makeTree(tree);
    const write = (): void => Deno.writeTextFileSync(`${tree}/d/e/x.tmp`, "");
    assertEquals(await changeAfter(tree, write, { exclude: ["*.tmp"] }), undefined);
  });
});
