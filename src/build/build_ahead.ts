/**
 * Builds the layers of tools before the base is ready: while it is pulled, read for the first time, or gets
 * packages installed. A layer depends only on the directories of its base, which are nearly always the same.
 * The result goes into the layer cache; if the base turns out to be unusual, its key does not match and the
 * layer is built again.
 * @module
 */
import { fingerprintTree } from "../layer/pack/fingerprint.ts";
import type { BaseDirectories } from "../layer/mod.ts";
import { createCompressionPool } from "../compress/pool.ts";
import { scanLayer } from "../layer/tree/scan.ts";
import type { BuildPlan, LayerPlan } from "../plan/mod.ts";
import { buildOne, type LayerTask, type MakeLayersOptions, maybeCached } from "./layers.ts";
import { BuildQueue } from "./schedule.ts";
import type { WorkflowContext } from "../context.ts";
import { isWithin } from "../paths.ts";

/** The relevant parts of a plan. */
export type AheadPlan = Pick<BuildPlan, "from" | "layers" | "mountPoint" | "compression">;

/** Options of {@linkcode buildAhead}. */
export interface BuildAheadOptions extends Pick<MakeLayersOptions, "cache" | "useCache" | "jobs"> {
  /** Layers that may not need to be built at all. */
  readonly skip: (plan: LayerPlan) => boolean;
}

/** Standard directories that every base has, with mode 0755 and owner root, and not as links. */
const USUAL: ReadonlySet<string> = new Set(["usr", "usr/local", "usr/local/bin"]);

/** A layer that cannot be built before the base is known. */
class UnknownBase extends Error {}

/** The assumed directories of a base for one layer: nothing at or below the paths of the layer's sources. */
function guessDirectories(plan: LayerPlan, mountPoint: string): BaseDirectories {
  const mount = mountPoint.replace(/^\//, "");
  const roots = plan.sources.map(({ imagePath }) => imagePath.replace(/^\//, ""));
  return {
    has: (path) => {
      if (USUAL.has(path)) return true;
      if ([mount, ...roots].some((root) => isWithin(path, root))) return false;
      throw new UnknownBase(path);
    },
  };
}

async function maybeScan(
  plan: LayerPlan,
  mountPoint: string,
  signal: AbortSignal,
): Promise<LayerTask | undefined> {
  const baseDirectories = guessDirectories(plan, mountPoint);
  try {
    return { plan, baseDirectories, tree: await scanLayer(plan, { baseDirectories, signal }) };
  } catch (error) {
    if (error instanceof UnknownBase) return undefined;
    throw error;
  }
}

/** Builds the layers that do not depend on the base; returns their cache keys. */
export async function buildAhead(
  plan: AheadPlan,
  options: BuildAheadOptions,
  context: WorkflowContext,
): Promise<ReadonlySet<string>> {
  const { compression, mountPoint } = plan;
  const { cache, useCache, jobs, skip } = options;
  const { reporter } = context;
  const built = new Set<string>();
  // The code that later takes the layer from the cache emits its warnings.
  const warn = (): void => {};
  await using pool = createCompressionPool({ compression, workers: jobs });
  const queue = new BuildQueue(context.signal);
  const { signal } = queue;
  const tools = { cache, useCache, pool, reporter, warn, signal };
  await queue.all(async () => {
    for (const layer of plan.layers) {
      if (layer.policies.precedesBase !== true || skip(layer)) continue;
      const task = await maybeScan(layer, mountPoint, signal);
      if (task === undefined) continue;
      const look = { cache, compression, warn, built, builtOnly: !useCache };
      if (await maybeCached(task, look) !== undefined) continue;
      pool.prepare(task.tree.bytes);
      queue.add(task.tree.bytes, async (onRead) => {
        await buildOne(task, { ...tools, onRead });
        built.add(await fingerprintTree(task.plan, task.tree, compression));
      });
    }
  });
  return built;
}
