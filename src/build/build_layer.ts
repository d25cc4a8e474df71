/**
 * One layer: from the local cache, or built into it.
 * @module
 */
import { relocatesAlike } from "../layer/dependencies.ts";
import { fingerprintTree } from "../layer/fingerprint.ts";
import type { BaseDirectories, BuiltLayer, CompressionPool, LayerTree } from "../layer/mod.ts";
import { treeShape } from "../layer/shape.ts";
import type { CompressionPlan, LayerPlan } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import type { Reporter } from "../ui/reporter.ts";
import { maybeParseNotes } from "./layer_notes.ts";
import { type MadeLayer, withAnnotations } from "./made_layer.ts";

/** What packs and compresses a layer: nothing of it is needed if all layers are cached. */
const packModule = () => import("../layer/build.ts");

/** A layer that may have to be built, looked at already. */
export interface LayerTask {
  /** What it is made of. */
  readonly plan: LayerPlan;
  /** The directories that the base has. */
  readonly baseDirectories: BaseDirectories;
  /** What it will hold. */
  readonly tree: LayerTree;
}

/** What a layer is called: its tool with the version. */
export function layerTitle({ name, version }: LayerPlan): string {
  return version === undefined ? name : `${name} ${version}`;
}

/** The layer of a task, from the local cache. */
export async function maybeCached(
  { plan, tree }: LayerTask,
  options: {
    readonly cache: Cache;
    readonly compression: CompressionPlan;
    /** Told of what the user should know of it. */
    readonly warn: (plan: LayerPlan, text: string) => void;
    /** Fingerprints of layers that this very run has built. */
    readonly built: ReadonlySet<string>;
    /** Whether only those are looked up. */
    readonly builtOnly: boolean;
  },
): Promise<MadeLayer | undefined> {
  const { cache, compression, warn, built, builtOnly } = options;
  if (builtOnly && built.size === 0) return undefined;
  const fingerprint = await fingerprintTree(plan, tree, compression);
  const isBuilt = built.has(fingerprint);
  if (builtOnly && !isBuilt) return undefined;
  const cached = await cache.getLayer(fingerprint);
  const notes = maybeParseNotes(cached?.notes);
  if (cached === undefined || notes === undefined) return undefined;
  if (!relocatesAlike(notes.texts, tree.relocations)) return undefined;
  const { descriptor, diffId } = cached;
  for (const text of notes.warnings) warn(plan, text);
  const status = isBuilt ? "built" : "cached";
  return { plan, descriptor: withAnnotations(descriptor, plan), diffId, status };
}

/** What building a layer needs. */
export interface LayerTools {
  readonly cache: Cache;
  /** Whether a layer that was built before, of another tree, may be taken if it is the same. */
  readonly useCache: boolean;
  readonly pool: CompressionPool;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  /** Told of what the user should know of it. */
  readonly warn: (plan: LayerPlan, text: string) => void;
  /** Told when the tree has been read. */
  readonly onRead?: () => void;
  /** Whether it fills the gaps that other layers leave. */
  readonly yields?: boolean;
}

/** Where it is kept which layers were built of trees of a shape. */
const SHAPES = "layer-shapes";
/** Shapes of the layers that this run has built: those are never from before, whatever `--no-cache` says. */
const builtNow = new WeakMap<Cache, Set<string>>();

/**
 * The layer that another tree gave, if this one gives the same: the tool of another platform if it is
 * neutral to that, or a tool that was installed anew. Compressing costs ten times what this does, which is
 * tried only for a tree that has the same names and sizes throughout.
 */
async function maybeSameLayer(
  { plan, baseDirectories, tree }: LayerTask,
  { cache, pool, signal, warn }: LayerTools,
  shape: string,
): Promise<BuiltLayer | undefined> {
  const fingerprint = await cache.getDocument(SHAPES, shape);
  const other = typeof fingerprint === "string" ? await cache.getLayer(fingerprint) : undefined;
  if (other === undefined) return undefined;
  const said: string[] = [];
  const { computeLayer } = await packModule();
  const layer = await computeLayer(plan, {
    tree,
    baseDirectories,
    signal,
    compression: pool.framing,
    warn: (text) => void said.push(text),
  });
  if (layer.diffId !== other.diffId) return undefined;
  for (const text of said) warn(plan, text);
  return { ...layer, descriptor: other.descriptor };
}

/** Remembers a layer by the fingerprint and the shape of what it was built of. */
async function keep(layer: BuiltLayer, cache: Cache, shape: string): Promise<void> {
  const { plan, descriptor, diffId, uncompressedSize, fingerprint, texts, warnings } = layer;
  if (texts === undefined) return;
  const notes = { texts, warnings };
  const label = layerTitle(plan);
  await Promise.all([
    cache.putLayer(fingerprint, { descriptor, diffId, uncompressedSize, label, notes }),
    cache.putDocument(SHAPES, shape, fingerprint),
  ]);
}

/** Builds the layer of a task and puts it into the local cache. */
export async function buildOne(task: LayerTask, tools: LayerTools): Promise<MadeLayer> {
  const { plan, baseDirectories, tree } = task;
  const { cache, pool, signal, reporter, warn } = tools;
  const name = layerTitle(plan);
  const id = `layer ${plan.kind} ${name}`;
  const shape = treeShape(tree, pool.framing);
  reporter.emit({ type: "start", id, label: name, total: tree.bytes });
  try {
    const mayBeSame = tools.useCache || builtNow.get(cache)?.has(shape) === true;
    const same = mayBeSame ? await maybeSameLayer(task, tools, shape) : undefined;
    const layer = same ?? await (await packModule()).buildLayer(plan, {
      tree,
      pool,
      sink: cache,
      baseDirectories,
      signal,
      onBytes: (bytes) => reporter.emit({ type: "advance", id, bytes }),
      warn: (text) => warn(plan, text),
      onRead: tools.onRead,
      yields: tools.yields,
    });
    await keep(layer, cache, shape);
    builtNow.set(cache, (builtNow.get(cache) ?? new Set()).add(shape));
    const status = same === undefined ? "built" : "cached";
    reporter.emit({ type: "done", id, note: status });
    const { descriptor, diffId } = layer;
    return { plan, descriptor: withAnnotations(descriptor, plan), diffId, status };
  } catch (error) {
    reporter.emit({ type: "failed", id });
    throw error;
  }
}
