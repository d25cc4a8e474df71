/**
 * Opens the base image, from any source.
 * @module
 */
import { mapConcurrently } from "../../concurrency.ts";
import { resolveImage } from "../../image/resolve.ts";
import type { LocalSource } from "../../oci/mod.ts";
import type { Cache } from "../../store/mod.ts";
import { type BaseImage, checkBasePlatform, copyBlob, pairLayers, SCRATCH } from "./base_image.ts";
import { openSource, selectorOf } from "./open_source.ts";
import type { BuildRequest, PlannedImage } from "../types.ts";
import type { WorkflowContext } from "../../context.ts";

/** Imported on demand: a base in a registry. */
const registryModule = () => import("./base_registry.ts");

/** Options for opening a base, besides the plan. */
export interface OpenBaseOptions {
  /** Receives its layers. */
  readonly cache: Cache;
  /** When to contact the registry. */
  readonly pull: BuildRequest["pull"];
  /** Fetches layers from a registry only when they have to be read. */
  readonly lazy?: boolean;
}

/** Number of concurrent copies from a layout or archive. */
const COPIES = 3;

async function takeLocalBase(
  from: LocalSource,
  { plan, project }: PlannedImage,
  { cache, context }: { readonly cache: Cache; readonly context: WorkflowContext },
): Promise<BaseImage> {
  const name = plan.fromText;
  await using opened = await openSource(from, project.directory, context);
  const image = await resolveImage(opened.store, selectorOf(opened, plan.platform, context));
  checkBasePlatform(name, image.config, plan);
  const layers = pairLayers(name, image);
  await mapConcurrently(layers, { limit: COPIES }, async ({ descriptor }) => {
    context.signal.throwIfAborted();
    await copyBlob(opened.store, descriptor, cache);
  });
  // A local path means nothing elsewhere, so only the digest is recorded.
  return { name, digest: image.descriptor.digest, config: image.config, layers };
}

/**
 * Opens the base image and copies its layers, verified, to the cache, unless they are fetched on demand.
 *
 * @throws {MiseOciError} naming the base and what is wrong with it.
 */
export async function openBase(
  planned: PlannedImage,
  options: OpenBaseOptions,
  context: WorkflowContext,
): Promise<BaseImage> {
  const { plan, project } = planned;
  const { from } = plan;
  const { cache, pull } = options;
  const lazy = options.lazy === true && pull !== "never";
  switch (from.kind) {
    case "scratch":
      return SCRATCH;
    case "registry":
      return await (await registryModule()).pullBase(from.reference, {
        plan,
        cache,
        pull,
        lazy,
        insecureRegistries: project.settings.insecureRegistries,
        verify: project.oci.verify ?? [],
      }, context);
    default:
      return await takeLocalBase(from, planned, { cache, context });
  }
}
