/**
 * `cat` and `export`: read files from an image, with all layers merged, without unpacking it.
 * @module
 */
import {
  type BaseFile,
  type BaseFiles,
  indexLayer,
  type LayerIndex,
  maybeWhiteout,
  mergeIndexes,
  readLayerChunks,
} from "../layer/read/mod.ts";
import type { IndexedEntry } from "../layer/read/mod.ts";
import { describeLayers, type LayerDescription } from "../inspect/mod.ts";
import { MiseOciError } from "../errors.ts";
import type { ImageSource, Platform } from "../oci/mod.ts";
import { STDOUT, writeOutput } from "../store/output.ts";
import { encodeTarHeader, TAR_END, tarPadding, type TarType } from "../tar/encode.ts";
import { readTar } from "../tar/read_tar.ts";
import type { WorkflowContext } from "../context.ts";
import { withProgress } from "./layer_files.ts";
import { type OpenedImage, openImage } from "./open_image.ts";

/** The flags of `cat` and `export`, parsed. */
export interface ReadFilesRequest {
  /** The image. */
  readonly source: ImageSource;
  /** Absolute working directory. */
  readonly directory: string;
  /** The platform, if there are several. */
  readonly platform?: Platform;
  /** Path in the image; `/` for everything. */
  readonly path: string;
  /** Absolute path of the output file; default: standard output. */
  readonly output?: string;
}

/** An image's files, and the layer with the content of each. */
interface Files {
  readonly image: OpenedImage;
  readonly layers: readonly LayerDescription[];
  readonly merged: BaseFiles;
  readonly layerOf: ReadonlyMap<IndexedEntry, LayerDescription>;
}

/** A file, and the layer with its content. */
interface Found {
  readonly entry: IndexedEntry;
  readonly layerOf: ReadonlyMap<IndexedEntry, LayerDescription>;
}

/** Number of names in a hint. */
const MAX_NAMES = 12;

/** The indexes of an image's layers, each read on first use. */
class LayerIndexes {
  readonly image: OpenedImage;
  readonly layers: readonly LayerDescription[];
  readonly #context: WorkflowContext;
  readonly #indexes = new Map<LayerDescription, LayerIndex>();

  constructor(image: OpenedImage, context: WorkflowContext) {
    this.image = image;
    this.layers = describeLayers(image);
    this.#context = context;
  }

  async of(layer: LayerDescription): Promise<LayerIndex> {
    const known = this.#indexes.get(layer);
    if (known !== undefined) return known;
    const { descriptor: { digest, mediaType }, diffId } = layer;
    const { signal } = this.#context;
    const what = `layer ${digest} of ${this.image.name}`;
    const index = await withProgress(
      layer,
      this.#context,
      async () =>
        await indexLayer(await this.image.source.open(digest), mediaType, { what, diffId, signal }),
    );
    this.#indexes.set(layer, index);
    return index;
  }

  /** All layers merged. */
  async files(): Promise<Files> {
    const layerOf = new Map<IndexedEntry, LayerDescription>();
    const indexes: LayerIndex[] = [];
    for (const layer of this.layers) {
      const index = await this.of(layer);
      for (const entry of index.entries) layerOf.set(entry, layer);
      indexes.push(index);
    }
    return { image: this.image, layers: this.layers, merged: mergeIndexes(indexes), layerOf };
  }
}

/** A path and all its parents, without slashes at the ends. */
function prefixesOf(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
}

/**
 * The result of a single layer for a path: a file that hides everything below, nothing, or unclear if other
 * layers matter too: a link, a whiteout, another type.
 */
function lookUp({ entries }: LayerIndex, path: string): IndexedEntry | "nothing" | "unclear" {
  const prefixes = new Set(["", ...prefixesOf(path)]);
  let found: IndexedEntry | undefined;
  for (const entry of entries) {
    const whiteout = maybeWhiteout(entry.path);
    if (whiteout !== undefined) {
      if (whiteout.type !== "metadata" && prefixes.has(whiteout.path)) return "unclear";
    } else if (entry.path === path) found = entry;
    else if (prefixes.has(entry.path) && entry.type !== "directory") return "unclear";
  }
  if (found === undefined) return "nothing";
  return found.type === "file" ? found : "unclear";
}

/**
 * Finds a file in the upper layers alone, without reading those below. If a directory in its path is a link
 * in a lower layer, the file is still reached through the link.
 */
async function maybeTopFile(indexes: LayerIndexes, path: string): Promise<Found | undefined> {
  const relative = path.replace(/^\//, "");
  if (relative.split("/").some((part) => ["", ".", ".."].includes(part))) return undefined;
  for (const layer of indexes.layers.toReversed()) {
    const entry = lookUp(await indexes.of(layer), relative);
    if (entry === "unclear") return undefined;
    if (entry !== "nothing") return { entry, layerOf: new Map([[entry, layer]]) };
  }
  return undefined;
}

/** The entry that a path resolves to. @throws {MiseOciError} `not-found` naming what exists instead. */
function resolvePath({ merged, image }: Files, path: string): BaseFile {
  const file = merged.resolve(path);
  if (file !== undefined) return file;
  const parent = path.replace(/\/+$/, "").replace(/\/[^/]*$/, "") || "/";
  const names = merged.names(parent);
  throw new MiseOciError("not-found", `Cannot find ${JSON.stringify(path)} in ${image.name}`, {
    hint: names.length === 0
      ? `There is no directory ${JSON.stringify(parent)} either`
      : `${parent} has ${names.slice(0, MAX_NAMES).join(", ")}` +
        (names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : ""),
  });
}

/** Reads the layers that contain the given entries, and passes on their contents. */
async function readContents(
  { image, layers, layerOf }: Omit<Files, "merged">,
  wanted: ReadonlySet<IndexedEntry>,
  take: (entry: IndexedEntry, content: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const byLayer = Map.groupBy(wanted, (entry) => layerOf.get(entry));
  for (const layer of layers) {
    const byPath = new Map((byLayer.get(layer) ?? []).map((entry) => [entry.path, entry]));
    if (byPath.size === 0) continue;
    const { digest, mediaType } = layer.descriptor;
    const what = `layer ${digest} of ${image.name}`;
    const tar = readLayerChunks(await image.source.open(digest), mediaType, { what });
    for await (const { path, type, size, content } of readTar(tar, { what })) {
      const entry = byPath.get(path);
      if (entry === undefined || type !== "file" || entry.size !== size) continue;
      await take(entry, content());
      byPath.delete(path);
      if (byPath.size === 0) break;
    }
  }
}

/** The file that a path resolves to. @throws {MiseOciError} `not-found`, `usage` for a directory. */
function findFile(files: Files, path: string): Found {
  const { type, entry } = resolvePath(files, path);
  if (type === "file" && entry !== undefined) return { entry, layerOf: files.layerOf };
  throw new MiseOciError("usage", `Cannot print ${JSON.stringify(path)}: it is a ${type}`, {
    hint: "mise-oci export IMAGE PATH | tar x writes a directory",
  });
}

/**
 * Writes the content of one file.
 *
 * @throws {MiseOciError} `not-found`, `usage` for a directory; as `openImage`, `integrity`.
 */
export async function catFile(request: ReadFilesRequest, context: WorkflowContext): Promise<void> {
  const { path, output } = request;
  await using image = await openImage(request.source, request, context);
  const indexes = new LayerIndexes(image, context);
  const found = await maybeTopFile(indexes, path) ?? findFile(await indexes.files(), path);
  const { layers } = indexes;
  await writeOutput(output ?? STDOUT, async (sink) => {
    await readContents({ ...found, image, layers }, new Set([found.entry]), async (_, content) => {
      for await (const chunk of content) await sink.write(chunk);
    });
  });
}

/** The header of a member, as in the image except for the time. */
function header(file: BaseFile, type: TarType, target = ""): Uint8Array {
  const { path, mode, uid, gid } = file;
  return encodeTarHeader({
    path,
    type,
    mode,
    uid,
    gid,
    size: type === "file" ? file.size : 0,
    target,
  });
}

/** All entries at and below a path of the image. */
function below({ merged }: Files, root: BaseFile): readonly BaseFile[] {
  return [...merged.entries()].filter(({ path }) =>
    path !== "" && (root.path === "" || path === root.path || path.startsWith(`${root.path}/`))
  );
}

/**
 * Writes a tar of everything at and below a path, with owners and modes: directories and links first, then
 * files layer by layer. Times are 0; devices and pipes are left out.
 *
 * @throws {MiseOciError} `not-found`; as `openImage`, `integrity`.
 */
export async function exportFiles(
  request: ReadFilesRequest,
  context: WorkflowContext,
): Promise<void> {
  await using image = await openImage(request.source, request, context);
  const files = await new LayerIndexes(image, context).files();
  const members = below(files, resolvePath(files, request.path));
  const paths = Map.groupBy(
    members.filter(({ type, entry }) => type === "file" && entry !== undefined),
    ({ entry }) => entry as IndexedEntry,
  );
  const left = members.filter(({ type }) => !["file", "directory", "symlink"].includes(type));
  if (left.length > 0) {
    context.reporter.emit({
      type: "warning",
      text: `Devices and pipes are left out: ${left.map(({ path }) => path).join(", ")}`,
    });
  }
  await writeOutput(request.output ?? STDOUT, async (sink) => {
    for (const file of members) {
      if (file.type === "directory") await sink.write(header(file, "directory"));
      if (file.type === "symlink") await sink.write(header(file, "symlink", file.link));
    }
    await readContents(files, new Set(paths.keys()), async (entry, content) => {
      const [first, ...others] = paths.get(entry) ?? [];
      if (first === undefined) return;
      await sink.write(header(first, "file"));
      for await (const chunk of content) await sink.write(chunk);
      const padding = tarPadding(first.size);
      if (padding.length > 0) await sink.write(padding);
      for (const other of others) await sink.write(header(other, "hardlink", first.path));
    });
    await sink.write(TAR_END);
  });
}
