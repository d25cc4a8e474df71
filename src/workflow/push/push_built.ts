/**
 * Pushes that involve a build, or another program.
 * @module
 */
import { join } from "@std/path";
import { maybeCause, MiseOciError } from "../../errors.ts";
import type { OpenedImages } from "../../image/open.ts";
import { listImages } from "../../image/resolve.ts";
import { makeTemporary } from "../../mise/temporary.ts";
import {
  type Descriptor,
  encodeIndex,
  encodeLayoutFile,
  formatReference,
  INDEX_FILE,
  LAYOUT_FILE,
  maybeManifestKind,
  parseReference,
  type Reference,
} from "../../oci/mod.ts";
import type { ReusableLayer } from "../../image/reuse.ts";
import { checkTool, pushWithTool, type RegistryClient } from "../../registry/mod.ts";
import { createLayout, reachable, verifyStore } from "../../store/mod.ts";
import { maybeAttest } from "./attest_request.ts";
import { copyBlob } from "../../build/base/base_image.ts";
import { holdForeignInstalls, openBuildCache } from "../../build/host/build_cache.ts";
import { buildPlatforms, makeImage, requireInstalled } from "../../build/build_image.ts";
import { composeSet } from "../../build/output/compose_image.ts";
import { openSource, selectorOf } from "../../build/base/open_source.ts";
import { requestedPlatforms } from "../../build/host/read_projects.ts";
import { isInsecure, readAccess } from "../../build/access/registry_access.ts";
import { planFound, type PlannedFound } from "../../build/reuse/plan_found.ts";
import {
  type Elsewhere,
  elsewhereOf,
  RegistryClients,
} from "../../build/access/registry_clients.ts";
import { groundDirectories, readStoreIndex, writeStore } from "../../build/reuse/store_layers.ts";
import { type StoreAccess, type StoreChoice, storeOf } from "../../build/reuse/store_place.ts";
import { isShared, readReuseIndex, type ReuseIndex } from "../../build/reuse/reuse_layers.ts";
import type { BuildContext, BuildResult, PlannedImage, TransientBuild } from "../../build/types.ts";
import type { WorkflowContext } from "../../context.ts";
import { checkFound, chooseRoot } from "../open_image.ts";
import { resolvedInCache } from "../obtain_image.ts";
import { destinationOf, type ObtainedImages, upload } from "./push_upload.ts";
import type { ImageRequest, NamedImageRequest, PushRequest, PushResult } from "../types.ts";

/** Builds planned images into the cache: one for each platform, and their index. */
async function obtainBuiltImages(
  planned: readonly PlannedImage[],
  options: { readonly build: TransientBuild; readonly reuse: readonly ReuseIndex[] },
  context: WorkflowContext,
): Promise<ObtainedImages> {
  const { build, reuse } = options;
  planned.forEach((one, i) => requireInstalled(one, reuse[i]));
  const cache = await openBuildCache(context);
  const lease = await cache.lease();
  try {
    const { useCache } = build;
    const built = await buildPlatforms(
      planned,
      { request: build, cache, useCache, reuse, lazyBase: build.listPackages !== true },
      context,
    );
    const { images, index } = await composeSet(built.map(({ image }) => image));
    return {
      images: built.map((one) => resolvedInCache(one, cache)),
      rows: images.map(({ rows }) => rows),
      indexes: index === undefined ? [] : [index],
      bases: built.map(({ base }) => base),
      [Symbol.asyncDispose]: () => lease.release(),
    };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

const attestModule = () => import("./attest_push.ts");

/** Planned images and the layers found for them. */
interface FoundLayers extends PlannedFound {
  /** The layers that are in the store. */
  readonly stored: readonly ReusableLayer[];
  /** The store, if there is one. */
  readonly store?: StoreChoice;
}

/** Where to search for layers. */
interface FindOptions {
  /** The flags. */
  readonly build: TransientBuild;
  /** The destination's client. */
  readonly client: RegistryClient;
  /** The image whose layers can be reused. */
  readonly reference: Reference;
  /** Whether it was requested explicitly. */
  readonly asked: boolean;
  /** Clients of the store and of other registries. */
  readonly clients: RegistryClients;
  /** Whether to ignore the store, because it returned damaged data. */
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
  const shared = planned.plan.layers.filter(isShared).length;
  if (store === undefined || withoutStore) return { all: known, stored: [] };
  const baseDirectories = await groundDirectories(planned, { build, store, clients }, context);
  if (known.size === shared) return { all: known, stored: [] };
  const looking = { store, clients, baseDirectories, known };
  const stored = await readStoreIndex(planned, looking, context);
  return { all: new Map([...known, ...stored]), stored: [...stored.values()] };
}

/**
 * Plans the images of a push and finds the layers that do not need to be built.
 *
 * @throws {MiseOciError} as planning and `mise install`.
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

/**
 * Builds for a push: layers that exist at the destination are not built, and their tools do not need to be
 * installed.
 */
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

/** The error for a layer of the store that cannot be read completely, whatever the reason. */
class StoreDamage extends MiseOciError {
  constructor(error: MiseOciError) {
    super("integrity", error.message, { cause: error });
  }
}

/** Context of a push with a build. */
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
  const attesting = await maybeAttest(request.attest, planned[0]?.project.oci, context);
  // A bill of materials needs the content of the base.
  const listPackages = attesting?.attest.sbom !== undefined;
  await using obtained = await obtainBuiltImages(planned, {
    build: { ...build, ...(listPackages ? { listPackages } : {}) },
    reuse,
  }, context);
  const places: Elsewhere[] = [
    ...(store === undefined ? [] : [{
      reference: store.reference,
      blobs: stored.map(({ descriptor }) => descriptor),
      explain: (error: MiseOciError) => new StoreDamage(error),
    }]),
    // Base layers that were not read are streamed from registry to registry.
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
      throw maybeCause(error, StoreDamage) ?? (isDamage ? new StoreDamage(error) : error);
    });
  const attested = attesting === undefined ? result : await (await attestModule()).attestPush(
    client,
    { ...attesting, request, result, obtained, planned },
    context,
  );
  if (store?.push === true && push.withoutStore !== true) {
    const signer = attesting?.key;
    await writeImages(found, { obtained, access: { store, clients, signer }, push }, context);
  }
  return attested;
}

/** Adds the tool layers of pushed images to the store. */
async function writeImages(
  { planned }: FoundLayers,
  { obtained, access, push: { request, build } }: {
    readonly obtained: ObtainedImages;
    readonly access: StoreAccess;
    readonly push: BuiltPush;
  },
  context: BuildContext,
): Promise<void> {
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
      ...access,
      baseDirectories: await groundDirectories(one, { ...access, build, write: true }, context),
      layers,
      cache,
      destination: request.destination,
      env: config.config?.Env ?? [],
    }, context);
  }
  if (written === 0) return;
  const text = `Put ${written} layers into ${formatReference(access.store.reference)}`;
  context.reporter.emit({ type: "step", text });
}

/**
 * A layout that contains only the pushed image, for a program that can select neither a tag nor a platform.
 */
async function soloLayout(
  opened: OpenedImages,
  { root, directory }: { readonly root: Descriptor; readonly directory: string },
  { signal }: WorkflowContext,
): Promise<void> {
  const { store } = opened;
  await verifyStore(store, { entries: [root], signal });
  const { annotations: _, ...entry } = root;
  if (opened.directory !== undefined) {
    await Deno.mkdir(directory);
    await Deno.symlink(join(opened.directory, "blobs"), join(directory, "blobs"));
    await Deno.writeFile(join(directory, LAYOUT_FILE), encodeLayoutFile());
    await Deno.writeFile(join(directory, INDEX_FILE), encodeIndex({ manifests: [entry] }));
    return;
  }
  const layout = await createLayout(directory);
  for (const [digest, size] of await reachable(store, [root])) {
    await copyBlob(store, { digest, size }, layout);
  }
  await layout.setTag(entry);
}

/** The layout for the program: of the named image, or of a new build. */
async function obtainForTool(
  { image }: PushRequest,
  scratch: string,
  context: WorkflowContext,
): Promise<{ readonly request: NamedImageRequest; readonly built?: BuildResult }> {
  if (image.kind === "image") return { request: image };
  const output = join(scratch, "built");
  const built = await makeImage({ ...image.build, output }, context);
  const source = { kind: "layout", location: output } as const;
  return { request: { kind: "image", source, directory: scratch }, built };
}

/** Pushes a layout with skopeo or crane, which push everything in it, so nothing is reused. */
export async function pushByTool(
  request: PushRequest & { readonly tool: "skopeo" | "crane" },
  context: BuildContext,
): Promise<PushResult> {
  const { tool, image, directory } = request;
  const reference = destinationOf(request.destination);
  const refuse = (why: string): MiseOciError =>
    new MiseOciError("usage", `Cannot ${why} with --tool ${tool}`, {
      hint: "Leave --tool out: the built-in client can",
    });
  if (request.updateIndex) throw refuse("keep up an index");
  if (reference.digest !== undefined) throw refuse("push to a digest");
  if (image.kind === "image" && image.source.kind === "registry") {
    throw refuse("copy an image of a registry");
  }
  if (Object.values(request.attest ?? {}).some((one) => one !== false)) {
    throw refuse("attach or sign anything");
  }
  await checkTool(tool, context);
  const access = await readAccess(
    reference,
    image.kind === "build" ? image.build : { directory },
    context,
  );
  const scratch = await makeTemporary("mise-oci-push-");
  try {
    const { request: named, built } = await obtainForTool(request, scratch, context);
    await using opened = await openSource(named.source, named.directory, context);
    if (opened.reference !== undefined) throw refuse("copy an image of a registry");
    const root = await chooseRoot(opened, named.platform, context);
    const images = await listImages(opened.store, root, selectorOf(opened, undefined, context));
    for (const one of images) await checkFound(one, named.check ?? "off", context);
    const layout = join(scratch, "image");
    await soloLayout(opened, { root, directory: layout }, context);
    await pushWithTool({
      tool,
      layout,
      reference,
      insecure: isInsecure(reference.registry, access),
    }, { signal: context.signal });
    const isIndex = maybeManifestKind(root.mediaType) === "index";
    const pushed = built?.images ??
      images.map(({ platform, descriptor: { digest } }) => ({ platform, digest }));
    return {
      digest: root.digest,
      manifestDigest: root.digest,
      reference: formatReference(reference),
      ...(built === undefined ? {} : { layers: built.layers }),
      ...(isIndex ? { images: pushed } : {}),
    };
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}
