/**
 * The workflows that commands call, each loaded when it is called: `--help` must not pay for them.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { BuildPlan } from "../plan/types.ts";
import type { CacheEntry, PruneOptions, PruneResult } from "../workflow/manage_cache.ts";
import type {
  BuildRequest,
  BuildResult,
  LoadRequest,
  LoadResult,
  PushRequest,
  PushResult,
  RunRequest,
  RunResult,
  WorkflowContext,
} from "../workflow/types.ts";

/** The workflows; tests put their own in place. */
export interface Workflows {
  /** Builds an image and writes its layout. */
  buildImage(request: BuildRequest, context: WorkflowContext): Promise<BuildResult>;
  /** Plans an image, writing nothing. */
  planImage(request: BuildRequest, context: WorkflowContext): Promise<BuildPlan>;
  /** Pushes an image to a registry. */
  pushImage(request: PushRequest, context: WorkflowContext): Promise<PushResult>;
  /** Runs an image in a container. */
  runImage(request: RunRequest, context: WorkflowContext): Promise<RunResult>;
  /** Puts an image into an engine. */
  loadImage(request: LoadRequest, context: WorkflowContext): Promise<LoadResult>;
  /** The cache's directory. */
  cacheDirectory(): Promise<string>;
  /** What is in the cache. */
  listCache(): Promise<readonly CacheEntry[]>;
  /** Removes what is old or too much. */
  pruneCache(options: PruneOptions): Promise<PruneResult>;
}

/** For commands that are not in the command table yet. */
function notYet(command: string): never {
  throw new MiseOciError("unsupported", `This version cannot ${command}`);
}

/** The real ones. */
export const workflows: Workflows = {
  buildImage: async (request, context) =>
    (await import("../workflow/build_image.ts")).buildImage(request, context),
  planImage: async (request, context) =>
    (await import("../workflow/build_image.ts")).planImage(request, context),
  pushImage: () => notYet("push"),
  runImage: () => notYet("run"),
  loadImage: () => notYet("load"),
  cacheDirectory: async () => (await import("../workflow/manage_cache.ts")).cacheDirectory(),
  listCache: async () => (await import("../workflow/manage_cache.ts")).listCache(),
  pruneCache: async (request) => (await import("../workflow/manage_cache.ts")).pruneCache(request),
};
