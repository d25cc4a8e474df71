/**
 * Makes the layers of a plan: those that were built before come from the cache, the others are built,
 * several at once on one pool of compression workers.
 * @module
 */
import { resolveFraming } from "../layer/compression.ts";
import { hostPathSummary, isHostPathWarning } from "../layer/host_paths.ts";
import type { BaseDirectories, CompressionPool, LayerTree } from "../layer/mod.ts";
import { scanListed } from "../layer/scan.ts";
import type { TreeLists } from "../layer/tree_lists.ts";
import type { BuildPlan, CompressionPlan, LayerPlan } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import type { Reporter } from "../ui/reporter.ts";
import { buildOne, type LayerTask, layerTitle, maybeCached } from "./build_layer.ts";
import { BuildQueue } from "./build_queue.ts";
import { type LayerConcern, maybeSecretsConcern, refuseSecrets } from "./inspect_layer.ts";
import type { MadeLayer } from "./made_layer.ts";
import type { WorkflowContext } from "../context.ts";

/** What packs and compresses a layer: nothing of it is needed if all layers are cached. */
const packModule = () => import("../layer/build.ts");
/** The workers that compress. */
const poolModule = () => import("../layer/pool.ts");

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

/** How layers are looked at. */
interface Scan {
  readonly compression: CompressionPlan;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  readonly warn: (plan: LayerPlan, text: string) => void;
  readonly exposure: Pick<BuildPlan, "declared" | "allowed">;
  readonly onSecrets: (concern: LayerConcern) => void;
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
  const concern = maybeSecretsConcern(plan, tree, scan.exposure);
  if (concern !== undefined) scan.onSecrets(concern);
  const cached = await maybeCached(task, { ...scan, cache, built, builtOnly: !useCache });
  const reusable = options.maybeReusable?.(plan);
  if (reusable === undefined) return cached ?? task;
  const warnings: string[] = [];
  const keep = { warn: (text: string): void => void warnings.push(text) };
  // A cached layer knows its diff ID; without one, all of the tool is read.
  const { diffId } = cached ??
    await (await packModule()).computeDiffId(plan, { ...task, signal, ...keep });
  if (diffId === reusable.diffId) {
    for (const text of warnings) scan.warn(plan, text);
    // "reused" is what only the registry has; the same bytes compressed otherwise are another blob.
    return cached?.descriptor.digest === reusable.descriptor.digest ? cached : reusable;
  }
  const text = `${layerTitle(plan)} differs from the layer in ${reusable.reusedFrom}: not reused`;
  reporter.emit({ type: "detail", level: 1, text });
  return cached ?? task;
}

/** Bytes of a file that are worth beginning with while the trees are looked at. */
const LARGE = 8 << 20;

/** A large file that can be compressed while the trees are looked at, such as mise's own executable. */
function isLargeFile({ sources }: LayerPlan): boolean {
  const [source] = sources;
  if (sources.length !== 1 || source?.type !== "file") return false;
  try {
    const { isFile, size } = Deno.statSync(source.hostPath);
    return isFile && size >= LARGE;
  } catch {
    // Whoever scans it meets the same and says so.
    return false;
  }
}

/** Warnings of layers: files that name the host's directories are one for all of them. */
class LayerWarnings {
  readonly #reporter: Reporter;
  readonly #hostPaths = new Map<string, string>();

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
  }

  add(layer: LayerPlan, text: string): void {
    const title = layerTitle(layer);
    if (isHostPathWarning(text)) this.#hostPaths.set(title, text);
    else this.#reporter.emit({ type: "warning", text: `${title}: ${text}` });
  }

  addSecrets({ text, paths: items }: LayerConcern): void {
    const readable = `${text}; everyone who can pull the image can read them`;
    this.#reporter.emit({ type: "warning", text: readable, items });
  }

  end(): void {
    if (this.#hostPaths.size === 0) return;
    const text = hostPathSummary([...this.#hostPaths.keys()]);
    const items = Array.from(this.#hostPaths, ([title, files]) => `${title}: ${files}`);
    this.#reporter.emit({ type: "warning", text, items });
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
  const { cache, useCache } = options;
  const { reporter } = context;
  const warnings = new LayerWarnings(reporter);
  const warn = (layer: LayerPlan, text: string): void => warnings.add(layer, text);
  const made = new Map<LayerPlan, MadeLayer>();
  const secrets: LayerConcern[] = [];
  const onSecrets = (concern: LayerConcern): void => void secrets.push(concern);
  const queue = new BuildQueue(context.signal);
  const { signal } = queue;
  const scan = { compression, signal, reporter, warn, onSecrets, exposure: plan };
  resolveFraming(compression);
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
