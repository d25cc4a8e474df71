/**
 * Pushing what is built for it, or by another program.
 * @module
 */
import { join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import { makeTemporary } from "../mise/temporary.ts";
import { formatReference } from "../oci/mod.ts";
import { pushWithTool } from "../registry/mod.ts";
import { openLayout } from "../store/mod.ts";
import { adoptReused } from "../build/adopt_reused.ts";
import { holdForeignInstalls } from "../build/build_cache.ts";
import { buildImage } from "../build/build_image.ts";
import { planPlatforms } from "../build/plan_images.ts";
import { requestedPlatforms } from "../build/project_options.ts";
import { obtainLayoutImage } from "./layout_images.ts";
import { obtainBuiltImages } from "./obtain_built_images.ts";
import { destinationOf, upload } from "./push_upload.ts";
import { openRegistry, readAccess } from "../build/registry_access.ts";
import { readReuseIndex, type ReuseIndex } from "../build/reuse_layers.ts";

import type { BuildContext } from "../build/types.ts";
import type { ImageRequest, PushRequest, PushResult } from "./types.ts";

/** Builds for a push: layers that the destination has need not be built, nor their tools installed. */
export async function pushBuilt(
  request: PushRequest & { readonly image: Extract<ImageRequest, { kind: "build" }> },
  context: BuildContext,
): Promise<PushResult> {
  const { build } = request.image;
  await using _installs = await holdForeignInstalls(requestedPlatforms(build));
  const asked = await planPlatforms(build, context);
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
    await using obtained = await obtainBuiltImages(planned, { build, reuse }, context);
    return await upload(client, obtained, { request, context });
  } finally {
    client.close();
  }
}

/** Hands a layout to skopeo or crane. They push what the layout has, so nothing is reused. */
export async function pushByTool(
  request: PushRequest & { readonly tool: "skopeo" | "crane" },
  context: BuildContext,
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
  const { image } = request;
  const access = await readAccess(reference, request.directory, context);
  const scratch = await makeTemporary("mise-oci-push-");
  try {
    const directory = image.kind === "layout" ? image.directory : join(scratch, "image");
    const built = image.kind === "build"
      ? await buildImage({ ...image.build, output: directory }, context)
      : undefined;
    const layout = await openLayout(directory);
    const { tag, descriptor } = await obtainLayoutImage(
      image.kind === "layout" ? image : { kind: "layout", directory },
      context,
    );
    await layout.verify({ signal: context.signal });
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
