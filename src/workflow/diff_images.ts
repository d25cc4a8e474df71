/**
 * `diff`: shows why two images differ, and how much a pull of the second downloads.
 * @module
 */
import { comparePackages, type PackageChange } from "../attest/compare_packages.ts";
import { openBuildCache } from "../build/host/build_cache.ts";
import { maybeCause } from "../errors.ts";
import {
  compareFiles,
  compareImages,
  type LayerChange,
  type LayerDescription,
  type LayerFile,
} from "../inspect/mod.ts";
import { Annotation } from "../oci/mod.ts";
import { readLayerFiles, withProgress } from "./layer_files.ts";
import { type OpenedImage, openImage } from "./open_image.ts";
import type { DiffLayer, DiffRequest, DiffResult } from "./inspect_image.ts";
import type { WorkflowContext } from "../context.ts";
import { isWithin } from "../paths.ts";

/** The files of A with their paths in B, if both layers have a versioned directory. */
function rebase(
  files: readonly LayerFile[],
  before: LayerDescription,
  after: LayerDescription,
): readonly LayerFile[] {
  const [from, to] = [before, after].map(({ descriptor }) =>
    descriptor.annotations?.[Annotation.layerPrefix]
  );
  if (from === undefined || to === undefined || from === to) return files;
  return files.map((file) =>
    isWithin(file.path, from) ? { ...file, path: to + file.path.slice(from.length) } : file
  );
}

/** Adds the differing files to a layer with the same name and version but other content. */
async function withFiles(
  change: LayerChange,
  images: { readonly a: OpenedImage; readonly b: OpenedImage },
  options: { readonly bumped: boolean; readonly context: WorkflowContext },
): Promise<DiffLayer> {
  const { fate, before, after } = change;
  const wanted = fate === "changed" || (options.bumped && fate === "bumped");
  if (!wanted || before === undefined || after === undefined) return change;
  const { context } = options;
  const read = { hash: true, context };
  const files = await withProgress(after, context, async () =>
    compareFiles(
      rebase(await readLayerFiles(images.a, before, read), before, after),
      await readLayerFiles(images.b, after, read),
    ));
  return { ...change, files };
}

// Imported on demand: listing packages.
const sbomModule = () => import("./make_sbom.ts");

/** The changes of packages, if requested or already cached. */
async function maybePackages(
  a: OpenedImage,
  b: OpenedImage,
  { packages }: DiffRequest,
  context: WorkflowContext,
): Promise<readonly PackageChange[] | undefined> {
  const { areLayersKnown, inventoryOf, listedImage } = await sbomModule();
  const [before, after] = [listedImage(a, a.name), listedImage(b, b.name)];
  try {
    const cache = await openBuildCache(context);
    const known = packages ||
      (await areLayersKnown(before, cache) && await areLayersKnown(after, cache));
    if (!known) return undefined;
    const options = { cache, locked: [] };
    return comparePackages(
      await inventoryOf(before, options, context),
      await inventoryOf(after, options, context),
    );
  } catch (error) {
    // Without access to the cache, everything else still works.
    if (packages || maybeCause(error, Deno.errors.NotCapable) === undefined) throw error;
    return undefined;
  }
}

/**
 * Compares two images. Layers are read only if nothing else explains the difference.
 *
 * @throws {MiseOciError} naming image and cause.
 */
export async function diffImages(
  request: DiffRequest,
  context: WorkflowContext,
): Promise<DiffResult> {
  await using a = await openImage(request.a, request, context);
  await using b = await openImage(request.b, request, context);
  const comparison = compareImages(a, b);
  const layers: DiffLayer[] = [];
  for (const change of comparison.layers) {
    layers.push(await withFiles(change, { a, b }, { bumped: request.files, context }));
  }
  const packages = await maybePackages(a, b, request, context);
  const side = ({ name, descriptor: { digest } }: OpenedImage): DiffResult["a"] => ({
    name,
    digest,
  });
  return {
    ...comparison,
    layers,
    ...(packages === undefined ? {} : { packages }),
    a: side(a),
    b: side(b),
  };
}
