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
import { relocatesAlike } from "../layer/relocate/dependencies.ts";
import { fingerprintTree } from "../layer/pack/fingerprint.ts";
import { isLinkWarning } from "../layer/relocate/link_warning.ts";
import { hostPathSummary, isHostPathWarning } from "../layer/relocate/host_path_warning.ts";
import type {
  BaseDirectories,
  BuiltLayer,
  CompressionPool,
  LayerTree,
  RelocatedText,
  RelocationMap,
} from "../layer/mod.ts";
import { KnownScan } from "./known_scans.ts";
import { scanListed } from "../layer/tree/scan.ts";
import { treeShape } from "../layer/pack/shape.ts";
import type { TreeLists } from "../layer/tree/tree_lists.ts";
import type { Descriptor } from "../oci/mod.ts";
import type { BuildPlan, CompressionPlan, LayerPlan } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import type { Reporter } from "../ui/reporter.ts";

/** What packs and compresses a layer: nothing of it is needed if all layers are cached. */
const packModule = () => import("../layer/pack/build.ts");
/** The workers that compress. */
const poolModule = () => import("../compress/pool.ts");

/** What making layers needs. */
export interface MakeLayersOptions {
  /** Where blobs go and built layers are looked up. */
  readonly cache: Cache;
  /** Looks layers up; without, everything is built again. */
  readonly useCache: boolean;
  /** Directories that the base has. */
  readonly baseDirectories: BaseDirectories;
  /** Checks the content of a layer; throws to refuse it. */
  readonly inspect?: (plan: LayerPlan, tree: LayerTree) => Promise<void>;
  /** Told of a layer that is there already: nothing reads its tree any more. */
  readonly onFound?: (plan: LayerPlan) => void;
  /** Whether files that hold credentials are an error. */
  readonly strict: boolean;
  /** How many things at once. */
  readonly jobs: number;
  /** Layers that already exist elsewhere, and that cannot be compared with files on this machine. */
  readonly maybeMade?: (plan: LayerPlan) => MadeLayer | undefined;
  /** Layers of a registry, used if they are what would be built here. */
  readonly maybeReusable?: (plan: LayerPlan) => MadeLayer | undefined;
  /** Trees that were listed already. */
  readonly lists?: TreeLists | undefined;
  /** Fingerprints of layers that this run has built already; they are in the cache. */
  readonly built?: ReadonlySet<string>;
  /** When a layer that was scanned before need not be scanned again; without, all are. */
  readonly known?: {
    /** Key of what the base holds: `baseContentKey`. */
    readonly groundKey: string;
    /** Whether something besides this look-up reads the tree of a layer. */
    readonly isNeeded: (plan: LayerPlan) => boolean;
  };
}

/** How layers are scanned. */
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

/** What is known of a layer whose tree nothing else reads. */
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
    // The scan meets the same error and reports it.
    return false;
  }
}

/** Warnings of layers: files that name the host's directories are one for all of them. */
class LayerWarnings {
  readonly #reporter: Reporter;
  readonly #hostPaths = new Map<string, string>();
  /** Links that lead nowhere, by layer: a distribution's Java has dozens. */
  readonly #links = new Map<string, string[]>();
  /** Whether the host's directories lead to the image's. */
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
        options.onFound?.(layer);
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

/** A layer that may have to be built and has been scanned. */
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

/** How cached layers are looked up. */
interface CachedOptions {
  readonly cache: Cache;
  readonly compression: CompressionPlan;
  /** Called with warnings about it. */
  readonly warn: (plan: LayerPlan, text: string) => void;
  /** Fingerprints of layers that this very run has built. */
  readonly built: ReadonlySet<string>;
  /** Whether only these layers are looked up. */
  readonly builtOnly: boolean;
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

async function maybeCachedLayer(
  { plan, fingerprint, relocations }: {
    readonly plan: LayerPlan;
    readonly fingerprint: string;
    readonly relocations: RelocationMap;
  },
  { cache, warn, built, builtOnly }: CachedOptions,
): Promise<MadeLayer | undefined> {
  const isBuilt = built.has(fingerprint);
  if (builtOnly && !isBuilt) return undefined;
  const cached = await cache.getLayer(fingerprint);
  const notes = maybeParseNotes(cached?.notes);
  if (cached === undefined || notes === undefined) return undefined;
  if (!relocatesAlike(notes.texts, relocations)) return undefined;
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
  /** Called with warnings about it. */
  readonly warn: (plan: LayerPlan, text: string) => void;
  /** Called when the tree has been read. */
  readonly onRead?: () => void;
  /** Whether it fills the gaps that other layers leave. */
  readonly yields?: boolean;
}

/** Where it is kept which layers were built of trees of a shape. */
const SHAPES = "layer-shapes";
/** Shapes of the layers built in this run: these may be reused even with `--no-cache`. */
const builtNow = new WeakMap<Cache, Set<string>>();

/**
 * The layer of another tree, if this one gives the same bytes: for example a platform-neutral tool of another
 * platform, or a tool that was installed again. This costs a tenth of compressing, and is tried only for a
 * tree with the same names and sizes.
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
    compression: pool.parameters,
    warn: (text) => void said.push(text),
  });
  if (layer.diffId !== other.diffId) return undefined;
  for (const text of said) warn(plan, text);
  return { ...layer, descriptor: other.descriptor };
}

/** Stores a layer by the fingerprint and the shape of its input. */
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

/** A blob with the annotations of the layer that it is now: equal blobs can be different layers. */
export function withAnnotations(descriptor: Descriptor, plan: LayerPlan): Descriptor {
  const { mediaType, digest, size } = descriptor;
  return { mediaType, digest, size, annotations: plan.annotations };
}

/** Notes on a cached layer. */
export interface LayerNotes {
  /** Texts that relocation examined. */
  readonly texts: readonly RelocatedText[];
  /** What the user should know, one sentence each. */
  readonly warnings: readonly string[];
}

function isText(value: unknown): value is RelocatedText {
  if (typeof value !== "object" || value === null) return false;
  const { kind, before, after } = value as Record<string, unknown>;
  return (kind === "shebang" || kind === "venv" || kind === "content") &&
    typeof before === "string" && typeof after === "string";
}

/** Parses the notes of a cache entry; `undefined` if they are none, which makes the entry a miss. */
export function maybeParseNotes(value: unknown): LayerNotes | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { texts, warnings } = value as Record<string, unknown>;
  if (!Array.isArray(texts) || !texts.every(isText)) return undefined;
  if (!Array.isArray(warnings) || !warnings.every((text) => typeof text === "string")) {
    return undefined;
  }
  return { texts, warnings };
}
