/**
 * What a push need not build: layers of the image that REF names, and of the layer store. With `--install`
 * only tools that neither has are installed.
 * @module
 */
import type { PlannedImage } from "../build/plan_images.ts";
import { planFound, type PlannedFound } from "../build/plan_found.ts";
import type { RegistryClients } from "../build/registry_clients.ts";
import { readReuseIndex, type ReuseIndex } from "../build/reuse_layers.ts";
import {
  groundDirectories,
  readStoreIndex,
  type StoreChoice,
  storeOf,
} from "../build/store_layers.ts";
import type { BuildContext, TransientBuild } from "../build/types.ts";
import type { Reference } from "../oci/mod.ts";
import type { RegistryClient, ReusableLayer } from "../registry/mod.ts";

/** What was found. */
export interface FoundLayers extends PlannedFound {
  /** Those of the layers that the store has. */
  readonly stored: readonly ReusableLayer[];
  /** The store, if there is one. */
  readonly store?: StoreChoice;
}

/** Where layers are looked for. */
export interface FindOptions {
  /** The flags. */
  readonly build: TransientBuild;
  /** The destination's client. */
  readonly client: RegistryClient;
  /** The image whose layers may be reused. */
  readonly reference: Reference;
  /** Whether that was asked for. */
  readonly asked: boolean;
  /** Clients of the store and of other registries. */
  readonly clients: RegistryClients;
  /** Whether the store is left alone: what it gave before was damaged. */
  readonly withoutStore?: boolean;
}

interface Index {
  readonly all: ReuseIndex;
  readonly stored: readonly ReusableLayer[];
}

async function find(
  planned: PlannedImage,
  options: FindOptions,
  context: BuildContext,
): Promise<Index> {
  const { build, client, reference, asked, clients, withoutStore = false } = options;
  if (!build.useCache) return { all: new Map(), stored: [] };
  const known = await readReuseIndex(client, { plan: planned.plan, reference, asked }, context);
  const store = storeOf(build, planned.project.oci.store);
  const tools = planned.plan.layers.filter(({ kind }) => kind === "tool").length;
  if (store === undefined || withoutStore || known.size === tools) {
    return { all: known, stored: [] };
  }
  const baseDirectories = await groundDirectories(planned, build, context);
  const looking = { store, clients, baseDirectories, known };
  const stored = await readStoreIndex(planned, looking, context);
  return { all: new Map([...known, ...stored]), stored: [...stored.values()] };
}

/**
 * Plans the images of a push and finds the layers that need not be built.
 *
 * @throws {MiseOciError} what planning throws; what `mise install` says if that fails.
 */
export async function planAndFind(
  options: FindOptions,
  context: BuildContext,
): Promise<FoundLayers> {
  const { build } = options;
  const stored: ReusableLayer[] = [];
  const found = await planFound(build, async (planned) => {
    const index = await find(planned, options, context);
    stored.push(...index.stored);
    return index.all;
  }, context);
  const store = storeOf(build, found.planned[0]?.project.oci.store);
  return { ...found, stored, ...(store === undefined ? {} : { store }) };
}
