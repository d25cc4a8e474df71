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
  type PlatformEntry,
  type PushEvent,
  pushImage as pushToRegistry,
  pushWithTool,
  putManifest,
  type RegistryClient,
  updateIndex,
} from "../registry/mod.ts";
import { openLayout, type ResolvedImage } from "../store/mod.ts";
import { buildImage, planPlatforms } from "./build_image.ts";
import { obtainImage } from "./obtain_image.ts";
import { obtainBuiltImages, type ObtainedImages, obtainLayoutImages } from "./obtain_images.ts";
import { miseContext } from "./mise_context.ts";
import { openRegistry, type RegistryAccess } from "./registry_access.ts";
import { readReuseIndex, type ReuseIndex } from "./reuse_layers.ts";
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

/** Sends an image, by its digest alone or to the tag. */
async function uploadOne(
  client: RegistryClient,
  image: ResolvedImage,
  options: UploadOptions & { readonly untagged: boolean },
): Promise<NonNullable<PushResult["blobs"]>> {
  const { request, untagged, context: { reporter, signal } } = options;
  const { descriptor, manifest, manifestBytes } = image;
  const pushed = await pushToRegistry(client, {
    manifest: { descriptor, bytes: manifestBytes },
    config: manifest.config,
    layers: manifest.layers,
    source: image.source,
  }, {
    reference: destinationOf(request.destination),
    untagged,
    baseOrigin: maybeBaseOrigin(image),
    jobs: request.jobs,
    onEvent: (event) => reporter.emit(event.type === "start" ? named(event, image) : event),
    signal,
  });
  const { uploaded, present, mounted, bytesSent } = pushed;
  return { uploaded, present, mounted, uploadedBytes: bytesSent };
}

interface UploadOptions {
  readonly request: PushRequest;
  readonly context: WorkflowContext;
}

function entryOf({ descriptor, platform }: ResolvedImage): PlatformEntry {
  const { mediaType, digest, size } = descriptor;
  return { mediaType, digest, size, platform };
}

/** Makes the tag name what was sent by digest; a single image was sent to it already. */
async function setTag(
  client: RegistryClient,
  { images, index }: ObtainedImages,
  { request, context: { signal } }: UploadOptions,
): Promise<Digest | undefined> {
  const reference = destinationOf(request.destination);
  if (request.updateIndex) {
    const { digest } = await updateIndex(client, {
      reference,
      entries: images.map(entryOf),
      signal,
    });
    return digest;
  }
  if (index === undefined) return undefined;
  const { repository, tag = "latest" } = reference;
  await putManifest(client, { repository, target: tag, ...index, signal });
  return undefined;
}

/** Sends every image, then the index that names them, so that the tag never names what is not there. */
async function upload(
  client: RegistryClient,
  obtained: ObtainedImages,
  options: UploadOptions,
): Promise<PushResult> {
  const { images, rows, index } = obtained;
  const untagged = options.request.updateIndex || index !== undefined;
  const blobs = { uploaded: 0, present: 0, mounted: 0, uploadedBytes: 0 };
  for (const image of images) {
    const sent = await uploadOne(client, image, { ...options, untagged });
    blobs.uploaded += sent.uploaded;
    blobs.present += sent.present;
    blobs.mounted += sent.mounted;
    blobs.uploadedBytes += sent.uploadedBytes;
  }
  const updated = await setTag(client, obtained, options);
  const [first] = images;
  if (first === undefined) throw new TypeError("A push without an image");
  const manifestDigest = (index ?? first).descriptor.digest;
  const [layers] = rows ?? [];
  const pushed = images.map(({ platform, descriptor: { digest } }, i) => {
    const own = rows?.[i];
    return { platform, digest, ...(own === undefined ? {} : { layers: own }) };
  });
  return {
    digest: updated ?? manifestDigest,
    manifestDigest,
    reference: formatReference(destinationOf(options.request.destination)),
    blobs,
    ...(layers === undefined ? {} : { layers }),
    ...(index === undefined ? {} : { images: pushed }),
  };
}

/** Builds for a push: layers that the destination has need not be built, nor their tools installed. */
async function pushBuilt(
  request: PushRequest & { readonly image: Extract<ImageRequest, { kind: "build" }> },
  context: WorkflowContext,
): Promise<PushResult> {
  const { build } = request.image;
  const planned = await planPlatforms(build, context);
  const insecureRegistries = planned[0]?.project.settings.insecureRegistries ?? [];
  const client = await openRegistry(request.destination, { insecureRegistries }, context);
  try {
    const reuse: ReuseIndex[] = [];
    for (const { plan } of build.useCache ? planned : []) {
      const reference = request.cacheFrom ?? destinationOf(request.destination);
      const asked = request.cacheFrom !== undefined;
      reuse.push(await readReuseIndex(client, { plan, reference, asked }, context));
    }
    await using obtained = await obtainBuiltImages(planned, { build, reuse }, context);
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
  await using obtained = await obtainLayoutImages(request.image, context);
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
  if (request.image.kind === "build" && request.image.build.platforms !== undefined) {
    throw new MiseOciError("usage", `Cannot push several platforms with --tool ${request.tool}`, {
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
