/**
 * Provides the base for the layers of tools: the base image with system packages installed.
 * @module
 */
import type { BaseDirectories } from "../../layer/mod.ts";
import { readBaseDirectories } from "./base_facts.ts";
import type { BaseImage } from "./base_image.ts";
import type { MadeLayer, PlannedImage } from "../types.ts";
import type { PackagesLayerOptions } from "./packages_layer.ts";
import { openBase } from "./open_base.ts";
import type { Cache } from "../../store/mod.ts";
import type { BuildRequest } from "../types.ts";
import type { WorkflowContext } from "../../context.ts";

/** Imported on demand: system packages. */
const packagesModule = () => import("./packages_layer.ts");

/**
 * Maximum number of layers of an image in docker: overlayfs supports 127 directories, and a container adds
 * two.
 */
const MAX_DOCKER_LAYERS = 125;

/** Warns before the build if docker will refuse the image. */
function warnOfDepth(
  { plan, project }: PlannedImage,
  base: BaseImage,
  context: WorkflowContext,
): void {
  const count = base.layers.length + plan.layers.length;
  // With max_layers tools share layers.
  if (count <= MAX_DOCKER_LAYERS || project.oci.maxLayers !== undefined) return;
  context.reporter.emit({
    type: "warning",
    text:
      `The image has ${count} layers: docker takes ${MAX_DOCKER_LAYERS} at most, and podman on overlayfs about ` +
      `as many. Set max_layers = ${MAX_DOCKER_LAYERS} under [_.oci]: the smallest tools then share a layer`,
  });
}

// Imported on demand: few builds create a bill of materials.
const readerModule = () => import("./layer_packages.ts");

/** Opens the base; if requested, its packages are listed when its layers are first read. */
async function openGround(
  planned: PlannedImage,
  { request: { pull, listPackages }, cache }: LayGroundOptions,
  { lazy, context }: { readonly lazy: boolean; readonly context: WorkflowContext },
): Promise<BaseImage> {
  const base = await openBase(planned, { cache, pull, lazy }, context);
  if (listPackages !== true) return base;
  return { ...base, alsoRead: (await readerModule()).packagesReader(cache) };
}

/** The layer of system packages, if the plan has one. */
async function maybePackages(
  planned: PlannedImage,
  options: PackagesLayerOptions,
  context: WorkflowContext,
): Promise<MadeLayer | undefined> {
  if (planned.plan.layers.every(({ kind }) => kind !== "packages")) return undefined;
  return await (await packagesModule()).maybeMakePackagesLayer(planned, options, context);
}

/** Options of {@linkcode layGround}. */
export interface LayGroundOptions {
  /** When to contact the registry. */
  readonly request: Pick<BuildRequest, "pull" | "listPackages">;
  /** Receives blobs. */
  readonly cache: Cache;
  /** Whether cached packages are used; otherwise they are installed again. */
  readonly useCache: boolean;
  /** Number of compression workers. */
  readonly jobs: number;
  /** Whether layers of the base may stay in its registry until they have to be read. */
  readonly lazyBase?: boolean;
}

/** The base with packages, on which the layers of tools are placed. */
export interface Ground {
  readonly base: BaseImage;
  /** The layer of system packages. */
  readonly packages: MadeLayer | undefined;
  /** The base with the packages layer. */
  readonly ground: BaseImage;
  /** The directories of the base with packages. */
  readonly baseDirectories: BaseDirectories;
}

/**
 * Opens the base, installs packages into it and reads its directories.
 *
 * @throws {MiseOciError} naming the base or the packages and what is wrong with them.
 */
export async function layGround(
  planned: PlannedImage,
  options: LayGroundOptions,
  context: WorkflowContext,
): Promise<Ground> {
  const { cache, useCache, jobs, lazyBase = false } = options;
  // Packages are installed into the base's files.
  const lazy = lazyBase && planned.plan.layers.every(({ kind }) => kind !== "packages");
  const base = await openGround(planned, options, { lazy, context });
  warnOfDepth(planned, base, context);
  const packages = await maybePackages(planned, { base, cache, useCache, jobs }, context);
  const ground = packages === undefined ? base : { ...base, layers: [...base.layers, packages] };
  const baseDirectories = await readBaseDirectories(ground, cache, context);
  return { base, packages, ground, baseDirectories };
}
