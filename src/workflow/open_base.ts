/**
 * Opens the base image, wherever it comes from.
 * @module
 */
import { resolve } from "@std/path";
import { type Cache, openArchive, openLayout } from "../store/mod.ts";
import { type BaseImage, SCRATCH } from "./base_image.ts";
import { pullBase } from "./base_registry.ts";
import { takeBaseFromStore } from "./base_store.ts";
import type { PlannedImage } from "./plan_images.ts";
import type { BuildRequest, WorkflowContext } from "./types.ts";

/** What opening a base needs besides the plan. */
export interface OpenBaseOptions {
  /** Where its layers go. */
  readonly cache: Cache;
  /** When to ask the registry. */
  readonly pull: BuildRequest["pull"];
}

function tagOf({ tag }: { readonly tag?: string }): { readonly tag?: string } {
  return tag === undefined ? {} : { tag };
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
  switch (from.kind) {
    case "scratch":
      return SCRATCH;
    case "layout": {
      const store = await openLayout(resolve(project.directory, from.path));
      return await takeBaseFromStore(store, { plan, cache, ...tagOf(from) }, context);
    }
    case "archive": {
      const { signal } = context;
      await using store = await openArchive(resolve(project.directory, from.path), { signal });
      return await takeBaseFromStore(store, { plan, cache, ...tagOf(from) }, context);
    }
    case "registry":
      return await pullBase(from.reference, {
        plan,
        cache,
        pull,
        insecureRegistries: project.settings.insecureRegistries,
      }, context);
  }
}
