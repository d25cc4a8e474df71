/**
 * The workflows behind the commands, imported on demand so that `--help` starts fast.
 * @module
 */
import type { BuildPlan } from "../plan/types.ts";
import type { CheckRequest, CheckResult } from "../workflow/check_image.ts";
import type { SignRequest, SignResult } from "../workflow/sign_image.ts";
import type { VerifiedImage, VerifyRequest } from "../workflow/verify_image.ts";
import type { SbomRequest, SbomResult } from "../workflow/make_sbom.ts";
import type { PinRequest, PinResult } from "../workflow/pin_project.ts";
import type { OutdatedRequest, OutdatedResult } from "../workflow/outdated.ts";
import type { DoctorRequest, DoctorResult } from "../workflow/doctor.ts";
import type { InitRequest, InitResult } from "../workflow/init_project.ts";
import type { GenerateRequest, GenerateResult } from "../workflow/generate_file.ts";
import type { BundleRequest, BundleResult } from "../workflow/bundle_images.ts";
import type { RebaseRequest, RebaseResult } from "../workflow/rebase_image.ts";
import type { TagList, TagRequest } from "../workflow/manage_tags.ts";
import type { CacheEntry, CacheUse, PruneOptions, PruneResult } from "../workflow/manage_cache.ts";
import type {
  DiffRequest,
  DiffResult,
  InspectRequest,
  InspectResult,
} from "../workflow/inspect_image.ts";
import type { ReadFilesRequest } from "../workflow/read_files.ts";
import type { BuildRequest, BuildResult } from "../build/types.ts";
import type { WorkflowContext } from "../context.ts";
import type {
  LoadRequest,
  LoadResult,
  PushRequest,
  PushResult,
  RunRequest,
  RunResult,
} from "../workflow/types.ts";

/** The workflows; tests replace them. */
export interface Workflows {
  /** Finds the projects of `--all`: directories relative to `root`. */
  findProjects(root: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Builds an image and writes its layout. */
  buildImage(request: BuildRequest, context: WorkflowContext): Promise<BuildResult>;
  /** Plans an image without writing anything. */
  planImage(request: BuildRequest, context: WorkflowContext): Promise<BuildPlan>;
  /** Reports that what `--metadata-file` and `--iidfile` ask for cannot be written. */
  checkReport(path: string): Promise<void>;
  /** Writes the files of `--metadata-file` and `--iidfile`. */
  writeReport(path: string, text: string): Promise<void>;
  /** Pushes an image to a registry. */
  pushImage(request: PushRequest, context: WorkflowContext): Promise<PushResult>;
  /** Runs an image in a container. */
  runImage(request: RunRequest, context: WorkflowContext): Promise<RunResult>;
  /** Checks that the engine is installed. */
  checkEngine(engine: LoadRequest["engine"]): Promise<void>;
  /** Loads an image into an engine. */
  loadImage(request: LoadRequest, context: WorkflowContext): Promise<LoadResult>;
  /** Describes an image. */
  inspectImage(request: InspectRequest, context: WorkflowContext): Promise<InspectResult>;
  /** Compares two images. */
  diffImages(request: DiffRequest, context: WorkflowContext): Promise<DiffResult>;
  /** Writes a file of an image to stdout or a file. */
  catFile(request: ReadFilesRequest, context: WorkflowContext): Promise<void>;
  /** Writes the files of an image as a tar. */
  exportFiles(request: ReadFilesRequest, context: WorkflowContext): Promise<void>;
  /** Finds the commands of an image that would not start. */
  checkImage(request: CheckRequest, context: WorkflowContext): Promise<CheckResult>;
  /** Creates the bill of materials of an image. */
  makeSbom(request: SbomRequest, context: WorkflowContext): Promise<SbomResult>;
  /** Signs an image in a registry. */
  signImage(request: SignRequest, context: WorkflowContext): Promise<SignResult>;
  /** Verifies that a key signed an image in a registry. */
  verifyImage(request: VerifyRequest, context: WorkflowContext): Promise<VerifiedImage>;
  /** Puts an image in a registry onto another base. */
  rebaseImage(request: RebaseRequest, context: WorkflowContext): Promise<RebaseResult>;
  /** Pins a project's base and packages. */
  pinProject(request: PinRequest, context: WorkflowContext): Promise<PinResult>;
  /** Finds outdated bases, packages and tools. */
  findOutdated(request: OutdatedRequest, context: WorkflowContext): Promise<OutdatedResult>;
  /** Generates a file for another program. */
  generateFile(request: GenerateRequest, context: WorkflowContext): Promise<GenerateResult>;
  /** Adds missing settings to a project's config. */
  initProject(request: InitRequest): Promise<InitResult>;
  /** Finds problems of the machine and the project. */
  diagnose(request: DoctorRequest, context: WorkflowContext): Promise<DoctorResult>;
  /** Writes images to an archive. */
  bundleImages(request: BundleRequest, context: WorkflowContext): Promise<BundleResult>;
  /** Lists the tags of a layout or an archive. */
  listTags(request: TagRequest, context: WorkflowContext): Promise<TagList>;
  /** Removes a tag of a layout. */
  removeTag(request: TagRequest, context: WorkflowContext): Promise<TagList>;
  /** The cache directory. */
  cacheDirectory(): Promise<string>;
  /** Lists the entries of the cache. */
  listCache(): Promise<readonly CacheEntry[]>;
  /** Measures the cache, by kind. */
  measureCache(): Promise<CacheUse>;
  /** Removes old entries, or enough to reach a size. */
  pruneCache(options: PruneOptions): Promise<PruneResult>;
}

/*
 * Imported on demand, so that `--help` starts fast (docs/decisions/start.md).
 */
const buildModule = () => import("../workflow/start_build.ts");
const pushModule = () => import("../workflow/push/push_image.ts");
const runModule = () => import("../workflow/run_image.ts");
const loadModule = () => import("../workflow/load_image.ts");
const inspectModule = () => import("../workflow/inspect_image.ts");
const diffModule = () => import("../workflow/diff_images.ts");
const filesModule = () => import("../workflow/read_files.ts");
const checkModule = () => import("../workflow/check_image.ts");
const sbomModule = () => import("../workflow/make_sbom.ts");
const signModule = () => import("../workflow/sign_image.ts");
const verifyModule = () => import("../workflow/verify_image.ts");
const rebaseModule = () => import("../workflow/rebase_image.ts");
const pinProjectModule = () => import("../workflow/pin_project.ts");
const findOutdatedModule = () => import("../workflow/outdated.ts");
const generateFileModule = () => import("../workflow/generate_file.ts");
const initModule = () => import("../workflow/init_project.ts");
const projectsModule = () => import("../workflow/find_projects.ts");
const doctorModule = () => import("../workflow/doctor.ts");
const bundleImagesModule = () => import("../workflow/bundle_images.ts");
const tagsModule = () => import("../workflow/manage_tags.ts");
const cacheModule = () => import("../workflow/manage_cache.ts");

/** The real workflows. */
export const workflows: Workflows = {
  findProjects: async (root, signal) => (await projectsModule()).findProjects(root, signal),
  buildImage: async (request, context) => (await buildModule()).buildImage(request, context),
  planImage: async (request, context) => (await buildModule()).planImage(request, context),
  checkReport: async (path) => (await buildModule()).checkReport(path),
  writeReport: async (path, text) => (await buildModule()).writeReport(path, text),
  pushImage: async (request, context) => (await pushModule()).pushImage(request, context),
  runImage: async (request, context) => (await runModule()).runImage(request, context),
  checkEngine: async (engine) => (await loadModule()).checkEngine(engine),
  loadImage: async (request, context) => (await loadModule()).loadImage(request, context),
  inspectImage: async (request, context) => (await inspectModule()).inspectImage(request, context),
  diffImages: async (request, context) => (await diffModule()).diffImages(request, context),
  catFile: async (request, context) => (await filesModule()).catFile(request, context),
  exportFiles: async (request, context) => (await filesModule()).exportFiles(request, context),
  checkImage: async (request, context) => (await checkModule()).checkImage(request, context),
  makeSbom: async (request, context) => (await sbomModule()).makeSbom(request, context),
  signImage: async (request, context) => (await signModule()).signImage(request, context),
  verifyImage: async (request, context) => (await verifyModule()).verifyImage(request, context),
  rebaseImage: async (request, context) => (await rebaseModule()).rebaseImage(request, context),
  pinProject: async (request, context) => (await pinProjectModule()).pinProject(request, context),
  findOutdated: async (request, context) =>
    (await findOutdatedModule()).findOutdated(request, context),
  generateFile: async (request, context) =>
    (await generateFileModule()).generateFile(request, context),
  initProject: async (request) => (await initModule()).initProject(request),
  diagnose: async (request, context) => (await doctorModule()).diagnose(request, context),
  bundleImages: async (request, context) =>
    (await bundleImagesModule()).bundleImages(request, context),
  listTags: async (request, context) => (await tagsModule()).listTags(request, context),
  removeTag: async (request, context) => (await tagsModule()).removeTag(request, context),
  cacheDirectory: async () => (await cacheModule()).findCacheDirectory(),
  listCache: async () => (await cacheModule()).listCacheEntries(),
  pruneCache: async (options) => (await cacheModule()).pruneCacheEntries(options),
  measureCache: async () => (await cacheModule()).measureCache(),
};
