/**
 * Opens the base image, wherever it comes from.
 * @module
 */
import type { Cache } from "../store/mod.ts";
import { type BaseImage, SCRATCH } from "./base_image.ts";
import type { PlannedImage } from "./plan_images.ts";
import type { BuildRequest } from "./types.ts";
import type { WorkflowContext } from "../context.ts";

/** A base in a registry. */
const registryModule = () => import("./base_registry.ts");
/** A base on this machine. */
const storeModule = () => import("./base_store.ts");

/** What opening a base needs besides the plan. */
export interface OpenBaseOptions {
  /** Where its layers go. */
  readonly cache: Cache;
  /** When to ask the registry. */
  readonly pull: BuildRequest["pull"];
  /** Fetches layers of a registry only when something has to be read of them. */
  readonly lazy?: boolean;
}

/**
 * Finds the base image and puts its layers, verified, into the cache.
 *
 * @throws {MiseOciError} naming the base and what is wrong with it.
 */
export async function openBase(
  { plan, project }: PlannedImage,
  options: OpenBaseOptions,
  context: WorkflowContext,
): Promise<BaseImage> {
  const { from } = plan;
  const { cache, pull } = options;
  const lazy = options.lazy === true && pull !== "never";
  switch (from.kind) {
    case "scratch":
      return SCRATCH;
    case "layout":
    case "archive": {
      const { directory } = project;
      return await (await storeModule()).takeLocalBase(from, { plan, cache, directory }, context);
    }
    case "registry":
      return await (await registryModule()).pullBase(from.reference, {
        plan,
        cache,
        pull,
        lazy,
        insecureRegistries: project.settings.insecureRegistries,
      }, context);
  }
}
