/**
 * `build`: project → plan → layers → image → layout, as named steps.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { LayerTree } from "../layer/mod.ts";
import { type BuildPlan, type LayerPlan, maybePathWarning, type Project } from "../plan/mod.ts";
import { createLayout } from "../store/layout.ts";
import type { Cache } from "../store/mod.ts";
import type { BaseImage } from "./base_image.ts";
import { holdForeignInstalls, openBuildCache } from "./build_cache.ts";
import { addCertificates } from "./certificates.ts";
import { defaultJobs } from "./environment.ts";
import { checkBuilt } from "./check_built.ts";
import { composeImage } from "./compose_image.ts";
import { baseContentKey, settleUser } from "./base_facts.ts";
import { meetsOthers, refuseReplacements } from "./inspect_tree.ts";
import { makeLayers } from "./layers.ts";
import { composeSet, describeSet, type ImageSet } from "./image_set.ts";
import { hearWarnings, tellOnce } from "../context.ts";
import { type Ground, layGround } from "./lay_ground.ts";
import type { PlannedFound } from "./plan_found.ts";
import { planProject } from "./plan_images.ts";
import { requestedPlatforms } from "./read_projects.ts";
import { isInstalled, maybeReusable, type ReuseIndex } from "./reuse_layers.ts";
import type {
  BuildContext,
  BuildInCacheOptions,
  BuildRequest,
  BuildResult,
  ImageInCache,
  PlannedImage,
} from "./types.ts";

import { buildWhileWaiting } from "./while_waiting.ts";
import { MissingBlobError, writeLayout } from "./write_layout.ts";

export { makePlan } from "./plan_images.ts";

/** Archives of an image. */
const archiveModule = () => import("./write_archive.ts");

/** Plans with layers that were found elsewhere, in a registry or a store. */
const foundModule = () => import("./plan_found.ts");
/** Layers of several tools. */
const groupModule = () => import("./limit_layers.ts");
/** The layer store. */
const storeModule = () => import("./store_layers.ts");

/** @throws {MiseOciError} `tool` naming every tool that is not installed, unless its layer is reused. */
export function requireInstalled(
  { project, plan }: PlannedImage,
  reuse: ReuseIndex = new Map(),
): void {
  const reused = new Set(
    plan.layers.filter((layer) => layer.kind === "tool" && reuse.has(layer)).map((
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

/** Whether a layer cannot be built before the base is known: which tools share one depends on it. */
function isForLater(layer: LayerPlan, project: Project): boolean {
  return layer.kind === "tool" &&
    (project.oci.maxLayers !== undefined || !isInstalled(layer, project));
}

/** The plan with what only the base decides. */
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
 * Makes the layers of a planned image, composes it and checks whether its commands start; every blob is in
 * the cache afterwards.
 */
export async function buildInCache(
  planned: PlannedImage,
  options: BuildInCacheOptions & {
    /** Layers of a registry that need not be built. */
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
  const isNeeded = (layer: LayerPlan): boolean =>
    request.listPackages === true || meetsOthers(layer, plan);
  const layers = await makeLayers(plan, {
    cache,
    useCache,
    baseDirectories,
    inspect: (layer, tree) => {
      trees.set(layer, tree);
      return refuseReplacements(layer, tree, { ground, baseDirectories, cache, trees }, context);
    },
    // The check has kept what it knows of a layer that was built before; thousands of files take memory.
    onFound: (layer) => void (isNeeded(layer) || trees.delete(layer)),
    strict: request.strictEnv,
    jobs,
    maybeMade: (layer) => {
      if (layer.kind === "packages") return packages;
      return isInstalled(layer, project) ? undefined : maybeReusable(index, layer);
    },
    maybeReusable: (layer) => maybeReusable(index, layer),
    built: laid.built,
    lists: planned.lists,
    known: { groundKey: await baseContentKey(ground), isNeeded },
  }, heard.context);
  const built = { project, plan, base, image: await composeImage(plan, base, layers) };
  if (request.listPackages === true) await listPackages(built, trees, cache);
  const { check = "warn", fix = false, ...once } = request;
  const told = heard.warnings;
  const added = await checkBuilt(built, { check, fix, cache, trees, told }, context);
  if (added === undefined) return built;
  try {
    // What --fix wrote into the config file is part of the image.
    const again = await planProject(request, context);
    return await buildInCache(again, { ...options, request: { ...once, check } }, context);
  } catch (error) {
    // If the packages cannot be installed, no later build would work.
    if (!(error instanceof MiseOciError && error.code === "check")) await added.undo();
    throw error;
  }
}

/* Loaded late: few builds make a bill of materials. */
const packagesModule = () => import("./layer_packages.ts");

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

/** Makes the images of several platforms, one after the other: the layers of each keep all cores busy. */
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

/** Plans the images with layers of a store, if there is one; its code is loaded only then. */
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
 * @throws {MiseOciError} naming what is wrong and what to do; nothing is written then.
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
