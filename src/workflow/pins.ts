/**
 * The parts of a project that can be pinned: the digest of its base and the versions of its system
 * packages.
 * @module
 */
import type { TransientBuild } from "../build/types.ts";
import { openBuildCache } from "../build/host/build_cache.ts";
import { openBase } from "../build/base/open_base.ts";
import { planProject } from "../build/plan_images.ts";
import type { PlannedImage } from "../build/types.ts";
import { maybeMakePackagesLayer } from "../build/base/packages_layer.ts";
import { defaultJobs } from "../build/host/environment.ts";
import { openRegistry } from "../build/access/registry_access.ts";
import type { WorkflowContext } from "../context.ts";
import { readLayerChunks } from "../layer/read/mod.ts";
import { readTar } from "../tar/read_tar.ts";
import { type Digest, formatReference, type Reference } from "../oci/mod.ts";
import { databasePath, parseVersions } from "../packages/mod.ts";
import { headManifest } from "../registry/get_manifest.ts";
import type { ProjectRequest } from "../build/types.ts";

/** The flags that select the project. */
export type PinProject = Pick<ProjectRequest, "directory" | "miseEnv" | "misePath" | "yes">;

/** A build request of which only the base and the packages are used. */
function buildRequest(project: PinProject): TransientBuild {
  return {
    ...project,
    includeGlobal: false,
    install: false,
    copies: [],
    embedMise: false,
    useCache: true,
    pull: "always",
    // No image is written, so no variable can leak.
    allowEnv: ["*"],
    dropEnv: [],
    strictEnv: false,
    check: "off",
  };
}

/** Reads and plans a project without building it. */
export async function planPins(
  project: PinProject,
  context: WorkflowContext,
): Promise<PlannedImage> {
  const muted = { ...context, reporter: { ...context.reporter, emit: () => {} } };
  // Warnings of a build are not relevant here.
  return await planProject(buildRequest(project), muted, { installForeign: false });
}

/** The current digest of a base's tag; `undefined` if its registry does not have it. */
export async function currentDigest(
  reference: Reference,
  { project }: PlannedImage,
  context: WorkflowContext,
): Promise<Digest | undefined> {
  const { repository, tag = "latest" } = reference;
  const client = await openRegistry(reference, project.settings, context);
  try {
    return await headManifest(client, { repository, target: tag, signal: context.signal });
  } finally {
    client.close();
  }
}

/** A base in a registry with only its tag: the input of a pin. */
export function withoutDigest({ digest: _, ...reference }: Reference): Reference {
  return { ...reference, tag: reference.tag ?? "latest" };
}

/**
 * Determines the versions of the project's system packages on a base, by installing them as in a build.
 *
 * @param options `newest`: the newest versions in the base's sources, ignoring pins and the cache.
 * @throws {MiseOciError} `packages`, `permission` with the reason why they cannot be installed on this
 * machine.
 */
export async function packageVersions(
  planned: PlannedImage,
  options: { readonly from: Reference; readonly newest: boolean },
  context: WorkflowContext,
): Promise<ReadonlyMap<string, string>> {
  const { from, newest } = options;
  const image = onBase(newest ? unpinned(planned) : planned, from);
  const manager = image.plan.layers.find(({ packages }) => packages !== undefined)?.packages
    ?.manager;
  if (manager === undefined) return new Map();
  const cache = await openBuildCache(context);
  await using _lease = await cache.lease();
  const base = await openBase(image, { cache, pull: "always" }, context);
  const layer = await maybeMakePackagesLayer(image, {
    base,
    cache,
    useCache: !newest,
    jobs: defaultJobs(),
  }, context);
  if (layer === undefined) return new Map();
  const blob = await cache.open(layer.descriptor.digest);
  const tar = readLayerChunks(blob, layer.descriptor.mediaType, { signal: context.signal });
  for await (const entry of readTar(tar)) {
    if (entry.path !== databasePath(manager)) continue;
    return parseVersions(await new Response(ReadableStream.from(entry.content())).text(), manager);
  }
  return new Map();
}

function onBase({ plan, ...rest }: PlannedImage, from: Reference): PlannedImage {
  return {
    ...rest,
    plan: { ...plan, from: { kind: "registry", reference: from }, fromText: formatReference(from) },
  };
}

/** The project with the newest version of every package. */
function unpinned({ project, plan, ...rest }: PlannedImage): PlannedImage {
  return {
    ...rest,
    project: {
      ...project,
      ...(project.packages === undefined
        ? {}
        : { packages: project.packages.map((one) => ({ ...one, version: "latest" })) }),
    },
    plan: {
      ...plan,
      layers: plan.layers.map((layer) =>
        layer.packages === undefined ? layer : {
          ...layer,
          packages: {
            ...layer.packages,
            packages: layer.packages.packages.map(({ name }) => ({ name })),
          },
        }
      ),
    },
  };
}
