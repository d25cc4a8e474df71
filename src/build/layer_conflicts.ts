/**
 * Layers of one image that are in each other's way: what is a directory in one and a file in another
 * would lose everything below it, without a word, where the image is unpacked.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { LayerTree } from "../layer/mod.ts";
import { isWithin } from "../layer/relocate.ts";
import type { LayerPlan } from "../plan/mod.ts";

/** Whether two layers have anything to do with each other: most tools and copies do not. */
function mayMeet(a: LayerPlan, b: LayerPlan): boolean {
  return a.sources.some(({ imagePath: one }) =>
    b.sources.some(({ imagePath: other }) => isWithin(one, other) || isWithin(other, one))
  );
}

/** A path that is a directory in one tree and none in the other. */
function maybeConflict(a: LayerTree, b: LayerTree): string | undefined {
  const [few, many] = a.entries.length < b.entries.length ? [a, b] : [b, a];
  const types = new Map(few.entries.map(({ path, type }) => [path, type === "directory"]));
  return many.entries.find(({ path, type }) =>
    types.has(path) && types.get(path) !== (type === "directory")
  )?.path;
}

function describe({ kind, name }: LayerPlan): string {
  return kind === "tool" || kind === "copy" ? `${kind} ${JSON.stringify(name)}` : `${kind} layer`;
}

/**
 * Refuses a layer that is in the way of one that was looked at before.
 *
 * @param trees what other layers hold.
 * @throws {MiseOciError} `invalid` naming both layers and the path.
 */
export function refuseConflicts(
  plan: LayerPlan,
  tree: LayerTree,
  trees: ReadonlyMap<LayerPlan, LayerTree>,
): void {
  for (const [other, held] of trees) {
    if (other === plan || !mayMeet(plan, other)) continue;
    const path = maybeConflict(tree, held);
    if (path === undefined) continue;
    const isDirectory = tree.entries.some((entry) =>
      entry.path === path && entry.type === "directory"
    );
    const [directory, file] = isDirectory ? [plan, other] : [other, plan];
    throw new MiseOciError(
      "invalid",
      `Cannot put ${describe(file)} and ${describe(directory)} in one image: ` +
        `"/${path}" is a file in the first and a directory in the second`,
      { hint: "Choose another image path for one of them" },
    );
  }
}

/** Layers above all others: what they hold is what the image has. */
const TOPMOST: ReadonlySet<string> = new Set(["mise", "self", "config"]);

/** One sentence for each file of a copy or dotfile that a layer of mise-oci's own takes the place of. */
export function hiddenFiles(
  plan: LayerPlan,
  tree: LayerTree,
  trees: ReadonlyMap<LayerPlan, LayerTree>,
): readonly string[] {
  return [...trees].flatMap(([other, held]) => {
    if (other === plan || !mayMeet(plan, other)) return [];
    const isTop = TOPMOST.has(plan.kind);
    if (isTop === TOPMOST.has(other.kind)) return [];
    const [top, topTree] = isTop ? [plan, tree] as const : [other, held] as const;
    const [below, belowTree] = isTop ? [other, held] as const : [plan, tree] as const;
    const files = new Set(
      topTree.entries.filter(({ type }) => type !== "directory").map(({ path }) => path),
    );
    return belowTree.entries.filter(({ path }) => files.has(path)).map(({ path }) =>
      `"/${path}" of ${
        describe(below)
      } is not what the image has: the ${top.kind} layer takes its ` +
      `place${top.kind === "mise" ? " (--no-mise leaves that out)" : ""}`
    );
  });
}
