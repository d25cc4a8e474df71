/**
 * Layers of tools that many machines share through a layer store (spec section 14): looked up before
 * anything is built, kept after a push. The store's troubles never stop a build.
 * @module
 */
import { parse as parseToml } from "@std/toml";
import { dirname, join } from "@std/path";
import { mapConcurrently } from "../concurrency.ts";
import type { WorkflowContext } from "../context.ts";
import { ReferenceCollector } from "../fleet/layer_references.ts";
import {
  isStoreTrouble,
  keepLayer,
  maybeStoredLayer,
  type StorePlace,
  type StoreWant,
} from "../fleet/layer_store.ts";
import { resolveFraming } from "../layer/compression.ts";
import { LAYER_FORMAT, RELOCATION_FORMAT } from "../layer/format.ts";
import type { BaseDirectories } from "../layer/mod.ts";
import { readVerifiedLayer } from "../layer/read/mod.ts";
import {
  type Descriptor,
  type DiffId,
  formatReference,
  parseStoreReference,
  type Reference,
} from "../oci/mod.ts";
import {
  type LayerPlan,
  mentionsPath,
  type Project,
  type StoreSetting,
  type Tool,
  toolImagePath,
} from "../plan/mod.ts";
import { pullBlob, type ReusableLayer } from "../registry/mod.ts";
import type { Cache } from "../store/mod.ts";
import { defaultJobs, hostEnv } from "./environment.ts";
import { readBaseDirectories } from "./base_directories.ts";
import { openBuildCache } from "./build_cache.ts";
import { layGround } from "./lay_ground.ts";
import { openBase } from "./open_base.ts";
import type { ImageInput, PlannedImage } from "./plan_images.ts";
import { RegistryClients } from "./registry_clients.ts";
import { isInstalled, type ReuseIndex } from "./reuse_layers.ts";
import type { BuildContext, BuildRequest } from "./types.ts";

/** The store that a build uses. */
export interface StoreChoice {
  /** Its repository. */
  readonly reference: Reference;
  /** Whether it is written to after a push. */
  readonly push: boolean;
}

/** The store that flags or config name. */
export function storeOf(
  { store, storePush }: Pick<BuildRequest, "store" | "storePush">,
  setting: StoreSetting | undefined,
): StoreChoice | undefined {
  const reference = store ??
    (setting === undefined ? undefined : parseStoreReference(setting.ref));
  if (reference === undefined) return undefined;
  return { reference, push: storePush ?? (store === undefined && setting?.push === true) };
}

/** A TOML file, or nothing if it cannot be read as one: mise says what is wrong with it. */
async function readToml(path: string): Promise<Record<string, unknown>> {
  try {
    return parseToml(await Deno.readTextFile(path));
  } catch {
    return {};
  }
}

/** What the config says of a tool besides its version: it decides what is installed. */
export async function toolOptions(
  { source, short }: Tool,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (source === undefined || !source.endsWith(".toml")) return undefined;
  const tools = (await readToml(source))["tools"] as Record<string, unknown> | undefined;
  const entry = tools?.[short];
  return typeof entry === "object" && entry !== null ? { ...entry } : undefined;
}

/** What the lock file beside the config says of a version. */
async function lockOf({ source, short, version }: Tool): Promise<string> {
  if (source === undefined) return "";
  const lock = await readToml(join(dirname(source), "mise.lock"));
  const entries = (lock["tools"] as Record<string, unknown> | undefined)?.[short];
  const list = Array.isArray(entries) ? entries : entries === undefined ? [] : [entries];
  const own = list.filter((one) => (one as { version?: unknown })?.version === version);
  return own.length === 0 ? "" : JSON.stringify(own);
}

/** The C library that this machine's installs are for. */
function hostLibc(): string {
  const set = hostEnv("MISE_LIBC");
  if (set !== undefined) return set;
  try {
    const names = Array.from(Deno.readDirSync("/lib"), ({ name }) => name);
    return names.some((name) => name.startsWith("ld-musl-")) ? "musl" : "gnu";
  } catch {
    return "gnu";
  }
}

/** The directories above a prefix that the base has, with what links there lead to. */
function directoriesAbove(prefix: string, base: BaseDirectories): readonly string[] {
  const parts = prefix.split("/").slice(1, -1);
  return parts.flatMap((_, i) => {
    const path = parts.slice(0, i + 1).join("/");
    if (!base.has(path)) return [];
    const link = base.maybeLink?.(path);
    return [link === undefined ? path : `${path} → ${link}`];
  });
}

function toolOf({ tools }: Project, { name, version }: LayerPlan): Tool | undefined {
  return tools.find((tool) => tool.short === name && tool.version === version);
}

/** What decides the layers of an image's tools, by their plans. */
async function storeWants(
  { plan, project }: PlannedImage,
  base: BaseDirectories,
): Promise<ReadonlyMap<LayerPlan, StoreWant>> {
  const { platform, mountPoint } = plan;
  const { kind, level } = resolveFraming(plan.compression, true);
  const directories = project.tools.map((tool) => toolImagePath(mountPoint, tool));
  const libc = hostLibc();
  const wants = new Map<LayerPlan, StoreWant>();
  for (const layer of plan.layers) {
    const tool = layer.kind === "tool" ? toolOf(project, layer) : undefined;
    if (tool === undefined) continue;
    const { short, version, backend } = tool;
    const prefix = toolImagePath(mountPoint, tool);
    const sourceExcludes = layer.sources.flatMap((source) =>
      source.type === "tree" ? source.exclude ?? [] : []
    );
    wants.set(layer, {
      tool: { short, version },
      directories,
      input: {
        backend,
        version,
        options: JSON.stringify(await toolOptions(tool) ?? {}),
        lock: await lockOf(tool),
        platform,
        libc,
        prefix,
        owner: `${layer.owner.uid}:${layer.owner.gid}`,
        excludes: [...layer.exclude, ...sourceExcludes],
        compression: `${kind}:${level}`,
        layerFormat: LAYER_FORMAT,
        relocationFormat: RELOCATION_FORMAT,
        baseDirectories: directoriesAbove(prefix, base),
      },
    });
  }
  return wants;
}

/** What looking into a store takes. */
export interface StoreOptions {
  /** The store. */
  readonly store: StoreChoice;
  /** Clients of registries. */
  readonly clients: RegistryClients;
  /** The directories of the base, with what packages added. */
  readonly baseDirectories: BaseDirectories;
}

/** Questions to the store at the same time. */
const AT_ONCE = 8;

async function placeOf(
  { store: { reference }, clients }: StoreOptions,
  { signal }: WorkflowContext,
): Promise<StorePlace> {
  return { client: await clients.of(reference), reference, signal };
}

/**
 * Finds layers of tools that the registry's image does not have. A store that cannot be used is a warning.
 *
 * @param known layers that were found already.
 */
export async function readStoreIndex(
  planned: PlannedImage,
  options: StoreOptions & { readonly known: ReuseIndex },
  context: WorkflowContext,
): Promise<ReuseIndex> {
  const found = new Map<LayerPlan, ReusableLayer>();
  try {
    const place = await placeOf(options, context);
    const wants = [...await storeWants(planned, options.baseDirectories)]
      .filter(([layer]) => !options.known.has(layer));
    await mapConcurrently(wants, { limit: AT_ONCE }, async ([layer, want]) => {
      const stored = await maybeStoredLayer(place, want);
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

/** The variables of an image that name a tool's directory, and its directories on PATH. */
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

/** A layer of an image that was pushed. */
export interface PushedLayer {
  /** What it was made of. */
  readonly plan: LayerPlan;
  /** Its blob. */
  readonly descriptor: Descriptor;
  /** Its diff ID. */
  readonly diffId: DiffId;
}

/** Keeps one layer; `false` if the store has it, or it cannot be shared. */
async function keepOne(
  layer: PushedLayer,
  want: StoreWant,
  options: {
    readonly place: StorePlace;
    readonly project: Project;
    readonly cache: Cache;
    readonly destination: Reference;
    readonly env: readonly string[];
  },
): Promise<boolean> {
  const { place, project, cache, destination, env } = options;
  const { descriptor, diffId, plan } = layer;
  const tool = toolOf(project, plan);
  // Only what is here was made here, or read whole.
  if (tool === undefined || await cache.size(descriptor.digest) === undefined) return false;
  if (await maybeStoredLayer(place, want) !== undefined) return false;
  const image = want.input.prefix;
  const hosts = [...new Set([tool.installPath, tool.realInstallPath ?? tool.installPath])];
  const collector = new ReferenceCollector({ image, hosts });
  await readVerifiedLayer(await cache.open(descriptor.digest), {
    mediaType: descriptor.mediaType,
    diffId,
    handler: collector,
  });
  // It names a tool that the project does not have: elsewhere its bytes would be others.
  const isWhole = collector.references.every((one) => want.directories.includes(one));
  if (collector.hostPath !== undefined || !isWhole) return false;
  return await keepLayer(place, want, {
    descriptor,
    diffId,
    references: collector.references,
    ...environmentOf(tool, image, env),
    // An entry is the same whoever writes it, and when.
    created: "1980-01-01T00:00:00Z",
    createdBy: plan.createdBy,
    source: cache,
    mountFrom: destination.registry === place.reference.registry
      ? destination.repository
      : undefined,
  });
}

/**
 * Puts layers of an image that was pushed into the store. Failures are warnings.
 *
 * @returns how many were written.
 */
export async function writeStore(
  planned: PlannedImage,
  options: StoreOptions & {
    readonly layers: readonly PushedLayer[];
    readonly cache: Cache;
    /** Where the image was pushed to. */
    readonly destination: Reference;
    /** The variables of the image. */
    readonly env: readonly string[];
  },
  context: WorkflowContext,
): Promise<number> {
  const { layers, cache, destination, env, baseDirectories, store } = options;
  let written = 0;
  try {
    const place = await placeOf(options, context);
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

/** The directories of what lies below the tools. */
export async function groundDirectories(
  planned: PlannedImage,
  build: ImageInput,
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
    await openBase(planned, { cache, pull, lazy: true }, context),
    cache,
    context,
  );
}

/**
 * Takes layers of tools that are not installed from the store into the cache, verified: what is built without
 * being pushed needs their bytes.
 */
export async function takeStored(
  planned: PlannedImage,
  { request, cache }: { readonly request: ImageInput; readonly cache: Cache },
  context: BuildContext,
): Promise<ReuseIndex> {
  const store = storeOf(request, planned.project.oci.store);
  const { plan, project } = planned;
  const absent = plan.layers.filter((layer) =>
    layer.kind === "tool" && !isInstalled(layer, project)
  );
  if (store === undefined || !request.useCache || absent.length === 0) return new Map();
  using clients = new RegistryClients(request.directory, context);
  const baseDirectories = await groundDirectories(planned, request, context);
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
