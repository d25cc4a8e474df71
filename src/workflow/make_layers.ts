/**
 * Makes the layers of a plan: those that were built before come from the cache, the others are built,
 * several at once on one pool of compression workers.
 * @module
 */
import {
  type BaseDirectories,
  buildLayer,
  type CompressionPool,
  computeDiffId,
  createCompressionPool,
  fingerprintTree,
  type LayerTree,
  relocatesAlike,
  scanLayer,
} from "../layer/mod.ts";
import type { BuildPlan, CompressionPlan, LayerPlan } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import type { Reporter } from "../ui/reporter.ts";
import { maybeSecretsConcern, refuseSecrets } from "./inspect_layer.ts";
import { maybeParseNotes } from "./layer_notes.ts";
import { mapLimited } from "./limit.ts";
import { type MadeLayer, withAnnotations } from "./made_layer.ts";
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
}

/** Layers that are walked and written at once; more would only hold more buffers. */
const LAYERS_AT_ONCE = 4;

function title({ name, version }: LayerPlan): string {
  return version === undefined ? name : `${name} ${version}`;
}

/** A layer that has to be built, looked at already. */
interface Task {
  readonly plan: LayerPlan;
  readonly at: number;
  readonly tree: LayerTree;
}

function warnOf(plan: LayerPlan, text: string, reporter: Reporter): void {
  reporter.emit({ type: "warning", text: `${title(plan)}: ${text}` });
}

/** How layers are looked at. */
interface Scan {
  readonly compression: CompressionPlan;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  readonly onSecrets: (concern: string) => void;
}

/** The layer of a tree, from the local cache. */
async function maybeCached(
  plan: LayerPlan,
  tree: LayerTree,
  { cache, compression, reporter }: Scan & { readonly cache: Cache },
): Promise<MadeLayer | undefined> {
  const cached = await cache.getLayer(fingerprintTree(plan, tree, compression));
  const notes = maybeParseNotes(cached?.notes);
  if (cached === undefined || notes === undefined) return undefined;
  if (!relocatesAlike(notes.texts, tree.relocations)) return undefined;
  const { descriptor, diffId } = cached;
  for (const text of notes.warnings) warnOf(plan, text, reporter);
  return { plan, descriptor: withAnnotations(descriptor, plan), diffId, status: "cached" };
}

/** A layer that is there already, or what it takes to build it. */
async function lookUp(
  plan: LayerPlan,
  options: MakeLayersOptions,
  scan: Scan,
): Promise<MadeLayer | LayerTree> {
  const made = options.maybeMade?.(plan);
  if (made !== undefined) return made;
  const { baseDirectories, useCache, cache } = options;
  const { signal, reporter } = scan;
  const tree = await scanLayer(plan, { baseDirectories, signal });
  await options.inspect?.(plan, tree);
  const concern = maybeSecretsConcern(plan, tree);
  if (concern !== undefined) scan.onSecrets(concern);
  const cached = useCache ? await maybeCached(plan, tree, { ...scan, cache }) : undefined;
  const reusable = options.maybeReusable?.(plan);
  if (reusable === undefined) return cached ?? tree;
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  // A cached layer knows its diff ID; without one, all of the tool is read.
  const { diffId } = cached ?? await computeDiffId(plan, { tree, baseDirectories, signal, warn });
  if (diffId === reusable.diffId) {
    for (const text of warnings) warnOf(plan, text, reporter);
    return reusable;
  }
  const text = `${title(plan)} differs from the layer in ${reusable.reusedFrom}: not reused`;
  reporter.emit({ type: "detail", level: 1, text });
  return cached ?? tree;
}

async function build(
  { plan, tree }: Task,
  options: MakeLayersOptions,
  tools: {
    readonly pool: CompressionPool;
    readonly signal: AbortSignal;
    readonly reporter: Reporter;
  },
): Promise<MadeLayer> {
  const { cache, baseDirectories } = options;
  const { reporter, pool, signal } = tools;
  const name = title(plan);
  const id = `layer ${plan.kind} ${name}`;
  reporter.emit({ type: "start", id, label: name, total: tree.bytes });
  try {
    const built = await buildLayer(plan, {
      tree,
      pool,
      sink: cache,
      baseDirectories,
      signal,
      onBytes: (bytes) => reporter.emit({ type: "advance", id, bytes }),
      warn: (text) => warnOf(plan, text, reporter),
    });
    const { descriptor, diffId, uncompressedSize, fingerprint, texts, warnings } = built;
    if (texts !== undefined) {
      const notes = { texts, warnings };
      await cache.putLayer(fingerprint, {
        descriptor,
        diffId,
        uncompressedSize,
        label: name,
        notes,
      });
    }
    reporter.emit({ type: "done", id, note: "built" });
    return { plan, descriptor: withAnnotations(descriptor, plan), diffId, status: "built" };
  } catch (error) {
    reporter.emit({ type: "failed", id });
    throw error;
  }
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
  const warn = (text: string): void => reporter.emit({ type: "warning", text });
  const made = new Array<MadeLayer | undefined>(layers.length);
  const tasks: Task[] = [];
  const secrets: string[] = [];
  const onSecrets = (concern: string): void => void secrets.push(concern);
  const scan = { compression, signal: context.signal, reporter, onSecrets };
  await using pool = createCompressionPool({ compression, workers: options.jobs });
  for (const [at, layer] of layers.entries()) {
    context.signal.throwIfAborted();
    const found = await lookUp(layer, options, scan);
    if ("entries" in found) {
      tasks.push({ plan: layer, at, tree: found });
      // The workers start while the other trees are walked.
      pool.prepare(found.bytes);
    } else made[at] = found;
  }
  if (options.strict) refuseSecrets(secrets);
  for (const text of secrets) warn(`${text}; everyone who can pull the image can read them`);
  reporter.emit({
    type: "detail",
    level: 1,
    text: `${layers.length} layers, ${tasks.length} to build`,
  });
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  await mapLimited(
    tasks.sort((a, b) => b.tree.bytes - a.tree.bytes),
    { limit: LAYERS_AT_ONCE, onFailure: () => stop.abort() },
    async (task) => {
      made[task.at] = await build(task, options, { pool, signal, reporter });
    },
  );
  return made.filter((layer) => layer !== undefined);
}
