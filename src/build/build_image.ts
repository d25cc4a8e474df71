/**
 * `build`: project → plan → layers → image → layout, as named steps. Layers are built while the base is not
 * ready yet.
 * @module
 */
import { hearWarnings, tellOnce, type WorkflowContext } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import type { LayerTree } from "../layer/mod.ts";
import {
  type BuildPlan,
  isToolLayer,
  type LayerPlan,
  maybePathWarning,
  type Project,
} from "../plan/mod.ts";
import { createLayout } from "../store/layout.ts";
import type { Cache } from "../store/mod.ts";
import { baseContentKey, settleUser } from "./base/base_facts.ts";
import type { BaseImage } from "./base/base_image.ts";
import type { AheadPlan, BuildAheadOptions } from "./build_ahead.ts";
import { holdForeignInstalls, openBuildCache } from "./host/build_cache.ts";
import { addCertificates } from "./base/certificates.ts";
import { checkBuilt } from "./output/check_built.ts";
import { composeImage, composeSet, describeSet, type ImageSet } from "./output/compose_image.ts";
import { defaultJobs } from "./host/environment.ts";
import { meetsOthers, refuseReplacements } from "./inspect_tree.ts";
import { type Ground, layGround } from "./base/lay_ground.ts";
import { makeLayers, type MakeLayersOptions } from "./layers.ts";
import type { PlannedFound } from "./reuse/plan_found.ts";
import { planProject } from "./plan_images.ts";
import { requestedPlatforms } from "./host/read_projects.ts";
import { isInstalled, maybeReusable, type ReuseIndex } from "./reuse/reuse_layers.ts";
import type {
  BuildContext,
  BuildInCacheOptions,
  BuildRequest,
  BuildResult,
  ImageInCache,
  PlannedImage,
} from "./types.ts";
import { MissingBlobError, writeLayout } from "./output/write_layout.ts";
export { makePlan } from "./plan_images.ts";

/** Imported on demand: building layers before the base is ready. */
const aheadModule = () => import("./build_ahead.ts");

/** A base that is ready within this time, in milliseconds, was cached. */
const PATIENCE_MS = 50;

/** Whether a promise is settled within a time. */
async function settlesWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  // `setTimeout` is not used, because its first call takes 12 ms to load modules of Deno.
  const time = AbortSignal.timeout(milliseconds);
  time.addEventListener("abort", () => resolve(false), { once: true });
  const settled = promise.then(() => true, () => true);
  return await Promise.race([settled, late]);
}

/**
 * Waits for the base, and builds layers in the meantime if that takes long.
 *
 * @returns The base, and the cache keys of the layers that were built.
 * @throws the error of `base`. Errors of a layer are reported when it is built again.
 */
export async function buildWhileWaiting<T>(
  base: Promise<T>,
  { plan, ...options }: BuildAheadOptions & { readonly plan: AheadPlan },
  context: WorkflowContext,
): Promise<{ readonly base: T; readonly built: ReadonlySet<string> }> {
  const nothing: ReadonlySet<string> = new Set();
  if (plan.from.kind === "scratch" || await settlesWithin(base, PATIENCE_MS)) {
    return { base: await base, built: nothing };
  }
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const { buildAhead } = await aheadModule();
  const ahead = buildAhead(plan, options, { ...context, signal }).catch((error: unknown) => {
    const text = `Not built while the base was on its way: ${error}`;
    if (!signal.aborted) context.reporter.emit({ type: "detail", level: 1, text });
    return nothing;
  });
  try {
    await base;
  } catch (error) {
    stop.abort();
    await ahead;
    throw error;
  }
  return { base: await base, built: await ahead };
}

/** Imported on demand: archives. */
const archiveModule = () => import("./output/write_archive.ts");

/** Imported on demand: layers found in a registry or a store. */
const foundModule = () => import("./reuse/plan_found.ts");
/** Imported on demand: layers with several tools. */
const groupModule = () => import("./limit_layers.ts");
/** Imported on demand: the layer store. */
const storeModule = () => import("./reuse/store_layers.ts");

/** @throws {MiseOciError} `tool` naming every tool that is not installed, unless its layer is reused. */
export function requireInstalled(
  { project, plan }: PlannedImage,
  reuse: ReuseIndex = new Map(),
): void {
  const reused = new Set(
    plan.layers.filter((layer) => isToolLayer(layer) && reuse.has(layer)).map((
      { name, version },
    ) => `${name}@${version}`),
  );
  const missing = project.tools.filter(({ installed, short, version }) =>
    !installed && !reused.has(`${short}@${version}`)
  );
  if (missing.length === 0) return;
  const names = missing.map(({ short, version }) => `${short}@${version}`).join(", ");
  throw new MiseOciError(
    "tool",
    missing.length === 1 ? `Tool is not installed: ${names}` : `Tools are not installed: ${names}`,
    {
      // Tools that only tasks use are installed by name.
      hint: missing.some(({ ofTask }) => ofTask === true)
        ? `Run "mise install ${names.replaceAll(", ", " ")}", or give --install`
        : "Run mise install, or give --install",
    },
  );
}

/** Warns if PATH in `[oci].env` contains none of the base's directories. */
function warnOfPath(
  { plan: { config } }: PlannedImage,
  base: BaseImage,
  { reporter }: BuildContext,
): void {
  const text = maybePathWarning(base.config, config);
  if (text !== undefined) reporter.emit({ type: "warning", text });
}

/** Whether a layer cannot be built before the base is known, because tools may share a layer. */
function isForLater(layer: LayerPlan, project: Project): boolean {
  return isToolLayer(layer) &&
    (project.oci.maxLayers !== undefined || !isInstalled(layer, project));
}

/**
 * The trees that are needed although their layers are cached. The check has cached the facts it needs, and
 * listing thousands of files takes time and memory.
 */
async function knownLayers(
  plan: BuildPlan,
  { listPackages }: BuildRequest,
  ground: BaseImage,
): Promise<NonNullable<MakeLayersOptions["known"]>> {
  return {
    groundKey: await baseContentKey(ground),
    isNeeded: (layer) => listPackages === true || meetsOthers(layer, plan),
  };
}

/** Completes the plan with everything that depends on the base. */
async function completePlan(
  planned: PlannedImage,
  ground: Ground,
  options: Pick<BuildInCacheOptions, "request" | "cache">,
  context: BuildContext,
): Promise<BuildPlan> {
  const { project, project: { oci: { maxLayers } } } = planned;
  const onGround = { ...options, ground: ground.ground };
  const settled = await settleUser(planned, onGround, context);
  const extended = await addCertificates(settled, onGround, context);
  if (maxLayers === undefined) return extended;
  const { limitLayers } = await groupModule();
  return await limitLayers(extended, { project, ground, maxLayers }, context);
}

/**
 * Makes the layers of a planned image, composes it and checks whether its commands start. All its blobs are
 * then in the cache.
 */
export async function buildInCache(
  planned: PlannedImage,
  options: BuildInCacheOptions & {
    /** Layers in a registry that can be reused. */
    readonly reuse?: ReuseIndex;
  },
  context: BuildContext,
): Promise<ImageInCache> {
  const { request, cache, useCache, reuse: index = new Map() } = options;
  const jobs = request.jobs ?? defaultJobs();
  const { project } = planned;
  const isReusable = (layer: LayerPlan): boolean => maybeReusable(index, layer) !== undefined;
  const laid = await buildWhileWaiting(layGround(planned, { ...options, jobs }, context), {
    plan: planned.plan,
    cache,
    useCache,
    jobs,
    skip: (layer) => isReusable(layer) || isForLater(layer, project),
  }, context);
  const { base, packages, ground, baseDirectories } = laid.base;
  warnOfPath(planned, base, context);
  const plan = await completePlan(planned, laid.base, { request, cache }, context);
  const trees = new Map<LayerPlan, LayerTree>();
  const heard = hearWarnings(context);
  const layers = await makeLayers(plan, {
    cache,
    useCache,
    baseDirectories,
    inspect: (layer, tree) => {
      trees.set(layer, tree);
      return refuseReplacements(layer, tree, { ground, baseDirectories, cache, trees }, context);
    },
    onFound: (layer) => void trees.delete(layer),
    strict: request.strictEnv,
    jobs,
    maybeMade: (layer) => {
      if (layer.packages !== undefined) return packages;
      return isInstalled(layer, project) ? undefined : maybeReusable(index, layer);
    },
    maybeReusable: (layer) => maybeReusable(index, layer),
    built: laid.built,
    lists: planned.lists,
    known: await knownLayers(plan, request, ground),
  }, heard.context);
  const built = { project, plan, base, image: await composeImage(plan, base, layers) };
  if (request.listPackages === true) await listPackages(built, trees, cache);
  const { check = "warn", fix = false, ...once } = request;
  const told = heard.warnings;
  const added = await checkBuilt(built, { check, fix, cache, trees, told }, context);
  if (added === undefined) return built;
  try {
    // The packages that --fix added to the config file are part of the image.
    const again = await planProject(request, context);
    return await buildInCache(again, { ...options, request: { ...once, check } }, context);
  } catch (error) {
    // If the packages cannot be installed, no later build would work.
    if (!(error instanceof MiseOciError && error.code === "check")) await added.undo();
    throw error;
  }
}

// Imported on demand: few builds create a bill of materials.
const packagesModule = () => import("./base/layer_packages.ts");

/** Records the packages in the scanned layers, which costs less than reading their blobs. */
async function listPackages(
  { image, plan, base }: ImageInCache,
  trees: ReadonlyMap<LayerPlan, LayerTree>,
  cache: Cache,
): Promise<void> {
  const { keepTreePackages } = await packagesModule();
  const layers = plan.layers.flatMap((layer, i) => {
    const tree = trees.get(layer);
    const diffId = image.imageConfig.diffIds[base.layers.length + i];
    return tree === undefined || diffId === undefined ? [] : [{ diffId, tree }];
  });
  await keepTreePackages(cache, layers);
}

/** Makes the images of several platforms one after the other, since each uses all cores. */
export async function buildPlatforms(
  planned: readonly PlannedImage[],
  options: BuildInCacheOptions & { readonly reuse?: readonly ReuseIndex[] },
  context: BuildContext,
): Promise<readonly ImageInCache[]> {
  const { request, reuse, ...rest } = options;
  const told = tellOnce(context);
  const built: ImageInCache[] = [];
  for (const [i, one] of planned.entries()) {
    const index = reuse?.[i];
    const own = { ...request, platform: one.plan.platform };
    const more = index === undefined ? {} : { reuse: index };
    built.push(await buildInCache(one, { ...rest, ...more, request: own }, told));
  }
  return built;
}

/** Plans the images with layers of a store, if one is configured. */
async function planStored(
  request: BuildRequest,
  open: () => Promise<Cache>,
  context: BuildContext,
): Promise<PlannedFound> {
  const { planFound } = await foundModule();
  return await planFound(request, async (planned) => {
    const hasStore = (request.store ?? planned.project.oci.store) !== undefined;
    if (!hasStore) return new Map();
    const cache = await open();
    return await (await storeModule()).takeStored(planned, { request, cache }, context);
  }, context);
}

/** Writes the images to the requested layout and archive. */
async function writeOutputs(
  image: ImageSet,
  options: {
    readonly request: BuildRequest;
    readonly tag: string | undefined;
    readonly cache: Cache;
  },
  context: BuildContext,
): Promise<void> {
  const { request: { output: directory, archive }, tag, cache } = options;
  const common = { cache, ...(tag === undefined ? {} : { tag }) };
  if (directory !== undefined) await writeLayout(image, { ...common, directory }, context);
  if (archive === undefined) return;
  await (await archiveModule()).writeArchive(image, { ...common, archive });
}

/**
 * Builds the image of a project and writes it as an image layout, an archive or both.
 *
 * @throws {MiseOciError} naming what is wrong and a remedy; nothing is written then.
 */
export async function makeImage(
  request: BuildRequest,
  context: BuildContext,
): Promise<BuildResult> {
  const { output, archive } = request;
  if (output !== undefined) await createLayout(output);
  if (archive !== undefined) {
    const { checkArchiveTarget } = await archiveModule();
    await checkArchiveTarget(archive, request.platforms?.length ?? 1);
  }
  await using _installs = await holdForeignInstalls(requestedPlatforms(request));
  await using held = new AsyncDisposableStack();
  let opened: Promise<Cache> | undefined;
  // Opened only when needed: if the project cannot be read, nothing has been created.
  const open = (): Promise<Cache> =>
    opened ??= openBuildCache(context).then(async (cache) => {
      held.use(await cache.lease());
      return cache;
    });
  const { planned, reuse } = await planStored(request, open, context);
  const cache = await open();
  if (archive?.format === "docker-archive") {
    (await archiveModule()).checkArchiveCompression(archive, planned.map(({ plan }) => plan));
  }
  planned.forEach((one, i) => requireInstalled(one, reuse[i]));
  const tag = planned[0]?.plan.tag;
  const write = async (useCache: boolean): Promise<ImageSet> => {
    const built = await buildPlatforms(planned, { request, cache, useCache, reuse }, context);
    const set = await composeSet(built.map(({ image }) => image));
    await writeOutputs(set, { request, tag, cache }, context);
    return set;
  };
  const set = await write(request.useCache).catch((error: unknown) => {
    // The cache was emptied between the look-up and the link: the missing layers are built again.
    if (error instanceof MissingBlobError && !context.signal.aborted) {
      return write(request.useCache);
    }
    throw error;
  });
  return {
    ...(output === undefined ? {} : { output }),
    ...(archive === undefined ? {} : { archive }),
    ...describeSet(set),
    ...(tag === undefined ? {} : { tag }),
  };
}
