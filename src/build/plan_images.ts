/**
 * Plans the image of a project, for one platform or several, and checks what the host must provide; nothing
 * is built.
 * @module
 */
import { mapConcurrently } from "../concurrency.ts";
import { tellOnce } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import { LAYER_FORMAT, RELOCATION_FORMAT } from "../layer/format.ts";
import { TreeLists } from "../layer/tree/tree_lists.ts";
import { SharedAnswers } from "../mise/answers_of_project.ts";
import { readProject } from "../mise/project.ts";
import type { Platform } from "../oci/mod.ts";
import {
  type BuildPlan,
  type HostExecutable,
  plan,
  type PlanOptions,
  type Project,
} from "../plan/mod.ts";
import { overrideOci } from "../plan/project.ts";
import { openBuildCache } from "./host/build_cache.ts";
import { readCertificates } from "./base/certificates.ts";
import { sortPlatforms } from "./output/compose_image.ts";
import { chooseMise, decideEmbedding } from "./host/embed.ts";
import { buildTimestamp, defaultPlatform, hostEnv } from "./host/environment.ts";
import { checkSources, followToolPaths, withIgnores } from "./inspect_tree.ts";
import {
  miseContext,
  partPlatforms,
  projectOptions,
  requestedPlatforms,
} from "./host/read_projects.ts";
import type { BuildContext, BuildRequest, ImageInput, PlannedImage } from "./types.ts";

import manifest from "../../deno.json" with { type: "json" };

/** Imported on demand: system packages. */
const selectModule = () => import("../packages/mod.ts");

/** How this program was started, for tests to replace. */
export interface SelfFacts {
  /** Whether it is a compiled executable. */
  readonly standalone: boolean;
  /** The executable. */
  readonly path: () => string;
}

const SELF: SelfFacts = { standalone: Deno.build.standalone, path: () => Deno.execPath() };

/**
 * The compiled mise-oci for `--embed-self`.
 *
 * @throws {MiseOciError} `usage` if this is not the compiled executable, `unsupported` if it cannot run in
 * the image.
 */
export async function selfExecutable(
  platform: Platform,
  { standalone, path }: SelfFacts = SELF,
): Promise<HostExecutable> {
  if (!standalone) {
    throw new MiseOciError(
      "usage",
      "Cannot embed mise-oci in the image: it runs as a script, not as an executable of its own",
      { hint: "Run the compiled executable (deno task compile), or leave --embed-self out" },
    );
  }
  const decision = await decideEmbedding("mise-oci", {
    path: path(),
    version: manifest.version,
    platform,
  });
  if (decision.executable !== undefined) return decision.executable;
  throw new MiseOciError("unsupported", `Cannot embed mise-oci in the image: ${decision.warning}`, {
    hint: "Leave --embed-self out",
  });
}

/**
 * Packages, certificates, the compiled program itself, and the output paths.
 *
 * @throws {MiseOciError} for packages or an executable that the platform does not support, and for missing
 * files to copy and missing certificates.
 */
async function imageExtras(
  project: Project,
  request: ImageInput,
  platform: Platform,
): Promise<Pick<PlanOptions, "packages" | "certificates" | "self" | "outputs">> {
  const declared = project.packages ?? [];
  const packages = declared.length === 0
    ? undefined
    : (await selectModule()).selectPackages(declared, platform);
  await checkSources(project, [...project.oci.copy, ...request.copies]);
  const outputs = [request.output, request.archive?.path].flatMap((path) =>
    path === undefined || path === "-" ? [] : path
  );
  const certificates = await readCertificates(project.oci.ca);
  return {
    ...(packages === undefined ? {} : { packages }),
    ...(certificates === undefined ? {} : { certificates }),
    ...(request.embedSelf === true ? { self: await selfExecutable(platform) } : {}),
    outputs,
  };
}

/** Imported on demand: tools for another platform. */
const foreignModule = () => import("./host/foreign_tools.ts");
/** Imported on demand: system packages. */
const packagesModule = () => import("./base/packages_layer.ts");
/** Imported on demand: dry runs. */
const planModule = () => import("./check_plan.ts");

/** Options of {@linkcode planProject}. */
export interface PlanProjectOptions {
  /** Whether to install missing tools for other platforms, and mise, in a separate directory. */
  readonly installForeign: boolean;
  /** mise's output for the other platforms of the same build. */
  readonly shared?: SharedAnswers;
  /** Lists the trees of the tools as soon as they are known. */
  readonly lists?: TreeLists;
}

/** Number of tools from which listing trees is worth the 20 ms and 20 MB of a thread. */
const MANY_TOOLS = 8;

/** Reads the project and resolves links. */
async function openProject(
  request: ImageInput,
  { installForeign, shared, lists }: PlanProjectOptions,
  context: BuildContext,
): Promise<Project> {
  const platform = request.platform ?? defaultPlatform();
  const asking = projectOptions(request, platform);
  const { foreign } = asking;
  // Opened while mise runs.
  const opened = foreign !== undefined && installForeign ? openBuildCache(context) : undefined;
  opened?.catch(() => {});
  // From the end, because the layers are scanned from the start.
  const mise = miseContext(context, (paths) => lists?.begin(paths.toReversed()));
  const whole = foreign !== undefined && installForeign;
  const answered = await context.asked?.take(request, { context: mise, whole });
  const project = answered ?? await readProject({
    ...asking,
    install: foreign === undefined ? request.install : installForeign,
    ...(shared === undefined ? {} : { shared }),
  }, mise);
  const followed = await followToolPaths(project);
  const cache = await opened;
  if (foreign !== undefined && cache !== undefined) {
    const { checkForeignTools } = await foreignModule();
    await checkForeignTools(followed, foreign, cache);
    cache.useInstalls(followed.tools.map(({ installPath }) => installPath));
  }
  return followed;
}

/** Directories of this machine that no value in the image should contain. */
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
  context: BuildContext,
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
    copies: await withIgnores(request.copies),
    ...(compression === undefined ? {} : { compression }),
    platform,
    created: buildTimestamp(Deno.env.get("SOURCE_DATE_EPOCH"), Date.now()),
    allowEnv: request.allowEnv,
    dropEnv: request.dropEnv,
    strictEnv: request.strictEnv,
    hostRoots: hostRoots(project),
    ...await imageExtras(project, request, platform),
  };
}

/**
 * Reads the project and plans its image. Writes nothing, except tools for another platform.
 *
 * @throws {MiseOciError} for anything wrong with mise, the project, its config or the flags.
 */
export async function planProject(
  request: ImageInput,
  context: BuildContext,
  options: PlanProjectOptions = { installForeign: true },
): Promise<PlannedImage> {
  const opened = await openProject(request, options, context);
  const oci = overrideOci(opened.oci, request.overrides);
  const project = { ...opened, oci: { ...oci, copy: await withIgnores(oci.copy) } };
  const versions = { format: LAYER_FORMAT, relocation: RELOCATION_FORMAT };
  const download = options.installForeign;
  const choices = await planOptions(project, { request, download }, context);
  const planned = plan(project, choices, versions);
  for (const text of planned.warnings) context.reporter.emit({ type: "warning", text });
  for (const text of planned.notes ?? []) {
    context.reporter.emit({ type: "detail", level: 1, text });
  }
  const { lists } = options;
  const image = { project, plan: planned, ...(lists === undefined ? {} : { lists }) };
  if (project.packages !== undefined && project.packages.length > 0) {
    (await packagesModule()).refuseOnScratch(image);
  }
  return image;
}

/** The plan alone: what `--dry-run` prints. Nothing is installed. */
export async function makePlan(
  request: BuildRequest,
  context: BuildContext,
): Promise<BuildPlan> {
  const { project, plan } = await planProject(request, context, { installForeign: false });
  await (await planModule()).checkPlan(project, plan, context);
  return plan;
}

/** Plans the image of each requested platform, in the order of an index. */
export async function planPlatforms(
  request: ImageInput,
  context: BuildContext,
): Promise<readonly PlannedImage[]> {
  const platforms = sortPlatforms(requestedPlatforms(request));
  const told = tellOnce(context);
  const limit = platforms.length;
  // Tools for another platform may need the host's npm, which is installed first.
  const { own, others } = partPlatforms(platforms);
  const planned = new Map<Platform, PlannedImage>();
  const shared = new SharedAnswers();
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  // While the first platform is processed, a thread lists the trees of the others; for a single platform
  // with many tools, it lists the last ones.
  const several = platforms.length > 1;
  const minimum = several ? 1 : MANY_TOOLS;
  const lists = request.useCache ? new TreeLists({ signal, minimum }) : undefined;
  if (several && !request.install) lists?.prepare();
  for (const group of request.install ? [own, others] : [[...own, ...others]]) {
    await mapConcurrently(group, { limit }, async (platform) => {
      const listed = lists === undefined || (several && platform === platforms[0]) ? {} : { lists };
      const options = { installForeign: true, shared, ...listed };
      const image = planProject({ ...request, platform }, told, options);
      image.catch((error) => stop.abort(error));
      planned.set(platform, await image);
    });
  }
  lists?.settle();
  const images = platforms.flatMap((platform) => planned.get(platform) ?? []);
  if (images.length < 2) return images;
  const { differentVersions } = await foreignModule();
  for (const text of differentVersions(images)) told.reporter.emit({ type: "warning", text });
  return images;
}
