/**
 * `push`: image → registry, with the built-in client or another program.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import type { OpenedImages } from "../../image/open.ts";
import { listImages } from "../../image/resolve.ts";
import { readReferrers, readTree, type Tree } from "../../image/tree.ts";
import type { Image } from "../../image/types.ts";
import {
  type Descriptor,
  type Digest,
  formatReference,
  isForeignLayer,
  type Reference,
} from "../../oci/mod.ts";
import { hasBlob } from "../../registry/get_blob.ts";
import type { RegistryClient } from "../../registry/transport.ts";
import { checkCacheFrom } from "../../registry/cache_from.ts";
import { maybeAttest } from "./attest_request.ts";
import { openSource, selectorOf } from "../../build/base/open_source.ts";
import { openRegistry, readAccess } from "../../build/access/registry_access.ts";
import type { WorkflowContext } from "../../context.ts";
import { checkFound, chooseRoot, warnIfStale } from "../open_image.ts";
import { checkDestination, type ObtainedImages, upload } from "./push_upload.ts";
import type { NamedImageRequest, PushRequest, PushResult } from "../types.ts";

/** Imported on demand: pushing an existing image does not need the build code. */
const aheadModule = () => import("../../build/host/read_projects.ts");
const builtModule = () => import("./push_built.ts");

const attestModule = () => import("./attest_push.ts");
const copyModule = () => import("./copy_attached.ts");

/** The images of a tree, after a check; other manifests are not checked. */
async function imagesOf(
  opened: OpenedImages,
  { root, request }: { readonly root: Descriptor; readonly request: NamedImageRequest },
  context: WorkflowContext,
): Promise<readonly Image[]> {
  const images = await listImages(opened.store, root, selectorOf(opened, undefined, context));
  for (const image of images) await checkFound(image, request.check ?? "off", context);
  return images;
}

async function obtainTree(
  opened: OpenedImages,
  request: NamedImageRequest,
  context: WorkflowContext,
): Promise<ObtainedImages> {
  const { store, reference } = opened;
  const root = await chooseRoot(opened, request.platform, context);
  const tree: Tree = await readTree(store, root, { sparse: true });
  // In a registry, referrers are not part of the index.
  const referrers = reference === undefined ? await readReferrers(store, tree) : [];
  const images = await imagesOf(opened, { root, request }, context);
  const own = new Set(images.map(({ descriptor: { digest } }) => digest));
  const others = tree.manifests.filter(({ descriptor: { digest } }) => !own.has(digest));
  return {
    images,
    others: [...others, ...referrers].map((other) => ({ ...other, source: store })),
    indexes: tree.indexes,
    ...(reference === undefined ? {} : { origin: reference }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Copies the attachments of the images, from their registry or from the layout. */
async function takeAlong(
  client: RegistryClient,
  images: ObtainedImages,
  options: { readonly request: PushRequest; readonly context: WorkflowContext },
): Promise<void> {
  const isAttached = images.others?.some(({ manifest }) => manifest.subject !== undefined);
  if (images.origin === undefined && isAttached !== true) return;
  const { copyAttached } = await copyModule();
  await copyAttached(client, images, options);
}

/**
 * Checks before anything is sent that the destination has the layers that are missing in the source, such
 * as a bundle.
 *
 * @throws {MiseOciError} `not-found` naming every blob that is in neither.
 */
async function checkMissing(
  client: RegistryClient,
  { images, others = [] }: ObtainedImages,
  { request: { destination }, opened, signal }: {
    readonly request: PushRequest;
    readonly opened: OpenedImages;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { repository } = destination;
  const missing = new Set<Digest>();
  for (const { manifest, source } of [...images, ...others]) {
    for (const { digest, size, mediaType } of manifest.layers) {
      if (isForeignLayer(mediaType) || await source.size(digest) !== undefined) continue;
      if (!await hasBlob(client, { repository, digest, size, signal })) missing.add(digest);
    }
  }
  if (missing.size === 0) return;
  const name = formatReference(destination);
  throw new MiseOciError(
    "not-found",
    `Cannot push ${opened.name} to "${name}": neither has ${[...missing].join(", ")}`,
    { hint: "First push the image that it was bundled without, or bundle it completely" },
  );
}

async function pushNamed(
  request: PushRequest & { readonly image: NamedImageRequest },
  context: WorkflowContext,
): Promise<PushResult> {
  const { image, destination, directory } = request;
  if (request.attest?.provenance === true) {
    throw new MiseOciError(
      "usage",
      "Cannot attach provenance to an image that is not built by this push",
      {
        hint: "Let push build it, or leave --provenance out",
      },
    );
  }
  // Fail early if it is not an image, before mise is started.
  await using opened = await openSource(image.source, directory, context);
  const [access, obtained] = await Promise.all([
    readAccess(destination, { directory }, context),
    obtainTree(opened, image, context),
  ]);
  await using images = obtained;
  warnIfStale(opened, images.images[0], context);
  const attesting = await maybeAttest(request.attest, undefined, context);
  checkDestination(images, destination);
  const client = await openRegistry(destination, access, context);
  try {
    await checkMissing(client, images, { request, opened, signal: context.signal });
    const result = await upload(client, images, { request, context });
    await takeAlong(client, images, { request, context });
    if (attesting === undefined) return result;
    const { attestPush } = await attestModule();
    return await attestPush(client, { ...attesting, request, result, obtained: images }, context);
  } finally {
    client.close();
  }
}

async function pushOne(request: PushRequest, context: WorkflowContext): Promise<PushResult> {
  const { image, tool } = request;
  if (tool === "skopeo" || tool === "crane") {
    return await (await builtModule()).pushByTool({ ...request, tool }, context);
  }
  if (image.kind === "image") return await pushNamed({ ...request, image }, context);
  const { askAhead } = await aheadModule();
  await using asked = askAhead(image.build, context);
  return await (await builtModule()).pushBuilt({ ...request, image }, { ...context, asked });
}

/**
 * The request for a further destination: an existing image unchanged, a built one from its first
 * destination.
 */
function again(
  request: PushRequest,
  { manifestDigest }: PushResult,
  destination: Reference,
): PushRequest {
  const { image, directory, attest: _, ...rest } = request;
  if (image.kind === "image") return { ...request, destination };
  const { registry, repository } = request.destination;
  const reference = { registry, repository, digest: manifestDigest };
  const source = { kind: "registry", reference } as const;
  return {
    ...rest,
    directory,
    tool: "auto",
    destination,
    image: { kind: "image", source, directory, check: "off" },
  };
}

/**
 * Pushes an image, which is built once, to each destination. The tag is set last, so that a failed push
 * leaves it unchanged.
 *
 * @throws {MiseOciError} naming destination and cause: `auth`, `network`, `registry`, `integrity`, `usage`
 * for another repository in `cacheFrom`.
 */
export async function pushImage(
  request: PushRequest,
  context: WorkflowContext,
): Promise<PushResult> {
  const { cacheFrom, also: others = [], ...first } = request;
  if (cacheFrom !== undefined) {
    for (const one of [request.destination, ...others]) checkCacheFrom(cacheFrom, one);
  }
  const result = await pushOne(
    { ...first, ...(cacheFrom === undefined ? {} : { cacheFrom }) },
    context,
  );
  const also: NonNullable<PushResult["also"]>[number][] = [];
  for (const destination of others) {
    const { digest, reference, blobs } = await pushOne(again(first, result, destination), context);
    also.push({ digest, reference, ...(blobs === undefined ? {} : { blobs }) });
  }
  return also.length === 0 ? result : { ...result, also };
}
