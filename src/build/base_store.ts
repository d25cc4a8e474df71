/**
 * A base image from a directory or an archive: `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`.
 * @module
 */
import { mapConcurrently } from "../concurrency.ts";
import { resolve } from "@std/path";
import type { Descriptor } from "../oci/mod.ts";
import type { BuildPlan } from "../plan/mod.ts";
import {
  type BlobSource,
  type Cache,
  type ImageStore,
  openArchive,
  openLayout,
  resolveImage,
} from "../store/mod.ts";
import { type BaseImage, checkBasePlatform, pairLayers } from "./base_image.ts";
import type { WorkflowContext } from "../context.ts";

/** What taking a base out of a store needs. */
export interface BaseStoreOptions {
  /** The plan. */
  readonly plan: BuildPlan;
  /** Where its layers go. */
  readonly cache: Cache;
  /** Tag in the store. */
  readonly tag?: string;
}

async function copyBlob(source: BlobSource, blob: Descriptor, cache: Cache): Promise<void> {
  if (await cache.has(blob.digest, blob.size)) return;
  const writer = await cache.create();
  try {
    for await (const chunk of await source.open(blob.digest)) await writer.write(chunk);
    await writer.commit({ digest: blob.digest, size: blob.size });
  } finally {
    await writer.abort();
  }
}

/** Finds the base in a store and copies its layers into the cache, verified. */
export async function takeBaseFromStore(
  store: ImageStore,
  options: BaseStoreOptions,
  context: WorkflowContext,
): Promise<BaseImage> {
  const { plan, cache, tag } = options;
  const name = plan.fromText;
  const { platform } = plan;
  const image = await resolveImage(store, { platform, ...(tag === undefined ? {} : { tag }) });
  checkBasePlatform(name, image.config, plan);
  const layers = pairLayers(name, image);
  await mapConcurrently(layers, { limit: 3 }, async ({ descriptor }) => {
    context.signal.throwIfAborted();
    await copyBlob(store, descriptor, cache);
  });
  // The name on this machine means nothing elsewhere, so only the digest is written down.
  return { name, digest: image.descriptor.digest, config: image.config, layers };
}

/** Finds the base in a layout or an archive of this machine, named relative to the project. */
export async function takeLocalBase(
  from: Extract<BuildPlan["from"], { readonly kind: "layout" | "archive" }>,
  { directory, ...options }: Omit<BaseStoreOptions, "tag"> & { readonly directory: string },
  context: WorkflowContext,
): Promise<BaseImage> {
  const path = resolve(directory, from.path);
  const named = { ...options, ...(from.tag === undefined ? {} : { tag: from.tag }) };
  if (from.kind === "layout") {
    return await takeBaseFromStore(await openLayout(path), named, context);
  }
  await using store = await openArchive(path, { signal: context.signal });
  return await takeBaseFromStore(store, named, context);
}
