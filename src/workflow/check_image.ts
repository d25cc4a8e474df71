/**
 * `check`: checks whether the commands of an image start, for images of any builder.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { Digest, ImageSource, Platform } from "../oci/mod.ts";
import { describeDuplicate, type Duplicate, type Finding, findingsOf } from "../check/mod.ts";
import { openBuildCache } from "../build/host/build_cache.ts";
import { foundImage, openFrom } from "../check/checked_image.ts";
import { findReport } from "../check/find_report.ts";
import { type Cache, verifyStore } from "../store/mod.ts";
import { type OpenedImage, openImage } from "./open_image.ts";
import type { WorkflowContext } from "../context.ts";

/** The flags of `check`, parsed. */
export interface CheckRequest {
  /** The image. */
  readonly source: ImageSource;
  /** Absolute working directory, for mise's settings. */
  readonly directory: string;
  /** The platform to check; default: the host's, or the only one. */
  readonly platform?: Platform;
}

/** A problem, with its remedies. */
export interface CheckProblem extends Finding {
  /** The kind of problem: `missing-library`, `missing-command`… */
  readonly type: Finding["causes"][0]["type"];
}

/** A command provided by two tools. */
export interface CheckDuplicate extends Duplicate {
  /** One sentence without a final period. */
  readonly message: string;
}

/** The result of a check. */
export interface CheckResult {
  /** The image's name for messages. */
  readonly image: string;
  /** Digest of its manifest. */
  readonly digest: Digest;
  /** The platform that was checked. */
  readonly platform: Platform;
  /** Every platform of the image. */
  readonly platforms: readonly Platform[];
  /** Number of checked commands. */
  readonly commands: number;
  /** The problems. */
  readonly problems: readonly CheckProblem[];
  /** Commands provided by two tools. */
  readonly duplicates: readonly CheckDuplicate[];
}

const VERIFIED = "verified-blobs";

/**
 * Verifies the blobs of an image on this machine, unless they are unchanged since the last time: a cached
 * report does not show whether the current bytes are intact.
 */
async function verify(
  { store, descriptor }: OpenedImage,
  cache: Cache,
  { signal }: WorkflowContext,
): Promise<void> {
  if (store === undefined || descriptor === undefined) return;
  await verifyStore(store, {
    entries: [descriptor],
    signal,
    memory: {
      get: async (blob) => {
        const state = await cache.getDocument(VERIFIED, blob);
        return typeof state === "string" ? state : undefined;
      },
      put: (blob, state) => cache.putDocument(VERIFIED, blob, state),
    },
  });
}

/**
 * Checks an image in a layout, an archive or a registry.
 *
 * @throws {MiseOciError} as opening and reading the image.
 */
export async function checkImage(
  request: CheckRequest,
  context: WorkflowContext,
): Promise<CheckResult> {
  const { source, directory, platform } = request;
  const options = { directory, ...(platform === undefined ? {} : { platform }) };
  await using image = await openImage(source, options, context);
  const cache = await openBuildCache(context);
  await verify(image, cache, context);
  const checked = foundImage(image, openFrom(image.source));
  const report = await findReport(checked, cache, context);
  if (report === undefined) {
    throw new MiseOciError("not-found", `Cannot check ${image.name}: a layer is missing`);
  }
  return {
    image: image.name,
    digest: image.descriptor.digest,
    platform: image.platform,
    platforms: image.platforms,
    commands: report.commands,
    problems: findingsOf(report).map((finding) => ({ type: finding.causes[0].type, ...finding })),
    duplicates: report.duplicates.map((duplicate) => ({
      message: describeDuplicate(duplicate),
      ...duplicate,
    })),
  };
}
