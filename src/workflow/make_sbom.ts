/**
 * `sbom`: creates the bill of materials of an image. The packages of each layer are cached by diff ID, so
 * that a layer is read only once and does not have to stay on this machine.
 * @module
 */
import { dirname, join } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import { encodeCycloneDx } from "../attest/cyclonedx.ts";
import type { DocumentTool } from "../attest/document_id.ts";
import { type Inventory, makeInventory } from "../attest/inventory.ts";
import { type LockedTool, parseLockFile } from "../attest/lock_file.ts";
import type { LayerPackages } from "../attest/packages/found.ts";
import { readBlobPackages } from "../attest/packages/read_layer.ts";
import { encodeSpdx } from "../attest/spdx.ts";
import { MiseOciError } from "../errors.ts";
import type { Image } from "../image/types.ts";
import type {
  Descriptor,
  DiffId,
  Digest,
  ImageConfig,
  ImageSource,
  Manifest,
  Platform,
} from "../oci/mod.ts";
import { transportPrefix } from "../oci/image_source.ts";
import type { Cache } from "../store/mod.ts";
import { openBuildCache } from "../build/host/build_cache.ts";
import { keepPackages, maybeKeptPackages } from "../build/base/layer_packages.ts";
import { mapConcurrently } from "../concurrency.ts";
import type { WorkflowContext } from "../context.ts";
import { openImage } from "./open_image.ts";
import { writeWhole } from "../build/output/write_whole.ts";

/** Format of a bill of materials. */
export type SbomFormat = "cyclonedx" | "spdx";

/** The flags of `sbom`, parsed. */
export interface SbomRequest {
  /** The image. */
  readonly source: ImageSource;
  /** Absolute working directory, for mise's settings and the lock file. */
  readonly directory: string;
  /** The platform to list; default: the host's, or the only one. */
  readonly platform?: Platform;
  readonly format: SbomFormat;
  /** Absolute path of the file to write. */
  readonly output?: string;
}

/** A bill of materials. */
export interface SbomResult {
  /** The image's name for messages. */
  readonly image: string;
  /** Digest of its manifest. */
  readonly digest: Digest;
  /** The platform that was listed. */
  readonly platform: Platform;
  readonly format: SbomFormat;
  /** Number of packages. */
  readonly packages: number;
  /** The document, ending with a newline. */
  readonly document: string;
  /** The file that was written. */
  readonly output?: string;
}

/** This program's name in documents. */
export const SELF: DocumentTool = { name: "mise-oci", version: manifest.version };

/** An image to list. */
export interface ListedImage {
  /** Its name in documents: not a path of this machine. */
  readonly name: string;
  /** Digest of its manifest. */
  readonly digest: Digest;
  /** The image's platform. */
  readonly platform: Platform;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  /** Opens a layer's blob. */
  openLayer(descriptor: Descriptor): Promise<ReadableStream<Uint8Array>>;
}

/** Number of layers that are read concurrently. */
const LAYERS_AT_ONCE = 2;

async function layerPackages(
  layer: { readonly descriptor: Descriptor; readonly diffId: DiffId },
  { image, cache }: { readonly image: ListedImage; readonly cache: Cache },
  { reporter, signal }: WorkflowContext,
): Promise<LayerPackages> {
  const { descriptor, diffId } = layer;
  const known = await maybeKeptPackages(cache, diffId);
  if (known !== undefined) return known;
  const { digest, size, mediaType } = descriptor;
  const text = `Reading the packages of layer ${digest}`;
  reporter.emit({ type: "detail", level: 1, text });
  const blob = await cache.has(digest, size)
    ? await cache.open(digest)
    : await image.openLayer(descriptor);
  const what = `layer ${digest} of ${image.name}`;
  const packages = await readBlobPackages(blob, mediaType, { what, diffId, signal });
  await keepPackages(cache, diffId, packages);
  return packages;
}

/** Whether the packages of all layers are cached. */
export async function areLayersKnown(image: ListedImage, cache: Cache): Promise<boolean> {
  for (const diffId of image.config.diffIds) {
    if (await maybeKeptPackages(cache, diffId) === undefined) return false;
  }
  return true;
}

/**
 * Lists the packages of an image.
 *
 * @throws {MiseOciError} `invalid` for an image whose layers have no diff IDs; as reading layers.
 */
export async function inventoryOf(
  image: ListedImage,
  options: { readonly cache: Cache; readonly locked: readonly LockedTool[] },
  context: WorkflowContext,
): Promise<Inventory> {
  const { name, digest, platform, config } = image;
  const { cache, locked } = options;
  const pairs = image.manifest.layers.map((descriptor, i) => {
    const diffId = config.diffIds[i];
    if (diffId !== undefined) return { descriptor, diffId };
    throw new MiseOciError("invalid", `Cannot list the packages of ${name}: it is not an image`);
  });
  const layers = await mapConcurrently(
    pairs,
    { limit: LAYERS_AT_ONCE, signal: context.signal },
    async (layer) => ({
      ...layer,
      packages: await layerPackages(layer, { image, cache }, context),
    }),
  );
  const inventory = makeInventory({ name, digest, platform, config, layers, locked });
  for (const path of inventory.unread) {
    const text = `The package database "/${path}" of ${name} has a format that is not read: ` +
      "its packages are missing in the bill of materials";
    context.reporter.emit({ type: "warning", text });
  }
  return inventory;
}

/** Possible lock files of a directory (mise, "mise.lock"). */
const LOCK_FILES = [
  ".config/mise/mise.lock",
  ".mise/mise.lock",
  "mise/mise.lock",
  "mise.lock",
  "mise.local.lock",
];

async function maybeReadText(path: string): Promise<string | undefined> {
  return await Deno.readTextFile(path).catch((error: unknown) => {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.IsADirectory;
    if (absent) return undefined;
    throw error;
  });
}

/** The entries in the lock files of directories; those of later directories come first. */
export async function readLockFiles(
  directories: readonly string[],
  platform: Platform,
): Promise<readonly LockedTool[]> {
  const locked: LockedTool[] = [];
  for (const directory of new Set(directories)) {
    for (const name of LOCK_FILES) {
      const text = await maybeReadText(join(directory, name));
      if (text !== undefined) locked.unshift(...parseLockFile(text, platform));
    }
  }
  return locked;
}

/** A directory and its parents up to the root of the repository, the topmost first. */
export async function projectDirectories(directory: string): Promise<readonly string[]> {
  const found = [directory];
  for (let at = directory; at !== dirname(at); at = dirname(at)) {
    if (await Deno.stat(join(at, ".git")).then(() => true, () => false)) return found;
    found.unshift(dirname(at));
  }
  // Outside of a repository, only the project's own lock file is used.
  return [directory];
}

/** The name of an image in documents: its name in a registry or its tag, never a path. */
function documentName(name: string): string {
  const isPath = /^[./~]/.test(name) || transportPrefix(name) !== "";
  return isPath ? "image" : name.replace(/@sha256:[0-9a-f]{64}$/, "").replace(/:[^/:]*$/, "");
}

/** An opened image, as input for listing. */
export function listedImage(image: Image, name: string): ListedImage {
  const { descriptor, platform, manifest, config, source } = image;
  return {
    name,
    digest: descriptor.digest,
    platform,
    manifest,
    config,
    openLayer: ({ digest }) => source.open(digest),
  };
}

/** Encodes an inventory. */
export async function encodeSbom(inventory: Inventory, format: SbomFormat): Promise<string> {
  return format === "spdx"
    ? await encodeSpdx(inventory, SELF)
    : await encodeCycloneDx(inventory, SELF);
}

/**
 * Creates the bill of materials of an image in a layout, an archive or a registry.
 *
 * @throws {MiseOciError} as opening and reading the image; `io` if the file cannot be written.
 */
export async function makeSbom(
  request: SbomRequest,
  context: WorkflowContext,
): Promise<SbomResult> {
  const { source, directory, platform, format, output } = request;
  const options = { directory, ...(platform === undefined ? {} : { platform }) };
  await using image = await openImage(source, options, context);
  const cache = await openBuildCache(context);
  const locked = await readLockFiles(await projectDirectories(directory), image.platform);
  const { descriptor: { digest } } = image;
  const listed = listedImage(image, documentName(image.name));
  const inventory = await inventoryOf(listed, { cache, locked }, context);
  const document = await encodeSbom(inventory, format);
  if (output !== undefined) await writeWhole(output, () => Promise.resolve(document));
  return {
    image: image.name,
    digest,
    platform: image.platform,
    format,
    packages: inventory.components.length,
    document,
    ...(output === undefined ? {} : { output }),
  };
}
