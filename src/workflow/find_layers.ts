/**
 * What a push need not build: layers of the image that REF names, and of the layer store. With `--install`
 * only tools that neither has are installed.
 * @module
 */
import { adoptReused } from "../build/adopt_reused.ts";
import { readBaseDirectories } from "../build/base_directories.ts";
import { openBuildCache } from "../build/build_cache.ts";
import { defaultJobs, isHostPlatform } from "../build/environment.ts";
import { layGround } from "../build/lay_ground.ts";
import { openBase } from "../build/open_base.ts";
import { type PlannedImage, planPlatforms } from "../build/plan_images.ts";
import { requestedPlatforms } from "../build/project_options.ts";
import type { RegistryClients } from "../build/registry_clients.ts";
import { readReuseIndex, type ReuseIndex } from "../build/reuse_layers.ts";
import { readStoreIndex, type StoreChoice, storeOf } from "../build/store_layers.ts";
import type { BuildContext, TransientBuild } from "../build/types.ts";
import type { BaseDirectories } from "../layer/mod.ts";
import { backendKind } from "../mise/mod.ts";
import type { Reference } from "../oci/mod.ts";
import type { LayerPlan, Project } from "../plan/mod.ts";
import type { RegistryClient, ReusableLayer } from "../registry/mod.ts";

/** What was found. */
export interface FoundLayers {
  /** The images, with what is known of tools that are not installed. */
  readonly planned: readonly PlannedImage[];
  /** Layers that need not be built, for each image. */
  readonly reuse: readonly ReuseIndex[];
  /** Those of them that the store has. */
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

/** The directories of what lies below the tools. */
export async function groundDirectories(
  planned: PlannedImage,
  build: TransientBuild,
  context: BuildContext,
): Promise<BaseDirectories> {
  const cache = await openBuildCache(context);
  await using _lease = await cache.lease();
  const { useCache, pull, jobs = defaultJobs() } = build;
  if (planned.plan.layers.some(({ kind }) => kind === "packages")) {
    const options = { request: build, cache, useCache, jobs };
    return (await layGround(planned, options, context)).baseDirectories;
  }
  return await readBaseDirectories(
    await openBase(planned, { cache, pull }, context),
    cache,
    context,
  );
}

/** Tools that a kind of backend installs with, by mise's short name. */
const INSTALLERS: Readonly<Record<string, RegExp>> = {
  npm: /^(?:core:)?(?:node|bun)$|(?:^|:)node-/,
  pipx: /^(?:core:)?python$|(?:^|[:/])(?:uv|pipx)$/,
  pypi: /^(?:core:)?python$|(?:^|[:/])uv$/,
  gem: /^(?:core:)?ruby$/,
  cargo: /^(?:core:)?rust$|(?:^|[:/])cargo-binstall$/,
  go: /^(?:core:)?go$/,
};

/** `NAME@VERSION` of every tool that has to be installed, those that install others first. */
function missingTools({ tools }: Project, found: ReadonlySet<string>): readonly string[] {
  const nameOf = ({ short, version }: Project["tools"][number]): string => `${short}@${version}`;
  const absent = tools.filter(({ installed }) => !installed);
  const missing = absent.filter((tool) => !found.has(nameOf(tool)));
  const installers = missing.flatMap(({ backend }) => INSTALLERS[backendKind(backend)] ?? []);
  const helpers = absent.filter((tool) =>
    !missing.includes(tool) && installers.some((pattern) => pattern.test(tool.short))
  );
  return [...helpers, ...missing].map(nameOf);
}

function layerName({ name, version }: LayerPlan): string {
  return `${name}@${version ?? ""}`;
}

/** What was found of one plan, for another plan of the same project. */
function forPlan({ plan }: PlannedImage, index: ReuseIndex): ReuseIndex {
  const byName = new Map([...index].map(([layer, found]) => [layerName(layer), found]));
  return new Map(plan.layers.flatMap((layer) => {
    const found = layer.kind === "tool" ? byName.get(layerName(layer)) : undefined;
    return found === undefined ? [] : [[layer, found] as const];
  }));
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
  // What is installed for another platform is installed whole, in a place of its own.
  const isLazy = build.install && build.useCache && requestedPlatforms(build).every(isHostPlatform);
  let planned = await planPlatforms(isLazy ? { ...build, install: false } : build, context);
  const indexes: Index[] = [];
  for (const one of planned) indexes.push(await find(one, options, context));
  let reuse = indexes.map(({ all }) => all);
  const [first] = planned;
  if (isLazy && first !== undefined) {
    const names = new Set([...reuse[0] ?? []].map(([layer]) => layerName(layer)));
    const installOnly = missingTools(first.project, names);
    if (installOnly.length > 0) {
      planned = await planPlatforms({ ...build, installOnly }, context);
      reuse = planned.map((one, i) => forPlan(one, reuse[i] ?? new Map()));
    }
  }
  const store = storeOf(build, first?.project.oci.store);
  return {
    planned: planned.map((one, i) => adoptReused(one, reuse[i] ?? new Map(), build.dropEnv)),
    reuse,
    stored: indexes.flatMap(({ stored }) => stored),
    ...(store === undefined ? {} : { store }),
  };
}
