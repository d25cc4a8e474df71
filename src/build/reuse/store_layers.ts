/**
 * Layers of tools shared by many machines through a layer store (spec section 14): looked up before
 * anything is built, written after a push. Errors of the store never stop a build.
 * @module
 */
import { dirname } from "@std/path/posix";
import { mapConcurrently } from "../../concurrency.ts";
import type { WorkflowContext } from "../../context.ts";
import { keepKnowledge, maybeStoredKnowledge } from "../../fleet/base_facts.ts";
import { ReferenceCollector } from "../../fleet/layer_references.ts";
import {
  isDamage,
  isStoreTrouble,
  keepLayer,
  maybeStoredLayer,
  type StoreLayer,
  type StorePlace,
  type StoreWant,
  unlessDamaged,
} from "../../fleet/layer_store.ts";
import type { ReusableLayer } from "../../image/reuse.ts";
import type { BaseDirectories } from "../../layer/mod.ts";
import { readVerifiedLayer } from "../../layer/read/mod.ts";
import { type Descriptor, type DiffId, formatReference, type Reference } from "../../oci/mod.ts";
import {
  isToolLayer,
  type LayerPlan,
  mentionsPath,
  type Project,
  type Tool,
  toolOf,
} from "../../plan/mod.ts";
import { pullBlob } from "../../registry/mod.ts";
import type { Cache } from "../../store/mod.ts";
import { RegistryClients } from "../access/registry_clients.ts";
import { readBaseDirectories } from "../base/base_facts.ts";
import { learn, maybeKnowledge } from "../base/base_files.ts";
import type { BaseImage } from "../base/base_image.ts";
import { layGround } from "../base/lay_ground.ts";
import { openBase } from "../base/open_base.ts";
import { openBuildCache } from "../host/build_cache.ts";
import { defaultJobs } from "../host/environment.ts";
import type { BuildContext, ImageInput, PlannedImage } from "../types.ts";
import { isInstalled, type ReuseIndex } from "./reuse_layers.ts";
import { type StoreAccess, storeOf, storePlace } from "./store_place.ts";
import { storeWants } from "./store_wants.ts";

/** Options for using the store. */
export interface StoreOptions extends StoreAccess {
  /** The directories of the base with packages. */
  readonly baseDirectories: BaseDirectories;
}

/** Number of concurrent requests to the store. */
const AT_ONCE = 8;

/**
 * Finds layers of tools that the image in the registry does not have. Warns if the store cannot be used.
 *
 * @param known layers that were already found.
 */
export async function readStoreIndex(
  planned: PlannedImage,
  options: StoreOptions & { readonly known: ReuseIndex },
  context: WorkflowContext,
): Promise<ReuseIndex> {
  const found = new Map<LayerPlan, ReusableLayer>();
  try {
    const place = await storePlace(planned, options, context);
    const wants = [...await storeWants(planned, options.baseDirectories)]
      .filter(([layer]) => !options.known.has(layer));
    await mapConcurrently(wants, { limit: AT_ONCE }, async ([layer, want]) => {
      const stored = await maybeStoredLayer(place, want).catch((error: unknown) => {
        if (!isDamage(error)) throw error;
        const { short, version } = want.tool;
        const text = `The layer store's entry of ${short} ${version} is not used: ${error.message}`;
        context.reporter.emit({ type: "warning", text });
        return undefined;
      });
      if (stored !== undefined) found.set(layer, stored);
    });
  } catch (error) {
    if (!isStoreTrouble(error, context.signal)) throw error;
    const text = `The layer store is not used: ${error.message}`;
    context.reporter.emit({ type: "warning", text });
    return new Map();
  }
  return found;
}

/** The variables of an image that contain a tool's directory, and the tool's directories on PATH. */
function environmentOf(
  tool: Tool,
  image: string,
  variables: readonly string[],
): { readonly env: readonly string[]; readonly path: readonly string[] } {
  const env = variables.filter((one) =>
    !/^(?:PATH|MISE_\w+)=/.test(one) && mentionsPath(one.slice(one.indexOf("=") + 1), image)
  );
  const path = (tool.binDirs ?? []).map((dir) => dir === "" ? image : `${image}/${dir}`);
  return { env, path };
}

/** A layer of a pushed image. */
export interface PushedLayer {
  /** Its plan. */
  readonly plan: LayerPlan;
  /** Its blob. */
  readonly descriptor: Descriptor;
  /** Its diff ID. */
  readonly diffId: DiffId;
}

/** The fields of an entry besides its blob. */
type EntryFacts = Pick<StoreLayer, "references" | "env" | "path">;

/** The entry fields of a layer; `undefined` if it cannot be shared. */
async function maybeFacts(
  layer: PushedLayer,
  want: StoreWant,
  options: KeepOptions,
): Promise<EntryFacts | undefined> {
  const { project, cache, env } = options;
  const { descriptor, diffId, plan } = layer;
  const image = want.input.prefix;
  if (plan.kind === "mise") return { references: [], env: [], path: [dirname(image)] };
  const tool = toolOf(project, plan);
  if (tool === undefined) return undefined;
  const hosts = [...new Set([tool.installPath, tool.realInstallPath ?? tool.installPath])];
  const collector = new ReferenceCollector({ image, hosts });
  await readVerifiedLayer(await cache.open(descriptor.digest), {
    mediaType: descriptor.mediaType,
    diffId,
    handler: collector,
  });
  const { references, hostPath } = collector;
  // With a reference to a tool outside of the project, its bytes would differ on another machine.
  const isWhole = references.every((one) => want.directories.includes(one));
  if (hostPath !== undefined || !isWhole) return undefined;
  return { references, ...environmentOf(tool, image, env) };
}

/** Options for adding a layer. */
interface KeepOptions {
  readonly place: StorePlace;
  readonly project: Project;
  readonly cache: Cache;
  readonly destination: Reference;
  readonly env: readonly string[];
}

/** Writes one layer to the store; `false` if the store has it, or it cannot be shared. */
async function keepOne(
  layer: PushedLayer,
  want: StoreWant,
  options: KeepOptions,
): Promise<boolean> {
  const { place, cache, destination } = options;
  const { descriptor, diffId, plan } = layer;
  // Only layers in the cache were built here or completely read.
  if (await cache.size(descriptor.digest) === undefined) return false;
  if (await unlessDamaged(() => maybeStoredLayer(place, want)) !== undefined) return false;
  const facts = await maybeFacts(layer, want, options);
  if (facts === undefined) return false;
  return await keepLayer(place, want, {
    descriptor,
    diffId,
    ...facts,
    // An entry is the same regardless of its author and time.
    created: "1980-01-01T00:00:00Z",
    createdBy: plan.createdBy,
    source: cache,
    mountFrom: destination.registry === place.reference.registry
      ? destination.repository
      : undefined,
  });
}

/**
 * Adds layers of a pushed image to the store. Failures are warnings.
 *
 * @returns how many were written.
 */
export async function writeStore(
  planned: PlannedImage,
  options: StoreOptions & {
    readonly layers: readonly PushedLayer[];
    readonly cache: Cache;
    /** The destination of the push. */
    readonly destination: Reference;
    /** The variables of the image. */
    readonly env: readonly string[];
  },
  context: WorkflowContext,
): Promise<number> {
  const { layers, cache, destination, env, baseDirectories, store } = options;
  let written = 0;
  try {
    const place = await storePlace(planned, options, context);
    const wants = await storeWants(planned, baseDirectories);
    const { project } = planned;
    await mapConcurrently(layers, { limit: AT_ONCE }, async (layer) => {
      const want = wants.get(layer.plan);
      if (want === undefined) return;
      if (await keepOne(layer, want, { place, project, cache, destination, env })) written++;
    });
  } catch (error) {
    if (!isStoreTrouble(error, context.signal)) throw error;
    const name = formatReference(store.reference);
    const text = `The layer store "${name}" was not updated: ${error.message}`;
    context.reporter.emit({ type: "warning", text });
  }
  return written;
}

/** Reads or writes the facts about a base's layers in the store; errors become warnings. */
async function shareKnowledge(
  base: BaseImage,
  options: StoreAccess & {
    readonly planned: PlannedImage;
    readonly cache: Cache;
    readonly write: boolean;
  },
  context: WorkflowContext,
): Promise<void> {
  const { planned, cache, write } = options;
  const { platform } = planned.plan;
  const { signal } = context;
  try {
    const place = await storePlace(planned, options, context);
    for (const layer of base.layers) {
      const known = await maybeKnowledge(layer, cache);
      const { diffId } = layer;
      if (write && known !== undefined) await keepKnowledge(place, { diffId, platform }, known);
      if (write || known !== undefined) continue;
      const stored = await maybeStoredKnowledge(place, diffId);
      if (stored !== undefined) await learn(layer, stored, cache);
    }
  } catch (error) {
    if (!isStoreTrouble(error, signal)) throw error;
    const text = `The layer store does not tell of the base: ${error.message}`;
    context.reporter.emit({ type: "warning", text });
  }
}

/** The directories of the base with packages. */
export async function groundDirectories(
  planned: PlannedImage,
  { build, write = false, ...access }: StoreAccess & {
    readonly build: ImageInput;
    /** Whether to write to the store, rather than to read from it. */
    readonly write?: boolean;
  },
  context: BuildContext,
): Promise<BaseDirectories> {
  const cache = await openBuildCache(context);
  await using _lease = await cache.lease();
  const { useCache, pull, jobs = defaultJobs() } = build;
  if (planned.plan.layers.some(({ kind }) => kind === "packages")) {
    const options = { request: build, cache, useCache, jobs };
    return (await layGround(planned, options, context)).baseDirectories;
  }
  const base = await openBase(planned, { cache, pull, lazy: true }, context);
  await shareKnowledge(base, { ...access, planned, cache, write }, context);
  return await readBaseDirectories(base, cache, context);
}

/**
 * Copies layers of tools that are not installed from the store to the cache, verified, since a build that
 * is not pushed needs their bytes.
 */
export async function takeStored(
  planned: PlannedImage,
  { request, cache }: { readonly request: ImageInput; readonly cache: Cache },
  context: BuildContext,
): Promise<ReuseIndex> {
  const store = storeOf(request, planned.project.oci.store);
  const { plan, project } = planned;
  const absent = plan.layers.filter((layer) => isToolLayer(layer) && !isInstalled(layer, project));
  if (store === undefined || !request.useCache || absent.length === 0) return new Map();
  using clients = new RegistryClients(request, context);
  const baseDirectories = await groundDirectories(
    planned,
    { build: request, store, clients },
    context,
  );
  const options = { store, clients, baseDirectories, known: new Map() };
  const few = { project, plan: { ...plan, layers: absent } };
  const found = await readStoreIndex(few, options, context);
  const client = await clients.of(store.reference);
  const { repository } = store.reference;
  const taken = new Map<LayerPlan, ReusableLayer>();
  for (const [layer, stored] of found) {
    const { descriptor, diffId } = stored;
    try {
      await pullBlob(client, { repository, descriptor, sink: cache, signal: context.signal });
      await readVerifiedLayer(await cache.open(descriptor.digest), {
        mediaType: descriptor.mediaType,
        diffId,
        handler: { entry: () => false, data: () => {}, end: () => {} },
      });
      taken.set(layer, stored);
    } catch (error) {
      if (!isStoreTrouble(error, context.signal)) throw error;
      const text = `Layer "${stored.from}" of the store is not used: ${error.message}`;
      context.reporter.emit({ type: "warning", text });
    }
  }
  return taken;
}
