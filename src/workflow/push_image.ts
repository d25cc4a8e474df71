/**
 * `push`: image → registry, with the built-in client or another program.
 * @module
 */
import { checkCacheFrom } from "../registry/cache_from.ts";
import { openLayout } from "../store/layout.ts";
import { type LayoutRequest, obtainLayoutImages, readLayout } from "./layout_images.ts";
import { destinationOf, upload } from "./push_upload.ts";
import { openRegistry, readAccess } from "../build/registry_access.ts";
import type { WorkflowContext } from "../context.ts";
import type { PushRequest, PushResult } from "./types.ts";

/** Loaded late: a layout is pushed without what builds one. */
const aheadModule = () => import("../build/ask_ahead.ts");
const builtModule = () => import("./push_built.ts");

async function pushLayout(
  request: PushRequest & { readonly image: LayoutRequest },
  context: WorkflowContext,
): Promise<PushResult> {
  const { image, destination, directory } = request;
  // A directory that is no layout is an error before mise is asked anything.
  const layout = await readLayout(image);
  const [access, obtained] = await Promise.all([
    readAccess(destination, { directory }, context),
    obtainLayoutImages(layout, image, context),
  ]);
  await using images = obtained;
  const client = await openRegistry(destination, access, context);
  try {
    return await upload(client, images, { request, context });
  } finally {
    client.close();
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
  if (tool === "skopeo" || tool === "crane") {
    if (image.kind === "layout") await openLayout(image.directory);
    return await (await builtModule()).pushByTool({ ...request, tool }, context);
  }
  if (image.kind === "layout") return await pushLayout({ ...request, image }, context);
  const { askAhead } = await aheadModule();
  await using asked = askAhead(image.build, context);
  return await (await builtModule()).pushBuilt({ ...request, image }, { ...context, asked });
}
