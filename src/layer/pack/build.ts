/**
 * Builds a layer: scan, pack, hash, compress, write, and verify that the tree did not change.
 * @module
 */
import type { DiffId } from "../../oci/mod.ts";
import { type Descriptor, layerMediaType, sortKeys } from "../../oci/mod.ts";
import type { CompressionPlan, LayerPlan } from "../../plan/types.ts";
import { changedError } from "./content.ts";
import { type RelocatedText, RelocatedTexts } from "../relocate/dependencies.ts";
import { TreeChangedError } from "../errors.ts";
import { fingerprintTree } from "./fingerprint.ts";
import { HostPathFinder } from "../relocate/host_paths.ts";
import { HashOutput, LayerOutput, type TarSink, type TarSummary } from "./output.ts";
import { packEntries, type Positions } from "./pack.ts";
import type { CompressionPool } from "../../compress/pool.ts";
import { type LayerTree, type ScanContext, scanLayer } from "../tree/scan.ts";
import type { LayerSink } from "./sink.ts";
import { maybeChange, outwaitClock } from "./steady.ts";

/** What a diff ID depends on besides the plan. */
export interface PackContext extends ScanContext {
  /** A recent scan of the plan, to use instead of a new one. */
  readonly tree?: LayerTree;
  /**
   * Called with the number of tar bytes packed. A negative number cancels earlier ones, when the tree
   * changed and the layer is packed again.
   */
  readonly onBytes?: (bytes: number) => void;
  /** Called with warnings, one sentence each. */
  readonly warn?: (text: string) => void;
  /** Called once the tree has been read; the rest waits only for workers and disk. */
  readonly onRead?: (() => void) | undefined;
}

/** What building a layer depends on besides the plan. */
export interface LayerContext extends PackContext {
  /** The compression workers. */
  readonly pool: CompressionPool;
  /** Destination of the blob. */
  readonly sink: LayerSink;
  /** Whether blocks of other layers have priority; see {@linkcode CompressionPool.join}. */
  readonly yields?: boolean | undefined;
}

/** A layer that has been built and stored. */
export interface BuiltLayer {
  /** The plan it was built from. */
  readonly plan: LayerPlan;
  /** The blob, annotations sorted by key. */
  readonly descriptor: Descriptor;
  /** Digest of the tar. */
  readonly diffId: DiffId;
  /** Length of the tar in bytes. */
  readonly uncompressedSize: number;
  /** Cache key of what was packed. */
  readonly fingerprint: string;
  /** Rewritten texts that depend on other tools; absent if there are too many. */
  readonly texts?: readonly RelocatedText[];
  /** Warnings, to be repeated when the layer is taken from a cache. */
  readonly warnings: readonly string[];
}

/**
 * Builds a layer and stores its blob. If the tree changes meanwhile, the layer is built once more.
 *
 * @throws {MiseOciError} `io` for a tree that keeps changing, vanishes or cannot be read; `not-found`,
 * `invalid` as {@linkcode scanLayer}; errors of the sink.
 */
export async function buildLayer(plan: LayerPlan, context: LayerContext): Promise<BuiltLayer> {
  const { pool, sink, signal, yields } = context;
  const attend = { ...context, reportHostPaths: plan.policies.isInstall === true };
  const packed = await packSteadily(plan, attend, async (onBytes) => {
    const writer = await sink.create();
    const write = (bytes: Uint8Array): Promise<void> => writer.write(bytes);
    const output = new LayerOutput(pool, { signal, onBytes, write, yields });
    const abandon = async (): Promise<void> => {
      await output.abort();
      await writer.abort();
    };
    return { output, writer, abandon };
  });
  const { tree, summary, warnings } = packed;
  // Concurrently with the flush of the blob.
  const [{ digest, size }, fingerprint] = await Promise.all([
    packed.attempt.writer.commit(),
    fingerprintTree(plan, tree, pool.parameters),
  ]);
  const texts = packed.texts.list();
  return {
    plan,
    descriptor: {
      mediaType: layerMediaType(pool.parameters.kind),
      digest,
      size,
      annotations: sortKeys(plan.annotations),
    },
    diffId: summary.diffId,
    uncompressedSize: summary.size,
    fingerprint,
    ...(texts === undefined ? {} : { texts }),
    warnings,
  };
}

/**
 * Computes everything about a layer except its blob: packs and hashes, without compressing or storing.
 *
 * @throws {MiseOciError} as {@linkcode buildLayer}.
 */
export async function computeLayer(
  plan: LayerPlan,
  context: PackContext & { readonly compression: CompressionPlan },
): Promise<Omit<BuiltLayer, "descriptor">> {
  const attend = { ...context, reportHostPaths: plan.policies.isInstall === true };
  const packed = await packSteadily(plan, attend, (onBytes) => {
    const output = new HashOutput({ signal: context.signal, onBytes });
    return Promise.resolve({ output, abandon: () => Promise.resolve() });
  });
  const { tree, summary, warnings } = packed;
  const texts = packed.texts.list();
  return {
    plan,
    diffId: summary.diffId,
    uncompressedSize: summary.size,
    fingerprint: await fingerprintTree(plan, tree, context.compression),
    ...(texts === undefined ? {} : { texts }),
    warnings,
  };
}

/**
 * Computes the diff ID and size of a layer's tar, without compressing or storing it.
 *
 * @throws {MiseOciError} as {@linkcode buildLayer}.
 */
export async function computeDiffId(plan: LayerPlan, context: PackContext): Promise<TarSummary> {
  const { summary } = await packSteadily(plan, context, (onBytes) => {
    const output = new HashOutput({ signal: context.signal, onBytes });
    return Promise.resolve({ output, abandon: () => Promise.resolve() });
  });
  return summary;
}

/** One attempt to pack a layer. */
interface Attempt {
  /** Destination of the tar. */
  readonly output: TarSink & { finish(): TarSummary | Promise<TarSummary> };
  /** Discards what was written. */
  abandon(): Promise<void>;
}

/** A layer that was packed without changes to its tree. */
interface Packed<A extends Attempt> {
  readonly attempt: A;
  readonly tree: LayerTree;
  readonly summary: TarSummary;
  readonly texts: RelocatedTexts;
  readonly warnings: readonly string[];
}

/** Packs a layer, and once more if its tree changed meanwhile. */
async function packSteadily<A extends Attempt>(
  plan: LayerPlan,
  context: PackContext & { readonly reportHostPaths?: boolean },
  begin: (onBytes: (bytes: number) => void) => Promise<A>,
): Promise<Packed<A>> {
  let tree = context.tree ?? await scanLayer(plan, context);
  for (let retried = false;; retried = true) {
    await outwaitClock(tree);
    let packed = 0;
    const attempt = await begin((bytes) => {
      packed += bytes;
      context.onBytes?.(bytes);
    });
    try {
      const warnings = [...tree.warnings];
      const texts = new RelocatedTexts();
      const { finishing, settled } = await packOnce(tree, { context, attempt, warnings, texts });
      // Everything has been read; checked while the last blocks are compressed.
      const changed = await maybeChange(plan, tree, { ...context, settled });
      if (changed !== undefined) {
        throw new TreeChangedError(changed, "changed while the layer was built");
      }
      const summary = await finishing;
      if (context.warn !== undefined) warnings.forEach(context.warn);
      return { attempt, tree, summary, texts, warnings };
    } catch (error) {
      await attempt.abandon();
      if (!(error instanceof TreeChangedError)) throw error;
      if (retried) throw changedError(plan.name, error);
      context.onBytes?.(-packed);
      tree = await scanLayer(plan, context);
    }
  }
}

async function packOnce(
  tree: LayerTree,
  { context, attempt, warnings, texts }: {
    readonly context: PackContext & { readonly reportHostPaths?: boolean };
    readonly attempt: Attempt;
    readonly warnings: string[];
    readonly texts: RelocatedTexts;
  },
): Promise<{ readonly finishing: Promise<TarSummary>; readonly settled: Positions }> {
  context.signal?.throwIfAborted();
  const hostPaths = context.reportHostPaths === true
    ? new HostPathFinder(tree.relocations)
    : undefined;
  const settled = await packEntries(tree.entries, attempt.output, {
    relocations: tree.relocations,
    provided: (path) => context.baseDirectories.has(path),
    warn: (text) => void warnings.push(text),
    texts,
    hostPaths,
  });
  context.onRead?.();
  warnings.push(...[hostPaths?.warning()].flatMap((text) => text ?? []));
  const finish = async (): Promise<TarSummary> => await attempt.output.finish();
  const finishing = finish();
  finishing.catch(() => {});
  return { finishing, settled };
}
