/**
 * Opens the images that an image argument names, from any source.
 * @module
 */
import { resolve } from "@std/path";
import { MiseOciError } from "../errors.ts";
import { expandHome } from "../home.ts";
import {
  formatImageSource,
  type ImageSource,
  LAYOUT_FILE,
  LOCAL_TRANSPORTS,
  type LocalKind,
  type LocalSource,
  type LocalTransport,
  parseReference,
  type Reference,
} from "../oci/mod.ts";
import type { RegistryClient } from "../registry/transport.ts";
import { type ImageStore, tagOf } from "../store/image_store.ts";
import { openLayout } from "../store/layout.ts";
import type { ImageSelector } from "./types.ts";

/** Loaded late: most images are in a layout. */
const archiveModule = () => import("./archive.ts");
const registryModule = () => import("./registry_images.ts");

/** How a source is reached. */
export interface OpenImagesOptions {
  /** Absolute directory for relative paths. */
  readonly directory: string;
  /** What `~` means. */
  readonly home?: string | undefined;
  /** A client for the registry of a reference; it is closed with the images. */
  connect(reference: Reference): Promise<RegistryClient>;
  /** Only the names of images are wanted: of a registry their list is fetched, in place of a manifest. */
  readonly listsTags?: boolean;
  /** Ends the opening. */
  readonly signal?: AbortSignal;
}

/** The images that an image argument names. Dispose of it. */
export interface OpenedImages extends AsyncDisposable {
  /** The argument, for messages. */
  readonly name: string;
  /** What has the images. */
  readonly store: ImageStore;
  /** Which of them are meant. */
  readonly selector: Pick<ImageSelector, "tag" | "digest">;
  /** The reference, if it is in a registry. */
  readonly reference?: Reference;
  /** The directory, if it is a layout. */
  readonly directory?: string;
}

/** A path with the name of an image after it. */
interface Located {
  readonly path: string;
  readonly tag?: string;
  readonly info?: Deno.FileInfo;
}

async function maybeStat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory ||
      error instanceof Deno.errors.FilesystemLoop;
    // A reference that is longer than a path may be.
    if (isAbsent || (error as { code?: unknown }).code === "ENAMETOOLONG") return undefined;
    throw error;
  }
}

/** Every way to read `PATH[:TAG]`, the shortest path first, as skopeo reads it. */
function* readings(location: string, directory: string): Generator<Located> {
  // Colons in the base directory of relative paths are not separators.
  const start = location.startsWith(`${directory}/`) ? directory.length + 1 : 1;
  for (let at = location.indexOf(":", start); at >= 0; at = location.indexOf(":", at + 1)) {
    const tag = location.slice(at + 1);
    if (tag !== "") yield { path: location.slice(0, at), tag };
  }
  yield { path: location };
}

/**
 * Splits `PATH[:TAG]` at the first colon that follows an existing layout or archive, so that a path may
 * contain colons too. If none exists, it splits at the first colon below an existing directory.
 */
export async function locate(
  { kind, location }: LocalSource,
  directory: string,
): Promise<Located> {
  const transport: LocalTransport | undefined = kind === "path"
    ? undefined
    : LOCAL_TRANSPORTS[kind];
  if (transport?.name === "") return { path: location };
  let likely: Located | undefined;
  for (const reading of readings(location, directory)) {
    const info = await maybeStat(reading.path);
    if (info?.isFile && transport?.path !== "DIR") return { ...reading, info };
    if (info?.isDirectory && transport?.path !== "FILE") {
      if (await maybeStat(`${reading.path}/${LAYOUT_FILE}`) !== undefined) {
        return { ...reading, info };
      }
    }
    const parent = reading.path.replace(/[^/]*\/*$/, "") || "/";
    if (likely === undefined && (await maybeStat(parent))?.isDirectory) {
      likely = { ...reading, ...(info === undefined ? {} : { info }) };
    }
  }
  return likely ?? { path: location };
}

/** The absolute path of a location below the directory; `~/` is the home directory. */
function absolutePath(
  location: string,
  { directory, home }: Pick<OpenImagesOptions, "directory" | "home">,
): string {
  return resolve(directory, expandHome(location, home));
}

function nothingAt(path: string): MiseOciError {
  return new MiseOciError("not-found", `Cannot find an image at ${JSON.stringify(path)}`, {
    hint: "Build one with mise-oci build, or name an image of a registry",
  });
}

/** Opens what is at an absolute path. */
type Opener = (
  path: string,
  options: OpenImagesOptions,
) => Promise<Pick<OpenedImages, "store" | "directory"> & Partial<AsyncDisposable>>;

const openArchiveFile: Opener = async (path, { signal }) => {
  const { openArchive } = await archiveModule();
  const store = await openArchive(path, signal === undefined ? {} : { signal });
  return { store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
};

/** Every transport's opener. An archive says itself which of the two formats it has. */
const OPENERS: Readonly<Record<LocalKind, Opener>> = {
  layout: async (path) => ({ store: await openLayout(path), directory: path }),
  "oci-archive": openArchiveFile,
  "docker-archive": openArchiveFile,
};

/** The transport of a path without a prefix. */
function kindAt(path: string, info: Deno.FileInfo | undefined): LocalKind {
  if (info === undefined) throw nothingAt(path);
  return info.isFile ? "oci-archive" : "layout";
}

async function openLocal(
  source: LocalSource,
  options: OpenImagesOptions,
): Promise<OpenedImages> {
  const location = absolutePath(source.location, options);
  const { path, tag, info } = await locate({ ...source, location }, options.directory);
  const kind = source.kind === "path" ? kindAt(path, info) : source.kind;
  const opened = await OPENERS[kind](path, options);
  return {
    name: formatImageSource({ ...source, location }),
    selector: {
      ...(tag === undefined ? {} : { tag }),
      ...(source.digest === undefined ? {} : { digest: source.digest }),
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
    ...opened,
  };
}

async function openRemote(
  reference: Reference,
  options: OpenImagesOptions,
): Promise<OpenedImages> {
  const { RegistryImages } = await registryModule();
  const client = await options.connect(reference);
  const { signal } = options;
  const store = new RegistryImages(client, {
    reference,
    ...(signal === undefined ? {} : { signal }),
  });
  const opened: OpenedImages = {
    name: formatImageSource({ kind: "registry", reference }),
    store,
    selector: {},
    reference,
    [Symbol.asyncDispose]: () => Promise.resolve(client.close()),
  };
  try {
    await (options.listsTags === true ? store.tags() : store.index());
    return opened;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** An image in the default layout with the same name as one that was not found in a registry. */
async function maybeBuiltHere(
  text: string,
  { directory }: OpenImagesOptions,
): Promise<string | undefined> {
  try {
    const layout = await openLayout(resolve(directory, "mise-oci"));
    const isThere = (await layout.index()).manifests.some((entry) => tagOf(entry) === text);
    return isThere ? `oci:mise-oci:${text}` : undefined;
  } catch (error) {
    if (error instanceof MiseOciError) return undefined;
    throw error;
  }
}

/** The error for a name that could have been a directory says so. */
async function aboutGuess(
  error: unknown,
  text: string,
  options: OpenImagesOptions,
): Promise<unknown> {
  if (!(error instanceof MiseOciError) || error.code === "interrupted") return error;
  const here = await maybeBuiltHere(text, options);
  if (here === undefined && /[/:@]/.test(text)) return error;
  const hint = here === undefined
    ? `There is no file or directory ${JSON.stringify(text)}; if it is an image of a registry, ` +
      "check name, login and network"
    : `An image of that name was built here: write ${here}`;
  return new MiseOciError(error.code, error.message, { cause: error, hint });
}

async function openGuess(
  { text, path }: Extract<ImageSource, { kind: "guess" }>,
  options: OpenImagesOptions,
): Promise<OpenedImages> {
  const info = await maybeStat(absolutePath(path, options));
  if (info?.isDirectory === true || info?.isFile === true) {
    return await openLocal({ kind: "path", location: path }, options);
  }
  try {
    return await openRemote(parseReference(text), options);
  } catch (error) {
    throw await aboutGuess(error, text, options);
  }
}

/**
 * Opens what an argument names. Of a registry the manifest or the list of tags is fetched, so that a name that
 * does not exist fails here.
 *
 * @throws {MiseOciError} `not-found`, `layout`, `auth`, `network`, `registry`, `unsupported`, `usage`
 * naming the image and the cause.
 */
export async function openImages(
  source: ImageSource,
  options: OpenImagesOptions,
): Promise<OpenedImages> {
  switch (source.kind) {
    case "scratch":
      throw new MiseOciError("usage", 'Cannot open "scratch": it is not an image');
    case "registry":
      return await openRemote(source.reference, options);
    case "guess":
      return await openGuess(source, options);
    default:
      return await openLocal(source, options);
  }
}
