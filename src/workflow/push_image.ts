/**
 * `push`: image → registry, with the built-in client or another program.
 * @module
 */
import { join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type Digest,
  formatReference,
  parseReference,
  type Reference,
  shortDigest,
} from "../oci/mod.ts";
import { readSettings } from "../mise/mod.ts";
import {
  type BaseOrigin,
  checkCacheFrom,
  type PushEvent,
  pushImage as pushToRegistry,
  pushWithTool,
  type RegistryClient,
  updateIndex,
} from "../registry/mod.ts";
import { openLayout, type ResolvedImage } from "../store/mod.ts";
import { buildImage, planProject } from "./build_image.ts";
import { obtainBuilt, type ObtainedImage, obtainImage } from "./obtain_image.ts";
import { miseContext } from "./mise_context.ts";
import { openRegistry, type RegistryAccess } from "./registry_access.ts";
import { readReuseIndex } from "./reuse_layers.ts";
import type { ImageRequest, PushRequest, PushResult, WorkflowContext } from "./types.ts";

/** A tag that is not written means `latest`, as everywhere; a digest cannot be pushed to. */
function destinationOf(reference: Reference): Reference {
  const { registry, repository, tag = "latest", digest } = reference;
  if (digest === undefined) return { registry, repository, tag };
  throw new MiseOciError(
    "usage",
    `Cannot push to "${
      formatReference(reference)
    }": a digest is what an image has, not where it goes`,
    { hint: "Name a tag" },
  );
}

/**
 * Where the base's layers can be mounted from: what the manifest says of its base, for the layers that
 * mise-oci did not make.
 */
function maybeBaseOrigin({ manifest }: ResolvedImage): BaseOrigin | undefined {
  const name = manifest.annotations?.[Annotation.baseName];
  if (name === undefined) return undefined;
  let reference: Reference;
  try {
    reference = parseReference(name);
  } catch (error) {
    if (error instanceof MiseOciError) return undefined;
    throw error;
  }
  const layers = new Set<Digest>(
    manifest.layers.filter(({ annotations }) => annotations?.[Annotation.layerKind] === undefined)
      .map(({ digest }) => digest),
  );
  return { registry: reference.registry, repository: reference.repository, layers };
}

/** What people call a blob: the tool in it rather than its digest. */
function named(
  event: Extract<PushEvent, { type: "start" }>,
  { manifest }: ResolvedImage,
): PushEvent {
  const layer = manifest.layers.find(({ digest }) => event.label.includes(shortDigest(digest)));
  const short = layer?.annotations?.[Annotation.toolShort];
  const name = short === undefined
    ? layer?.annotations?.[Annotation.copy] ?? layer?.annotations?.[Annotation.layerKind]
    : `${short} ${layer?.annotations?.[Annotation.toolVersion] ?? ""}`.trimEnd();
  return name === undefined ? event : { ...event, label: `${name} ${event.label}` };
}

async function upload(
  client: RegistryClient,
  { image, rows }: ObtainedImage,
  options: { readonly request: PushRequest; readonly context: WorkflowContext },
): Promise<PushResult> {
  const { request, context: { reporter, signal } } = options;
  const reference = destinationOf(request.destination);
  const { descriptor, manifest, manifestBytes, platform } = image;
  const pushed = await pushToRegistry(client, {
    manifest: { descriptor, bytes: manifestBytes },
    config: manifest.config,
    layers: manifest.layers,
    source: image.source,
  }, {
    reference,
    untagged: request.updateIndex,
    baseOrigin: maybeBaseOrigin(image),
    jobs: request.jobs,
    onEvent: (event) => reporter.emit(event.type === "start" ? named(event, image) : event),
    signal,
  });
  const { mediaType, digest: manifestDigest, size } = descriptor;
  const entry = { mediaType, digest: manifestDigest, size, platform };
  const digest = request.updateIndex
    ? (await updateIndex(client, { reference, entry, signal })).digest
    : manifestDigest;
  const { uploaded, present, mounted, bytesSent } = pushed;
  return {
    digest,
    manifestDigest,
    reference: formatReference(reference),
    blobs: { uploaded, present, mounted, uploadedBytes: bytesSent },
    ...(rows === undefined ? {} : { layers: rows }),
  };
}

/** Builds for a push: layers that the destination has need not be built, nor their tools installed. */
async function pushBuilt(
  request: PushRequest & { readonly image: Extract<ImageRequest, { kind: "build" }> },
  context: WorkflowContext,
): Promise<PushResult> {
  const { build } = request.image;
  const planned = await planProject(build, context);
  const { insecureRegistries } = planned.project.settings;
  const client = await openRegistry(request.destination, { insecureRegistries }, context);
  try {
    const index = build.useCache
      ? await readReuseIndex(client, {
        plan: planned.plan,
        reference: request.cacheFrom ?? destinationOf(request.destination),
        asked: request.cacheFrom !== undefined,
      }, context)
      : new Map();
    await using obtained = await obtainBuilt(planned, { build, reuse: index }, context);
    return await upload(client, obtained, { request, context });
  } finally {
    client.close();
  }
}

async function pushLayout(
  request: PushRequest & { readonly image: Extract<ImageRequest, { kind: "layout" }> },
  access: RegistryAccess,
  context: WorkflowContext,
): Promise<PushResult> {
  await using obtained = await obtainImage(request.image, context);
  const client = await openRegistry(request.destination, access, context);
  try {
    return await upload(client, obtained, { request, context });
  } finally {
    client.close();
  }
}

/** Hands a layout to skopeo or crane. They push what the layout has, so nothing is reused. */
async function pushByTool(
  request: PushRequest & { readonly tool: "skopeo" | "crane" },
  access: RegistryAccess,
  context: WorkflowContext,
): Promise<PushResult> {
  const reference = destinationOf(request.destination);
  if (request.updateIndex) {
    throw new MiseOciError("usage", `Cannot keep up an index with --tool ${request.tool}`, {
      hint: "Leave --tool out: the built-in client can",
    });
  }
  const scratch = await Deno.makeTempDir({ prefix: "mise-oci-push-" });
  try {
    const directory = request.image.kind === "layout"
      ? request.image.directory
      : join(scratch, "image");
    const built = request.image.kind === "build"
      ? await buildImage({ ...request.image.build, output: directory }, context)
      : undefined;
    const layout = await openLayout(directory);
    await using obtained = await obtainImage({ kind: "layout", directory }, context);
    await layout.verify({ signal: context.signal });
    const { tag, descriptor } = obtained.image;
    await pushWithTool({
      tool: request.tool,
      layout: directory,
      reference,
      insecure: access.insecureRegistries.includes(reference.registry),
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

/**
 * Pushes an image. The tag is set last, so that a push that fails leaves it as it was.
 *
 * @throws {MiseOciError} naming destination and cause: `auth`, `network`, `registry`, `integrity`,
 * `usage` for another repository in `cacheFrom`.
 */
export async function pushImage(
  request: PushRequest,
  context: WorkflowContext,
): Promise<PushResult> {
  const { image, destination, cacheFrom, tool } = request;
  destinationOf(destination);
  if (cacheFrom !== undefined) checkCacheFrom(cacheFrom, destination);
  if (image.kind === "layout") await openLayout(image.directory);
  const directory = image.kind === "layout" ? image.directory : image.build.directory;
  if (tool === "skopeo" || tool === "crane") {
    const access = await readSettings({ directory }, miseContext(context));
    return await pushByTool({ ...request, tool }, access, context);
  }
  if (image.kind === "build") return await pushBuilt({ ...request, image }, context);
  const access = await readSettings({ directory }, miseContext(context));
  return await pushLayout({ ...request, image }, access, context);
}
