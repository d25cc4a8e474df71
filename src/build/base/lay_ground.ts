/**
 * What lies below the layers of tools: the base image and the system packages installed into it.
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

/** System packages. */
const packagesModule = () => import("./packages_layer.ts");

/**
 * Maximum number of layers of an image in docker: overlayfs supports 127 directories, and a container adds
 * two.
 */
const MAX_DOCKER_LAYERS = 125;

/** Says so before the build if docker will refuse the image. */
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

/* Loaded late: few builds make a bill of materials. */
const readerModule = () => import("./layer_packages.ts");

/** The base, whose packages are listed when its layers are read for the first time. */
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

/** What getting the base takes. */
export interface LayGroundOptions {
  /** When to contact the registry. */
  readonly request: Pick<BuildRequest, "pull" | "listPackages">;
  /** Where blobs go. */
  readonly cache: Cache;
  /** Whether cached packages are used; otherwise they are installed again. */
  readonly useCache: boolean;
  /** How many compression workers. */
  readonly jobs: number;
  /** Whether layers of the base may stay in its registry until they have to be read. */
  readonly lazyBase?: boolean;
}

/** What lies below the layers of tools. */
export interface Ground {
  readonly base: BaseImage;
  /** The layer of system packages. */
  readonly packages: MadeLayer | undefined;
  /** The base with what packages added to it. */
  readonly ground: BaseImage;
  /** The directories of both. */
  readonly baseDirectories: BaseDirectories;
}

/**
 * Gets the base, installs packages into it and reads which directories there are.
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
