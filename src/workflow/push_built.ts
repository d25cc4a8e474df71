/**
 * Pushing what is built for it, or by another program.
 * @module
 */
import { join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import { makeTemporary } from "../mise/temporary.ts";
import {
  type Descriptor,
  type Digest,
  formatReference,
  parseReference,
  type Reference,
} from "../oci/mod.ts";
import { pushWithTool } from "../registry/mod.ts";
import { type BlobSource, openLayout } from "../store/mod.ts";
import { holdForeignInstalls, openBuildCache } from "../build/build_cache.ts";
import { buildImage } from "../build/build_image.ts";
import { requestedPlatforms } from "../build/project_options.ts";
import { type ObtainedImages, obtainLayoutImage } from "./layout_images.ts";
import { obtainBuiltImages } from "./obtain_built_images.ts";
import { RegistryClients } from "../build/registry_clients.ts";
import {
  groundDirectories,
  readStoreIndex,
  type StoreChoice,
  storeOf,
  writeStore,
} from "../build/store_layers.ts";
import type { TransientBuild } from "../build/types.ts";
import { type RegistryClient, RemoteBlobs, type ReusableLayer } from "../registry/mod.ts";
import type { PlannedImage } from "../build/plan_images.ts";
import { planFound, type PlannedFound } from "../build/plan_found.ts";
import { readReuseIndex, type ReuseIndex } from "../build/reuse_layers.ts";
import { destinationOf, upload } from "./push_upload.ts";
import { isInsecure, readAccess } from "../build/registry_access.ts";

import type { BuildContext } from "../build/types.ts";
import type { ImageRequest, PushRequest, PushResult } from "./types.ts";

/** What was found. */
interface FoundLayers extends PlannedFound {
  /** Those of the layers that the store has. */
  readonly stored: readonly ReusableLayer[];
  /** The store, if there is one. */
  readonly store?: StoreChoice;
}

/** Where layers are looked for. */
interface FindOptions {
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
  if (store === undefined || withoutStore) return { all: known, stored: [] };
  const baseDirectories = await groundDirectories(planned, { build, store, clients }, context);
  if (known.size === tools) return { all: known, stored: [] };
  const looking = { store, clients, baseDirectories, known };
  const stored = await readStoreIndex(planned, looking, context);
  return { all: new Map([...known, ...stored]), stored: [...stored.values()] };
}

/**
 * Plans the images of a push and finds the layers that need not be built.
 *
 * @throws {MiseOciError} what planning throws; what `mise install` says if that fails.
 */
async function planAndFind(
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

/** Builds for a push: layers that the destination has need not be built, nor their tools installed. */
export async function pushBuilt(
  request: PushRequest & { readonly image: Extract<ImageRequest, { kind: "build" }> },
  context: BuildContext,
): Promise<PushResult> {
  const { build } = request.image;
  await using _installs = await holdForeignInstalls(requestedPlatforms(build));
  using clients = new RegistryClients(build, context);
  const client = await clients.of(request.destination);
  const push = { request, build, client, clients };
  try {
    return await pushFound(push, context);
  } catch (error) {
    if (!(error instanceof StoreDamage) || context.signal.aborted) throw error;
    const text = `The layer store is not used: ${error.message}`;
    context.reporter.emit({ type: "warning", text });
    return await pushFound({ ...push, withoutStore: true }, context);
  }
}

/** A layer that the store gave cannot be had whole. */
class StoreDamage extends MiseOciError {
  constructor(error: MiseOciError) {
    super(error.code, error.message, { cause: error });
  }
}

/** What a push of a build works with. */
interface BuiltPush {
  readonly request: PushRequest;
  readonly build: TransientBuild;
  readonly client: RegistryClient;
  readonly clients: RegistryClients;
  readonly withoutStore?: boolean;
}

async function pushFound(push: BuiltPush, context: BuildContext): Promise<PushResult> {
  const { request, build, client, clients } = push;
  const reference = request.cacheFrom ?? destinationOf(request.destination);
  const asked = request.cacheFrom !== undefined;
  const found = await planAndFind({ ...push, reference, asked }, context);
  const { planned, reuse, stored, store } = found;
  await using obtained = await obtainBuiltImages(planned, { build, reuse }, context);
  const places: Elsewhere[] = [
    ...(store === undefined ? [] : [{
      reference: store.reference,
      blobs: stored.map(({ descriptor }) => descriptor),
    }]),
    // What was not read of a base is not here: it goes from registry to registry.
    ...(obtained.bases ?? []).flatMap(({ reference, open, layers }) =>
      reference === undefined || open === undefined ? [] : [{
        reference: parseReference(reference),
        blobs: layers.map(({ descriptor }) => descriptor),
      }]
    ),
  ];
  const more = {
    origins: places.map(({ reference, blobs }) => ({
      ...reference,
      layers: new Set(blobs.map(({ digest }) => digest)),
    })),
    elsewhere: elsewhereOf(places, clients, context),
  };
  const result = await upload(client, { ...obtained, ...more }, { request, context })
    .catch((error: unknown) => {
      const isDamage = error instanceof MiseOciError && stored.length > 0 &&
        ["integrity", "not-found"].includes(error.code);
      throw isDamage ? new StoreDamage(error) : error;
    });
  if (store?.push === true && push.withoutStore !== true) {
    await writeImages(found, { obtained, store, push }, context);
  }
  return result;
}

/** A repository that has blobs of an image. */
interface Elsewhere {
  readonly reference: Reference;
  readonly blobs: readonly Descriptor[];
}

/** The blobs of several repositories; a registry is asked when one of its blobs is read. */
function elsewhereOf(
  places: readonly Elsewhere[],
  clients: RegistryClients,
  { signal }: BuildContext,
): BlobSource {
  const placeOf = (digest: Digest): Elsewhere | undefined =>
    places.find(({ blobs }) => blobs.some((blob) => blob.digest === digest));
  return {
    size: (digest) => {
      const blob = placeOf(digest)?.blobs.find((one) => one.digest === digest);
      return Promise.resolve(blob?.size);
    },
    open: async (digest, range) => {
      const place = placeOf(digest);
      if (place === undefined) {
        throw new MiseOciError("not-found", `Cannot find blob "${digest}" in any registry`);
      }
      const { reference, blobs } = place;
      const client = await clients.of(reference);
      const { repository } = reference;
      return await new RemoteBlobs(client, { repository, blobs, signal }).open(digest, range);
    },
  };
}

/** Puts the tools of pushed images into the store. */
async function writeImages(
  { planned }: FoundLayers,
  { obtained, store, push }: {
    readonly obtained: ObtainedImages;
    readonly store: StoreChoice;
    readonly push: BuiltPush;
  },
  context: BuildContext,
): Promise<void> {
  const { request, build, clients } = push;
  const cache = await openBuildCache(context);
  let written = 0;
  for (const [i, image] of obtained.images.entries()) {
    const one = planned[i];
    if (one === undefined) continue;
    const { manifest, config } = image;
    const base = manifest.layers.length - one.plan.layers.length;
    const layers = one.plan.layers.flatMap((plan, at) => {
      const [descriptor, diffId] = [manifest.layers[base + at], config.diffIds[base + at]];
      return descriptor === undefined || diffId === undefined ? [] : { plan, descriptor, diffId };
    });
    written += await writeStore(one, {
      store,
      clients,
      baseDirectories: await groundDirectories(
        one,
        { build, store, clients, write: true },
        context,
      ),
      layers,
      cache,
      destination: request.destination,
      env: config.config?.Env ?? [],
    }, context);
  }
  if (written === 0) return;
  const text = `Put ${written} layers into ${formatReference(store.reference)}`;
  context.reporter.emit({ type: "step", text });
}

/** Hands a layout to skopeo or crane. They push what the layout has, so nothing is reused. */
export async function pushByTool(
  request: PushRequest & { readonly tool: "skopeo" | "crane" },
  context: BuildContext,
): Promise<PushResult> {
  const reference = destinationOf(request.destination);
  if (request.updateIndex) {
    throw new MiseOciError("usage", `Cannot keep up an index with --tool ${request.tool}`, {
      hint: "Leave --tool out: the built-in client can",
    });
  }
  if (request.image.kind === "build" && request.image.build.platforms !== undefined) {
    throw new MiseOciError("usage", `Cannot push several platforms with --tool ${request.tool}`, {
      hint: "Leave --tool out: the built-in client can",
    });
  }
  const { image } = request;
  const access = await readAccess(
    reference,
    request.image.kind === "build" ? request.image.build : request,
    context,
  );
  const scratch = await makeTemporary("mise-oci-push-");
  try {
    const directory = image.kind === "layout" ? image.directory : join(scratch, "image");
    const built = image.kind === "build"
      ? await buildImage({ ...image.build, output: directory }, context)
      : undefined;
    const layout = await openLayout(directory);
    const { tag, descriptor } = await obtainLayoutImage(
      image.kind === "layout" ? image : { kind: "layout", directory },
      context,
    );
    await layout.verify({ signal: context.signal });
    await pushWithTool({
      tool: request.tool,
      layout: directory,
      reference,
      insecure: isInsecure(reference.registry, access),
      ...(tag === undefined ? {} : { tag }),
    }, { signal: context.signal });
    return {
      digest: descriptor.digest,
      manifestDigest: descriptor.digest,
      reference: formatReference(reference),
      ...(built === undefined ? {} : { layers: built.layers }),
    };
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}
