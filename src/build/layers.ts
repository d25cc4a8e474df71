/**
 * Builds the layers of a plan: cached layers are reused, the others are built, several concurrently on one
 * pool of compression workers.
 * @module
 */
import { compressionParameters } from "../compress/parameters.ts";
import { BuildQueue } from "./schedule.ts";
import { type LayerConcern, maybeSecretsConcern, refuseSecrets } from "./inspect_tree.ts";
import type { MadeLayer } from "./types.ts";
import type { WorkflowContext } from "../context.ts";
import { fingerprintTree } from "../layer/pack/fingerprint.ts";
import { isLinkWarning } from "../layer/relocate/link_warning.ts";
import { hostPathSummary, isHostPathWarning } from "../layer/relocate/host_path_warning.ts";
import type { BaseDirectories, BuiltLayer, CompressionPool, LayerTree } from "../layer/mod.ts";
import { type CachedOptions, maybeCachedLayer, withAnnotations } from "./cached_layer.ts";
import { KnownScan } from "./known_scans.ts";
import { scanListed } from "../layer/tree/scan.ts";
import { treeShape } from "../layer/pack/shape.ts";
import type { TreeLists } from "../layer/tree/tree_lists.ts";
import type { BuildPlan, CompressionPlan, LayerPlan } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import type { Reporter } from "../ui/reporter.ts";

/** Imported on demand: not needed if all layers are cached. */
const packModule = () => import("../layer/pack/build.ts");
/** Imported on demand: compression workers. */
const poolModule = () => import("../compress/pool.ts");

/** Options of {@linkcode makeLayers}. */
export interface MakeLayersOptions {
  /** Receives blobs, and contains layers built earlier. */
  readonly cache: Cache;
  /** Whether cached layers are used; otherwise everything is built again. */
  readonly useCache: boolean;
  /** The directories of the base. */
  readonly baseDirectories: BaseDirectories;
  /** Checks the content of a layer; throws to refuse it. */
  readonly inspect?: (plan: LayerPlan, tree: LayerTree) => Promise<void>;
  /** Called for an existing layer whose tree is not needed for anything else. */
  readonly onFound?: (plan: LayerPlan) => void;
  /** Whether files with credentials are an error. */
  readonly strict: boolean;
  /** Number of concurrent jobs. */
  readonly jobs: number;
  /** Layers that already exist elsewhere, and that cannot be compared with files on this machine. */
  readonly maybeMade?: (plan: LayerPlan) => MadeLayer | undefined;
  /** Layers in a registry, used if they are identical to what would be built. */
  readonly maybeReusable?: (plan: LayerPlan) => MadeLayer | undefined;
  /** Trees that were listed already. */
  readonly lists?: TreeLists | undefined;
  /** Cache keys of layers that this run has already built; they are in the cache. */
  readonly built?: ReadonlySet<string>;
  /** Determines whether a layer that was scanned before is scanned again; by default, all are. */
  readonly known?: {
    /** Key of the base's contents: `baseContentKey`. */
    readonly groundKey: string;
    /** Whether the tree of a layer is needed although the layer is cached. */
    readonly isNeeded: (plan: LayerPlan) => boolean;
  };
}

/** How to scan layers. */
interface Scan {
  readonly compression: CompressionPlan;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  readonly warn: (plan: LayerPlan, text: string) => void;
  readonly exposure: Pick<BuildPlan, "compression" | "declared" | "allowed">;
  readonly onSecrets: (concern: LayerConcern) => void;
}

/** A layer that already exists, or the input for building it. */
async function lookUp(
  plan: LayerPlan,
  options: MakeLayersOptions,
  scan: Scan,
): Promise<MadeLayer | LayerTask> {
  const made = options.maybeMade?.(plan);
  if (made !== undefined) return made;
  const { baseDirectories, useCache, cache, lists, built = new Set<string>() } = options;
  const { signal, reporter } = scan;
  const reusable = options.maybeReusable?.(plan);
  const known = reusable === undefined ? await maybeKnown(plan, options, scan) : undefined;
  const looking = { ...scan, cache, built, builtOnly: !useCache };
  if (known?.fingerprint !== undefined) {
    const { fingerprint, relocations } = known;
    const cached = await maybeCachedLayer({ plan, fingerprint, relocations }, looking);
    if (cached !== undefined) return cached;
  }
  const tree = await scanListed(plan, { baseDirectories, signal }, known?.listed ?? lists);
  const task = { plan, baseDirectories, tree };
  await options.inspect?.(plan, tree);
  let searched = false;
  const concern = maybeSecretsConcern(plan, tree, scan.exposure, () => searched = true);
  if (concern !== undefined) scan.onSecrets(concern);
  else if (known !== undefined) {
    await known.keep(tree, {
      fingerprint: await fingerprintTree(plan, tree, scan.compression),
      searched,
    });
  }
  const cached = await maybeCached(task, looking);
  if (reusable === undefined) return cached ?? task;
  const warnings: string[] = [];
  const keep = { warn: (text: string): void => void warnings.push(text) };
  // A cached layer has a known diff ID; otherwise the whole tool is read.
  const { diffId } = cached ??
    await (await packModule()).computeDiffId(plan, { ...task, signal, ...keep });
  if (diffId === reusable.diffId) {
    for (const text of warnings) scan.warn(plan, text);
    // "reused" means that only the registry has it; the same content compressed differently is another
    // blob.
    return cached?.descriptor.digest === reusable.descriptor.digest ? cached : reusable;
  }
  const text = `${layerTitle(plan)} differs from the layer in ${reusable.reusedFrom}: not reused`;
  reporter.emit({ type: "detail", level: 1, text });
  return cached ?? task;
}

/** Facts about a layer before its scan, if nothing else reads its tree. */
async function maybeKnown(
  plan: LayerPlan,
  { known, useCache, cache, lists }: MakeLayersOptions,
  { exposure, signal }: Scan,
): Promise<KnownScan | undefined> {
  if (known === undefined || !useCache || known.isNeeded(plan)) return undefined;
  const { groundKey } = known;
  return await KnownScan.maybe(plan, { cache, groundKey, plan: exposure, lists, signal });
}

/** Minimum size of a file, in bytes, for starting its compression while trees are scanned. */
const LARGE = 8 << 20;

/** A large file that can be compressed while trees are scanned, such as mise's own executable. */
function isLargeFile({ sources }: LayerPlan): boolean {
  const [source] = sources;
  if (sources.length !== 1 || source?.type !== "file") return false;
  try {
    const { isFile, size } = Deno.statSync(source.hostPath);
    return isFile && size >= LARGE;
  } catch {
    // The scan reports the error.
    return false;
  }
}

/** Collects warnings of layers: those about host directories are combined into one. */
class LayerWarnings {
  readonly #reporter: Reporter;
  readonly #hostPaths = new Map<string, string>();
  /** Dangling links, by layer: a distribution's Java has dozens. */
  readonly #links = new Map<string, string[]>();
  /** Whether links make the host's directories exist in the image. */
  readonly #linked: boolean;

  constructor(reporter: Reporter, { layers }: BuildPlan) {
    this.#reporter = reporter;
    this.#linked = layers.some(({ sources }) => sources.some(({ type }) => type === "link"));
  }

  add(layer: LayerPlan, text: string): void {
    const title = layerTitle(layer);
    if (isHostPathWarning(text)) this.#hostPaths.set(title, text);
    else if (isLinkWarning(text)) this.#links.set(title, [...this.#links.get(title) ?? [], text]);
    else this.#reporter.emit({ type: "warning", text: `${title}: ${text}` });
  }

  addSecrets({ text, paths: items }: LayerConcern): void {
    const readable = `${text}; everyone who can pull the image can read them`;
    this.#reporter.emit({ type: "warning", text: readable, items });
  }

  end(): void {
    for (const [title, links] of this.#links) {
      const [first = "", ...more] = links;
      const others = more.length === 1 ? "another does" : `${more.length} others do`;
      const text = more.length === 0 ? first : `${first}; ${others} the same (-v lists them)`;
      this.#reporter.emit({
        type: "warning",
        text: `${title}: ${text}`,
        ...(more.length === 0 ? {} : { items: links }),
      });
    }
    if (this.#hostPaths.size === 0 || this.#linked) return;
    const text = hostPathSummary([...this.#hostPaths.keys()]);
    const items = Array.from(this.#hostPaths, ([title, files]) => `${title}: ${files}`);
    this.#reporter.emit({ type: "warning", text, items });
  }
}

/**
 * Makes every layer of a plan, bottom first. The largest is started first, so that the others fill the gaps
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
  const { cache, useCache } = options;
  const { reporter } = context;
  const warnings = new LayerWarnings(reporter, plan);
  const warn = (layer: LayerPlan, text: string): void => warnings.add(layer, text);
  const made = new Map<LayerPlan, MadeLayer>();
  const secrets: LayerConcern[] = [];
  const onSecrets = (concern: LayerConcern): void => void secrets.push(concern);
  const queue = new BuildQueue(context.signal);
  const { signal } = queue;
  const scan = { compression, signal, reporter, warn, onSecrets, exposure: plan };
  compressionParameters(compression);
  await using pools = new AsyncDisposableStack();
  let pool: CompressionPool | undefined;
  let building = 0;
  await queue.all(async () => {
    // Large files first, the others in the order of the image.
    const large = new Set(layers.filter(isLargeFile));
    for (const layer of [...large, ...layers.filter((layer) => !large.has(layer))]) {
      signal.throwIfAborted();
      const found = await lookUp(layer, options, scan);
      if (!("tree" in found)) {
        made.set(layer, found);
        // The check has not read a layer that this run built, and reads it from the tree, not from the blob.
        const isOld = found.status !== "built";
        if (isOld && options.known?.isNeeded(layer) === false) options.onFound?.(layer);
        continue;
      }
      building++;
      const { bytes } = found.tree;
      if (pool === undefined) {
        const { createCompressionPool } = await poolModule();
        pool = pools.use(createCompressionPool({ compression, workers: options.jobs }));
      }
      pool.prepare(bytes);
      const tools = { cache, useCache, pool, signal, reporter, warn };
      queue.add(bytes, async (onRead, yields) => {
        made.set(layer, await buildOne(found, { ...tools, onRead, yields }));
      }, { fills: large.has(layer) });
    }
    if (options.strict) refuseSecrets(secrets);
    for (const concern of secrets) warnings.addSecrets(concern);
    const text = `${layers.length} layers, ${building} to build`;
    reporter.emit({ type: "detail", level: 1, text });
  });
  warnings.end();
  return layers.flatMap((layer) => made.get(layer) ?? []);
}

/** A scanned layer that may have to be built. */
export interface LayerTask {
  /** Its plan. */
  readonly plan: LayerPlan;
  /** The directories of the base. */
  readonly baseDirectories: BaseDirectories;
  /** Its contents. */
  readonly tree: LayerTree;
}

/** The title of a layer: its name with the version. */
function layerTitle({ name, version }: LayerPlan): string {
  return version === undefined ? name : `${name} ${version}`;
}

/** The layer of a task, from the local cache. */
export async function maybeCached(
  { plan, tree }: LayerTask,
  options: CachedOptions,
): Promise<MadeLayer | undefined> {
  if (options.builtOnly && options.built.size === 0) return undefined;
  const fingerprint = await fingerprintTree(plan, tree, options.compression);
  return await maybeCachedLayer({ plan, fingerprint, relocations: tree.relocations }, options);
}

/** Input for building layers. */
export interface LayerTools {
  readonly cache: Cache;
  /** Whether an identical layer built earlier from another tree may be used. */
  readonly useCache: boolean;
  readonly pool: CompressionPool;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  /** Called with warnings about it. */
  readonly warn: (plan: LayerPlan, text: string) => void;
  /** Called when the tree has been read. */
  readonly onRead?: () => void;
  /** Whether it fills the gaps left by other layers. */
  readonly yields?: boolean;
}

/** Cached documents that map the shape of a tree to a layer. */
const SHAPES = "layer-shapes";
/** Shapes of the layers built in this run, which may be reused even with `--no-cache`. */
const builtNow = new WeakMap<Cache, Set<string>>();

/**
 * The layer of another tree, if this one gives the same bytes: for example a platform-neutral tool of
 * another platform, or a tool that was reinstalled. This costs a tenth of compressing, and is only tried if
 * names and sizes are the same.
 */
async function maybeSameLayer(
  { plan, baseDirectories, tree }: LayerTask,
  { cache, pool, signal, warn }: LayerTools,
  shape: string,
): Promise<BuiltLayer | undefined> {
  const fingerprint = await cache.getDocument(SHAPES, shape);
  const other = typeof fingerprint === "string" ? await cache.getLayer(fingerprint) : undefined;
  if (other === undefined) return undefined;
  const warnings: string[] = [];
  const { computeLayer } = await packModule();
  const layer = await computeLayer(plan, {
    tree,
    baseDirectories,
    signal,
    compression: pool.parameters,
    warn: (text) => void warnings.push(text),
  });
  if (layer.diffId !== other.diffId) return undefined;
  for (const text of warnings) warn(plan, text);
  return { ...layer, descriptor: other.descriptor };
}

/** Stores a layer by the cache key and the shape of its input. */
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

/** Builds the layer of a task and adds it to the local cache. */
export async function buildOne(task: LayerTask, tools: LayerTools): Promise<MadeLayer> {
  const { plan, baseDirectories, tree } = task;
  const { cache, pool, signal, reporter, warn } = tools;
  const name = layerTitle(plan);
  const id = `layer ${plan.kind} ${name}`;
  const shape = treeShape(tree, pool.parameters);
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
