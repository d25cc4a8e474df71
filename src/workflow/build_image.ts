/**
 * `build`: project → plan → layers → image → layout, as named steps.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { LAYER_FORMAT, type LayerTree, RELOCATION_FORMAT } from "../layer/mod.ts";
import { readProject } from "../mise/mod.ts";
import type { Platform } from "../oci/mod.ts";
import {
  type BuildPlan,
  type LayerPlan,
  plan,
  type PlanOptions,
  type Project,
} from "../plan/mod.ts";
import { type Cache, createLayout } from "../store/mod.ts";
import type { BaseImage } from "./base_image.ts";
import { holdForeignInstalls, openBuildCache } from "./build_cache.ts";
import { buildWhileWaiting } from "./build_ahead.ts";
import { checkBuilt } from "./check_built.ts";
import { type ComposedImage, composeImage } from "./compose_image.ts";
import { checkPlan } from "./check_plan.ts";
import { warnOfUnknownUser } from "./check_user.ts";
import { moveDotfiles } from "./dotfiles_home.ts";
import { defaultJobs, defaultPlatform, hostEnv, isHostPlatform } from "./environment.ts";
import { checkForeignTools, differentVersions, maybeForeign } from "./foreign_tools.ts";
import { imageExtras } from "./image_extras.ts";
import { refuseReplacements } from "./inspect_layer.ts";
import { makeLayers, type MakeLayersOptions } from "./make_layers.ts";
import { composeSet, describeSet, type ImageSet, sortPlatforms } from "./image_set.ts";
import { chooseMise } from "./mise_binary.ts";
import { miseContext } from "./mise_context.ts";
import { hearWarnings, tellOnce } from "./tell_once.ts";
import { refuseOnScratch } from "./packages_layer.ts";
import { mapLimited } from "./limit.ts";
import { layGround } from "./lay_ground.ts";
import { isInstalled, maybeReusable, type ReuseIndex } from "./reuse_layers.ts";
import { buildTimestamp } from "./timestamp.ts";
import { followToolPaths } from "./tool_paths.ts";
import type { BuildRequest, BuildResult, TransientBuild, WorkflowContext } from "./types.ts";
import { checkArchiveTarget, writeArchive } from "./write_archive.ts";
import { MissingBlobError, writeLayout } from "./write_layout.ts";

/** What decides an image; where it is written only as far as no copy takes that along. */
export type ImageInput = TransientBuild & Pick<BuildRequest, "tag" | "output" | "archive">;

/** A project with its plan. */
export interface PlannedImage {
  /** The project as mise sees it, links followed. */
  readonly project: Project;
  /** The plan. */
  readonly plan: BuildPlan;
}

/** What building an image into the cache needs. */
export interface BuildInCacheOptions extends Pick<MakeLayersOptions, "cache" | "useCache"> {
  /** The flags. */
  readonly request: ImageInput;
}

/** Everything of an image but a place to write it to. */
export interface ImageInCache extends PlannedImage {
  /** The base. */
  readonly base: BaseImage;
  /** Manifest, config and rows. */
  readonly image: ComposedImage;
}

/** How {@linkcode planProject} reads a project. */
export interface PlanProjectOptions {
  /** Installs what is missing for a platform that this machine is not of, mise too, in a place of its own. */
  readonly installForeign: boolean;
}

/** Reads the project, links followed. */
async function openProject(
  request: ImageInput,
  { installForeign }: PlanProjectOptions,
  context: WorkflowContext,
): Promise<Project> {
  const { directory, misePath, miseEnv, includeGlobal, install, yes } = request;
  const platform = request.platform ?? defaultPlatform();
  const foreign = maybeForeign(platform);
  const asked = context.asked?.take(request, context);
  const project = await (asked ?? readProject({
    directory,
    platform,
    includeGlobal,
    install: foreign === undefined ? install : installForeign,
    ...(foreign === undefined ? {} : { foreign }),
    ...(misePath === undefined ? {} : { misePath }),
    ...(miseEnv === undefined ? {} : { miseEnv }),
    ...(yes === undefined ? {} : { yes }),
  }, miseContext(context)));
  const followed = await followToolPaths(project);
  if (foreign !== undefined && installForeign) {
    const cache = await openBuildCache(context);
    await checkForeignTools(followed, foreign.platform, cache);
    await cache.useInstalls(followed.tools.map(({ installPath }) => installPath));
  }
  return followed;
}

/** Directories of this machine that no value in the image should name. */
function hostRoots(project: Project): readonly string[] {
  const home = hostEnv("HOME") ?? hostEnv("USERPROFILE");
  const installs = project.tools.map(({ installPath, installDir }) =>
    installPath.endsWith(`/installs/${installDir}`)
      ? installPath.slice(0, -`/installs/${installDir}`.length)
      : installPath
  );
  return [...new Set([project.directory, ...installs, ...(home === undefined ? [] : [home])])]
    .filter((root) => root.length > 1);
}

async function planOptions(
  project: Project,
  { request, download }: { readonly request: ImageInput; readonly download: boolean },
  context: WorkflowContext,
): Promise<PlanOptions> {
  const platform = request.platform ?? defaultPlatform();
  const mise = await chooseMise(project, { request, platform, download }, context);
  if (mise.warning !== undefined) {
    context.reporter.emit({ type: "warning", text: mise.warning });
  }
  const { from, tag, mountPoint, owner, compression } = request;
  return {
    ...(from === undefined ? {} : { from }),
    ...(tag === undefined ? {} : { tag }),
    ...(mountPoint === undefined ? {} : { mountPoint }),
    ...(owner === undefined ? {} : { owner }),
    ...(mise.executable === undefined ? {} : { mise: mise.executable }),
    copies: request.copies,
    ...(compression === undefined ? {} : { compression }),
    platform,
    created: buildTimestamp(hostEnv("SOURCE_DATE_EPOCH"), Date.now()),
    allowEnv: request.allowEnv,
    dropEnv: request.dropEnv,
    strictEnv: request.strictEnv,
    hostRoots: hostRoots(project),
    ...await imageExtras(project, request, platform),
  };
}

/**
 * Reads the project and plans its image. Writes nothing, but for the tools of another platform.
 *
 * @throws {MiseOciError} for anything wrong with mise, the project, its config or the flags.
 */
export async function planProject(
  request: ImageInput,
  context: WorkflowContext,
  options: PlanProjectOptions = { installForeign: true },
): Promise<PlannedImage> {
  const project = await openProject(request, options, context);
  const versions = { format: LAYER_FORMAT, relocation: RELOCATION_FORMAT };
  const download = options.installForeign;
  const choices = await planOptions(project, { request, download }, context);
  const planned = plan(project, choices, versions);
  for (const text of planned.warnings) context.reporter.emit({ type: "warning", text });
  const image = { project, plan: planned };
  refuseOnScratch(image);
  return image;
}

/** The plan alone: what `--dry-run` prints. Nothing is installed. */
export async function planImage(
  request: BuildRequest,
  context: WorkflowContext,
): Promise<BuildPlan> {
  const { project, plan } = await planProject(request, context, { installForeign: false });
  await checkPlan(project, plan, context);
  return plan;
}

/** @throws {MiseOciError} `tool` naming every tool that is not installed, unless its layer is reused. */
export function requireInstalled(
  { project, plan }: PlannedImage,
  reuse: ReuseIndex = new Map(),
): void {
  const reused = new Set(
    plan.layers.filter((layer) => reuse.has(layer)).map(({ name, version }) =>
      `${name}@${version}`
    ),
  );
  const missing = project.tools.filter(({ installed, short, version }) =>
    !installed && !reused.has(`${short}@${version}`)
  );
  if (missing.length === 0) return;
  const names = missing.map(({ short, version }) => `${short}@${version}`).join(", ");
  throw new MiseOciError(
    "tool",
    missing.length === 1 ? `Tool is not installed: ${names}` : `Tools are not installed: ${names}`,
    { hint: "Run mise install, or give --install" },
  );
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
  context: WorkflowContext,
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
    skip: (layer) => isReusable(layer) || (layer.kind === "tool" && !isInstalled(layer, project)),
  }, context);
  const { base, packages, ground, baseDirectories } = laid.base;
  await warnOfUnknownUser(planned.plan, { ground, cache }, context);
  const plan = await moveDotfiles(planned, { ground, cache, request }, context);
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
    strict: request.strictEnv,
    jobs,
    maybeMade: (layer) => {
      if (layer.kind === "packages") return packages;
      return isInstalled(layer, project) ? undefined : maybeReusable(index, layer);
    },
    maybeReusable: (layer) => maybeReusable(index, layer),
    built: laid.built,
  }, heard.context);
  const built = { project, plan, base, image: await composeImage(plan, base, layers) };
  const { check = "warn", fix = false, ...once } = request;
  const told = heard.warnings;
  if (!await checkBuilt(built, { check, fix, cache, trees, told }, context)) return built;
  // What --fix wrote into the config file is part of the image.
  const again = await planProject(request, context);
  return await buildInCache(again, { ...options, request: { ...once, check } }, context);
}

/** The platforms asked for; this machine's if none is. */
export function requestedPlatforms(request: ImageInput): readonly Platform[] {
  return request.platforms ?? [request.platform ?? defaultPlatform()];
}

/** Plans the image of each platform asked for, in the order of an index. */
export async function planPlatforms(
  request: ImageInput,
  context: WorkflowContext,
): Promise<readonly PlannedImage[]> {
  const platforms = sortPlatforms(requestedPlatforms(request));
  const told = tellOnce(context);
  const limit = platforms.length;
  // What is installed for another platform may need this machine's own npm: that comes first.
  const first = request.install ? platforms.filter(isHostPlatform) : [];
  const planned = new Map<Platform, PlannedImage>();
  for (const group of [first, platforms.filter((one) => !first.includes(one))]) {
    await mapLimited(group, { limit }, async (platform) => {
      planned.set(platform, await planProject({ ...request, platform }, told));
    });
  }
  const images = platforms.flatMap((platform) => planned.get(platform) ?? []);
  for (const text of differentVersions(images)) told.reporter.emit({ type: "warning", text });
  return images;
}

/** Makes the images of several platforms, one after the other: the layers of each keep all cores busy. */
export async function buildPlatforms(
  planned: readonly PlannedImage[],
  options: BuildInCacheOptions & { readonly reuse?: readonly ReuseIndex[] },
  context: WorkflowContext,
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

/** Writes the images where they were asked for. */
async function writeOutputs(
  image: ImageSet,
  options: {
    readonly request: BuildRequest;
    readonly tag: string | undefined;
    readonly cache: Cache;
  },
  context: WorkflowContext,
): Promise<void> {
  const { request: { output: directory, archive }, tag, cache } = options;
  const common = { cache, ...(tag === undefined ? {} : { tag }) };
  if (directory !== undefined) await writeLayout(image, { ...common, directory }, context);
  if (archive !== undefined) await writeArchive(image, { ...common, archive });
}

/**
 * Builds the image of a project and writes it as an image layout, an archive or both.
 *
 * @throws {MiseOciError} naming what is wrong and what to do; nothing is written then.
 */
export async function buildImage(
  request: BuildRequest,
  context: WorkflowContext,
): Promise<BuildResult> {
  const { output, archive } = request;
  if (output !== undefined) await createLayout(output);
  if (archive !== undefined) await checkArchiveTarget(archive, request.platforms?.length ?? 1);
  await using _installs = await holdForeignInstalls(requestedPlatforms(request), context);
  const planned = await planPlatforms(request, context);
  for (const one of planned) requireInstalled(one);
  const cache = await openBuildCache(context);
  await using _lease = await cache.lease();
  const tag = planned[0]?.plan.tag;
  const write = async (useCache: boolean): Promise<ImageSet> => {
    const built = await buildPlatforms(planned, { request, cache, useCache }, context);
    const set = await composeSet(built.map(({ image }) => image));
    await writeOutputs(set, { request, tag, cache }, context);
    return set;
  };
  const set = await write(request.useCache).catch((error: unknown) => {
    // Somebody emptied the cache between the look-up and the link: what is missing is built again.
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
