/**
 * Pushing what is built for it, or by another program.
 * @module
 */
import { join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import type { OpenedImages } from "../image/open.ts";
import { listImages } from "../image/resolve.ts";
import { makeTemporary } from "../mise/temporary.ts";
import {
  type Descriptor,
  encodeIndex,
  encodeLayoutFile,
  formatReference,
  INDEX_FILE,
  LAYOUT_FILE,
  maybeManifestKind,
} from "../oci/mod.ts";
import { pushWithTool } from "../registry/mod.ts";
import { createLayout, reachable, verifyStore } from "../store/mod.ts";
import { maybeAttest } from "./attest_request.ts";
import { adoptReused } from "../build/adopt_reused.ts";
import { copyBlob } from "../build/base_image.ts";
import { holdForeignInstalls, openBuildCache } from "../build/build_cache.ts";
import { buildImage, buildPlatforms, requireInstalled } from "../build/build_image.ts";
import { composeSet } from "../build/image_set.ts";
import { openSource, selectorOf } from "../build/open_source.ts";
import { planPlatforms } from "../build/plan_images.ts";
import { requestedPlatforms } from "../build/read_projects.ts";
import { isInsecure, openRegistry, readAccess } from "../build/registry_access.ts";
import { readReuseIndex, type ReuseIndex } from "../build/reuse_layers.ts";
import type { BuildContext, BuildResult, PlannedImage, TransientBuild } from "../build/types.ts";
import type { WorkflowContext } from "../context.ts";
import { checkFound } from "./check_found.ts";
import { resolvedInCache } from "./obtain_image.ts";
import { chooseRoot } from "./open_image.ts";
import { destinationOf, type ObtainedImages, upload } from "./push_upload.ts";
import type { ImageRequest, NamedImageRequest, PushRequest, PushResult } from "./types.ts";

/** Builds planned images into the cache: the one of each platform, and the index that names them. */
async function obtainBuiltImages(
  planned: readonly PlannedImage[],
  options: { readonly build: TransientBuild; readonly reuse: readonly ReuseIndex[] },
  context: WorkflowContext,
): Promise<ObtainedImages> {
  const { build, reuse } = options;
  planned.forEach((one, i) => requireInstalled(one, reuse[i]));
  const cache = await openBuildCache(context);
  const lease = await cache.lease();
  try {
    const { useCache } = build;
    const built = await buildPlatforms(
      planned,
      { request: build, cache, useCache, reuse },
      context,
    );
    const { images, index } = await composeSet(built.map(({ image }) => image));
    return {
      images: built.map((one) => resolvedInCache(one, cache)),
      rows: images.map(({ rows }) => rows),
      indexes: index === undefined ? [] : [index],
      [Symbol.asyncDispose]: () => lease.release(),
    };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

const attestModule = () => import("./attest_push.ts");

/** Builds for a push: layers that the destination has need not be built, nor their tools installed. */
export async function pushBuilt(
  request: PushRequest & { readonly image: Extract<ImageRequest, { kind: "build" }> },
  context: BuildContext,
): Promise<PushResult> {
  const { build } = request.image;
  await using _installs = await holdForeignInstalls(requestedPlatforms(build));
  const asked = await planPlatforms(build, context);
  const attesting = await maybeAttest(request.attest, asked[0]?.project.oci, context);
  const insecureRegistries = asked[0]?.project.settings.insecureRegistries ?? [];
  const client = await openRegistry(request.destination, { insecureRegistries }, context);
  try {
    const reuse: ReuseIndex[] = [];
    for (const { plan } of build.useCache ? asked : []) {
      const reference = request.cacheFrom ?? destinationOf(request.destination);
      const from = { plan, reference, asked: request.cacheFrom !== undefined };
      reuse.push(await readReuseIndex(client, from, context));
    }
    const planned = asked.map((one, i) => adoptReused(one, reuse[i] ?? new Map(), build.dropEnv));
    const listPackages = attesting?.attest.sbom !== undefined;
    await using obtained = await obtainBuiltImages(planned, {
      build: { ...build, ...(listPackages ? { listPackages } : {}) },
      reuse,
    }, context);
    const result = await upload(client, obtained, { request, context });
    if (attesting === undefined) return result;
    const { attestPush } = await attestModule();
    return await attestPush(
      client,
      { ...attesting, request, result, obtained, planned },
      context,
    );
  } finally {
    client.close();
  }
}

/**
 * A layout that has the image that is pushed and nothing else, for a program that can name neither a tag nor
 * a platform of it.
 */
async function soloLayout(
  opened: OpenedImages,
  { root, directory }: { readonly root: Descriptor; readonly directory: string },
  { signal }: WorkflowContext,
): Promise<void> {
  const { store } = opened;
  await verifyStore(store, { entries: [root], signal });
  const { annotations: _, ...entry } = root;
  if (opened.directory !== undefined) {
    await Deno.mkdir(directory);
    await Deno.symlink(join(opened.directory, "blobs"), join(directory, "blobs"));
    await Deno.writeFile(join(directory, LAYOUT_FILE), encodeLayoutFile());
    await Deno.writeFile(join(directory, INDEX_FILE), encodeIndex({ manifests: [entry] }));
    return;
  }
  const layout = await createLayout(directory);
  for (const [digest, size] of await reachable(store, [root])) {
    await copyBlob(store, { digest, size }, layout);
  }
  await layout.setTag(entry);
}

/** Where the program finds what it pushes: what is named, or built now. */
async function obtainForTool(
  { image }: PushRequest,
  scratch: string,
  context: WorkflowContext,
): Promise<{ readonly request: NamedImageRequest; readonly built?: BuildResult }> {
  if (image.kind === "image") return { request: image };
  const output = join(scratch, "built");
  const built = await buildImage({ ...image.build, output }, context);
  const source = { kind: "layout", location: output } as const;
  return { request: { kind: "image", source, directory: scratch }, built };
}

/** Hands a layout to skopeo or crane. They push what the layout has, so nothing is reused. */
export async function pushByTool(
  request: PushRequest & { readonly tool: "skopeo" | "crane" },
  context: BuildContext,
): Promise<PushResult> {
  const { tool, image, directory } = request;
  const reference = destinationOf(request.destination);
  const refuse = (why: string): MiseOciError =>
    new MiseOciError("usage", `Cannot ${why} with --tool ${tool}`, {
      hint: "Leave --tool out: the built-in client can",
    });
  if (request.updateIndex) throw refuse("keep up an index");
  if (reference.digest !== undefined) throw refuse("push to a digest");
  if (image.kind === "image" && image.source.kind === "registry") {
    throw refuse("copy an image of a registry");
  }
  if (Object.values(request.attest ?? {}).some((one) => one !== false)) {
    throw refuse("attach or sign anything");
  }
  const access = await readAccess(reference, directory, context);
  const scratch = await makeTemporary("mise-oci-push-");
  try {
    const { request: named, built } = await obtainForTool(request, scratch, context);
    await using opened = await openSource(named.source, named.directory, context);
    if (opened.reference !== undefined) throw refuse("copy an image of a registry");
    const root = await chooseRoot(opened, named.platform, context);
    const images = await listImages(opened.store, root, selectorOf(opened, undefined, context));
    for (const one of images) await checkFound(one, named.check ?? "off", context);
    const layout = join(scratch, "image");
    await soloLayout(opened, { root, directory: layout }, context);
    await pushWithTool({
      tool,
      layout,
      reference,
      insecure: isInsecure(reference.registry, access),
    }, { signal: context.signal });
    const isIndex = maybeManifestKind(root.mediaType) === "index";
    const pushed = built?.images ??
      images.map(({ platform, descriptor: { digest } }) => ({ platform, digest }));
    return {
      digest: root.digest,
      manifestDigest: root.digest,
      reference: formatReference(reference),
      ...(built === undefined ? {} : { layers: built.layers }),
      ...(isIndex ? { images: pushed } : {}),
    };
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}
