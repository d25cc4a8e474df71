/**
 * Makes the layers of a plan: those that were built before come from the cache, the others are built,
 * several at once on one pool of compression workers.
 * @module
 */
import {
  type BaseDirectories,
  computeDiffId,
  createCompressionPool,
  type LayerTree,
} from "../layer/mod.ts";
import { scanListed } from "../layer/scan.ts";
import type { TreeLists } from "../layer/tree_lists.ts";
import type { BuildPlan, CompressionPlan, LayerPlan } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import type { Reporter } from "../ui/reporter.ts";
import { buildOne, type LayerTask, layerTitle, maybeCached } from "./build_layer.ts";
import { maybeSecretsConcern, refuseSecrets } from "./inspect_layer.ts";
import { mapLimited } from "./limit.ts";
import type { MadeLayer } from "./made_layer.ts";
import type { WorkflowContext } from "./types.ts";

/** What making layers needs. */
export interface MakeLayersOptions {
  /** Where blobs go and built layers are looked up. */
  readonly cache: Cache;
  /** Looks layers up; without, everything is built again. */
  readonly useCache: boolean;
  /** Directories that the base has. */
  readonly baseDirectories: BaseDirectories;
  /** Looks at what goes into a layer; throws to refuse it. */
  readonly inspect?: (plan: LayerPlan, tree: LayerTree) => Promise<void>;
  /** Whether files that hold credentials are an error. */
  readonly strict: boolean;
  /** How many things at once. */
  readonly jobs: number;
  /** Layers that are there already, and that nothing here can be held against. */
  readonly maybeMade?: (plan: LayerPlan) => MadeLayer | undefined;
  /** Layers of a registry, used if they are what would be built here. */
  readonly maybeReusable?: (plan: LayerPlan) => MadeLayer | undefined;
  /** Trees that were listed already. */
  readonly lists?: TreeLists | undefined;
  /** Fingerprints of layers that this run has built already; they are in the cache. */
  readonly built?: ReadonlySet<string>;
}

/** Layers that are walked and written at once; more would only hold more buffers. */
export const LAYERS_AT_ONCE = 4;

/** How layers are looked at. */
interface Scan {
  readonly compression: CompressionPlan;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  readonly warn: (plan: LayerPlan, text: string) => void;
  readonly onSecrets: (concern: string) => void;
}

/** A layer that is there already, or what it takes to build it. */
async function lookUp(
  plan: LayerPlan,
  options: MakeLayersOptions,
  scan: Scan,
): Promise<MadeLayer | LayerTask> {
  const made = options.maybeMade?.(plan);
  if (made !== undefined) return made;
  const { baseDirectories, useCache, cache, lists, built = new Set<string>() } = options;
  const { signal, reporter } = scan;
  const tree = await scanListed(plan, { baseDirectories, signal }, lists);
  const task = { plan, baseDirectories, tree };
  await options.inspect?.(plan, tree);
  const concern = maybeSecretsConcern(plan, tree);
  if (concern !== undefined) scan.onSecrets(concern);
  const cached = await maybeCached(task, { ...scan, cache, built, builtOnly: !useCache });
  const reusable = options.maybeReusable?.(plan);
  if (reusable === undefined) return cached ?? task;
  const warnings: string[] = [];
  const keep = { warn: (text: string): void => void warnings.push(text) };
  // A cached layer knows its diff ID; without one, all of the tool is read.
  const { diffId } = cached ?? await computeDiffId(plan, { ...task, signal, ...keep });
  if (diffId === reusable.diffId) {
    for (const text of warnings) scan.warn(plan, text);
    // "reused" is what only the registry has; the same bytes compressed otherwise are another blob.
    return cached?.descriptor.digest === reusable.descriptor.digest ? cached : reusable;
  }
  const text = `${layerTitle(plan)} differs from the layer in ${reusable.reusedFrom}: not reused`;
  reporter.emit({ type: "detail", level: 1, text });
  return cached ?? task;
}

/**
 * Makes every layer of a plan, bottom first. The largest is begun first: the others then fill the gaps
 * instead of waiting for it at the end.
 *
 * @throws {MiseOciError} of the first layer that fails, once the others have stopped.
 */
export async function makeLayers(
  plan: BuildPlan,
  options: MakeLayersOptions,
  context: WorkflowContext,
): Promise<readonly MadeLayer[]> {
  const { compression, layers } = plan;
  const { reporter } = context;
  const say = (text: string): void => reporter.emit({ type: "warning", text });
  const warn = (layer: LayerPlan, text: string): void => say(`${layerTitle(layer)}: ${text}`);
  const made = new Array<MadeLayer | undefined>(layers.length);
  const tasks: { readonly at: number; readonly task: LayerTask }[] = [];
  const secrets: string[] = [];
  const onSecrets = (concern: string): void => void secrets.push(concern);
  const scan = { compression, signal: context.signal, reporter, warn, onSecrets };
  await using pool = createCompressionPool({ compression, workers: options.jobs });
  for (const [at, layer] of layers.entries()) {
    context.signal.throwIfAborted();
    const found = await lookUp(layer, options, scan);
    if ("tree" in found) {
      tasks.push({ at, task: found });
      // The workers start while the other trees are walked.
      pool.prepare(found.tree.bytes);
    } else made[at] = found;
  }
  if (options.strict) refuseSecrets(secrets);
  for (const text of secrets) say(`${text}; everyone who can pull the image can read them`);
  reporter.emit({
    type: "detail",
    level: 1,
    text: `${layers.length} layers, ${tasks.length} to build`,
  });
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  await mapLimited(
    tasks.sort((a, b) => b.task.tree.bytes - a.task.tree.bytes),
    { limit: LAYERS_AT_ONCE, onFailure: () => stop.abort() },
    async ({ at, task }) => {
      const { cache, useCache } = options;
      made[at] = await buildOne(task, { cache, useCache, pool, signal, reporter, warn });
    },
  );
  return made.filter((layer) => layer !== undefined);
}
