/**
 * The layer of system packages: built from the base's files, cached by base and requested packages.
 * @module
 */
import { createCompressionPool } from "../../layer/mod.ts";
import {
  buildPackagesLayer,
  packagesFingerprint,
  type PackagesRequest,
  planPackages,
} from "../../packages/mod.ts";
import type { LayerPlan } from "../../plan/mod.ts";
import { type Cache, rootfsDirectory } from "../../store/mod.ts";
import { readBaseFiles } from "./base_files.ts";
import type { BaseImage } from "./base_image.ts";
import type { MadeLayer, PlannedImage } from "../types.ts";
import { hostEnv } from "../host/environment.ts";
import { maybeParseNotes, withAnnotations } from "../cached_layer.ts";
import type { WorkflowContext } from "../../context.ts";

/** Options of {@linkcode maybeMakePackagesLayer}. */
export interface PackagesLayerOptions {
  /** The base; its layers are in the cache. */
  readonly base: BaseImage;
  /** Receives the layer, and contains cached ones. */
  readonly cache: Cache;
  /** Uses the cached layer; otherwise the newest versions of the packages are installed again. */
  readonly useCache: boolean;
  /** Number of compression workers. */
  readonly jobs: number;
}

/** Installs the packages of a plan and caches the layer. */
async function build(
  layer: LayerPlan,
  request: PackagesRequest,
  options: PackagesLayerOptions & { readonly pool: ReturnType<typeof createCompressionPool> },
  context: WorkflowContext,
): Promise<MadeLayer> {
  const { cache, pool } = options;
  const { reporter, signal } = context;
  const id = `layer packages ${layer.name}`;
  const label = `${layer.name} packages`;
  reporter.emit({ type: "start", id, label });
  try {
    const built = await buildPackagesLayer(request, {
      workDir: rootfsDirectory(cache.dir),
      pool,
      sink: cache,
      env: hostEnv,
      signal,
      warn: (text) => reporter.emit({ type: "warning", text }),
      detail: (level, text) => reporter.emit({ type: "detail", level, text }),
    });
    const { descriptor, diffId, uncompressedSize, fingerprint, warnings } = built;
    const notes = { texts: [], warnings };
    await cache.putLayer(fingerprint, { descriptor, diffId, uncompressedSize, label, notes });
    reporter.emit({ type: "done", id, note: "built" });
    return { plan: layer, descriptor: withAnnotations(descriptor, layer), diffId, status: "built" };
  } catch (error) {
    reporter.emit({ type: "failed", id });
    throw error;
  }
}

/**
 * Refuses packages for a base without a package manager, before anything is fetched.
 *
 * @throws {MiseOciError} `packages`.
 */
export function refuseOnScratch({ plan, project }: PlannedImage): void {
  if (plan.from.kind !== "scratch") return;
  const { platform, fromText: from } = plan;
  planPackages(project.packages ?? [], { platform, from, base: undefined });
}

/**
 * Makes the layer of system packages; `undefined` if the plan has none. Only if the layer is not cached,
 * the base is read and packages are installed.
 *
 * @throws {MiseOciError} `packages`, `permission` with the reason why packages cannot be installed on the
 * base or on this host.
 */
export async function maybeMakePackagesLayer(
  { plan, project }: PlannedImage,
  options: PackagesLayerOptions,
  context: WorkflowContext,
): Promise<MadeLayer | undefined> {
  const layer = plan.layers.find(({ packages }) => packages !== undefined);
  if (layer?.packages === undefined) return undefined;
  const { base, cache, useCache, jobs } = options;
  const request: PackagesRequest = {
    ...layer.packages,
    platform: plan.platform,
    baseLayers: base.layers.map(({ descriptor, diffId }) => ({
      descriptor,
      diffId,
      open: () => cache.open(descriptor.digest),
    })),
  };
  await using pool = createCompressionPool({ compression: plan.compression, workers: jobs });
  const cached = useCache
    ? await cache.getLayer(packagesFingerprint(request, pool.parameters))
    : undefined;
  if (cached !== undefined) {
    const { descriptor, diffId, notes } = cached;
    for (const text of maybeParseNotes(notes)?.warnings ?? []) {
      context.reporter.emit({ type: "warning", text });
    }
    const found = withAnnotations(descriptor, layer);
    return { plan: layer, descriptor: found, diffId, status: "cached" };
  }
  const files = await readBaseFiles(base, cache, context);
  planPackages(project.packages ?? [], {
    platform: plan.platform,
    from: plan.fromText,
    base: files,
  });
  return await build(layer, request, { ...options, pool }, context);
}
