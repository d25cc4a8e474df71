/**
 * An image to look at, wherever it is: a layout, an archive or a registry. Nothing is kept of it.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  type Descriptor,
  type Digest,
  formatImageSource,
  formatReference,
  type ImageConfig,
  type ImageSource,
  type Manifest,
  parseReference,
  type Platform,
} from "../oci/mod.ts";
import { readSettings } from "../mise/mod.ts";
import { getBlob, type RegistryClient, resolveImage as resolveRemote } from "../registry/mod.ts";
import { type ImageStore, openArchive, openLayout, resolveImage } from "../store/mod.ts";
import { defaultPlatform } from "../build/environment.ts";
import { miseContext } from "../build/mise_context.ts";
import { openRegistry } from "../build/registry_access.ts";
import type { ImageTarget } from "./inspect_types.ts";
import type { WorkflowContext } from "../context.ts";

/** An image whose documents were read and whose layers can be. Dispose of it. */
export interface OpenedImage extends AsyncDisposable {
  /** The image as people name it. */
  readonly name: string;
  /** Digest of the manifest. */
  readonly digest: Digest;
  /** The manifest. */
  readonly manifest: Manifest;
  /** The config. */
  readonly config: ImageConfig;
  /** What it runs on. */
  readonly platform: Platform;
  /** Where it is, unless that is a registry. */
  readonly store?: ImageStore;
  /** Its manifest's descriptor there. */
  readonly descriptor?: Descriptor;
  /** The bytes of a layer's blob; whoever reads verifies the diff ID. */
  openLayer(descriptor: Descriptor): Promise<ReadableStream<Uint8Array>>;
}

/** Which image, and how it may be reached. */
export interface OpenImageOptions {
  /** Absolute working directory, for mise's settings. */
  readonly directory: string;
  /** Which image of several; default: the only one, else the host's. */
  readonly platform?: Platform;
}

/** The image source that a target names. @throws {MiseOciError} `not-found`, `usage`. */
async function sourceOf(target: ImageTarget): Promise<ImageSource> {
  if (target.kind !== "guess") return target;
  const { text, path } = target;
  const info = await Deno.stat(path).catch((error: unknown) => {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  });
  if (info?.isDirectory === true) return { kind: "layout", path };
  if (info?.isFile === true) return { kind: "archive", path };
  if (/^(?:\.{0,2}\/|\.{1,2}$|~)/.test(text)) {
    throw new MiseOciError("not-found", `Cannot find an image at ${JSON.stringify(text)}`, {
      hint: "Build one with mise-oci build, or name an image of a registry",
    });
  }
  return { kind: "registry", reference: parseReference(text) };
}

async function fromStore(
  store: ImageStore,
  name: string,
  options: OpenImageOptions & { readonly tag?: string },
): Promise<Omit<OpenedImage, typeof Symbol.asyncDispose>> {
  const { platform, tag } = options;
  const named = tag === undefined ? {} : { tag };
  const image = await resolveImage(store, {
    ...named,
    ...(platform === undefined ? {} : { platform }),
  }).catch(async (error: unknown) => {
    const several = error instanceof MiseOciError && error.code === "usage";
    if (!several || platform !== undefined) throw error;
    return await resolveImage(store, { ...named, platform: defaultPlatform() });
  });
  const { descriptor, manifest, config, source } = image;
  return {
    name: image.tag ?? name,
    digest: descriptor.digest,
    manifest,
    config,
    platform: image.platform,
    store,
    descriptor,
    openLayer: ({ digest }) => source.open(digest),
  };
}

async function remoteImage(
  client: RegistryClient,
  source: Extract<ImageSource, { kind: "registry" }>,
  options: OpenImageOptions & { readonly signal: AbortSignal },
): Promise<Omit<OpenedImage, typeof Symbol.asyncDispose>> {
  const { reference } = source;
  const { repository } = reference;
  const { platform = defaultPlatform(), signal } = options;
  const image = await resolveRemote(client, { reference, platform, signal });
  return {
    name: formatReference(reference),
    digest: image.descriptor.digest,
    manifest: image.manifest,
    config: image.config,
    platform: image.platform,
    openLayer: async (descriptor) => {
      const response = await getBlob(client, { repository, descriptor, signal });
      return ReadableStream.from(response.chunks());
    },
  };
}

/** An error about a bare name says that it was taken for an image of Docker Hub: a directory was meant. */
function aboutGuess(error: unknown, target: ImageTarget): unknown {
  if (target.kind !== "guess" || !/^[^/:@]+$/.test(target.text)) return error;
  if (!(error instanceof MiseOciError) || error.code === "interrupted") return error;
  return new MiseOciError(error.code, error.message, {
    cause: error,
    hint: `There is no file or directory ${JSON.stringify(target.text)}; if it is an image of a ` +
      `registry, check name, login and network`,
  });
}

/**
 * Opens an image.
 *
 * @throws {MiseOciError} `not-found`, `layout`, `auth`, `network`, `registry`, `unsupported` naming the
 * image and the cause.
 */
export async function openImage(
  target: ImageTarget,
  options: OpenImageOptions,
  context: WorkflowContext,
): Promise<OpenedImage> {
  const source = await sourceOf(target);
  const name = formatImageSource(source);
  const { signal } = context;
  switch (source.kind) {
    case "scratch":
      throw new MiseOciError("usage", 'Cannot look into "scratch": it is no image');
    case "layout": {
      const image = await fromStore(await openLayout(source.path), name, { ...options, ...source });
      return { ...image, [Symbol.asyncDispose]: () => Promise.resolve() };
    }
    case "archive": {
      const archive = await openArchive(source.path, { signal });
      try {
        const image = await fromStore(archive, name, { ...options, ...source });
        return { ...image, [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose]() };
      } catch (error) {
        await archive[Symbol.asyncDispose]();
        throw error;
      }
    }
    case "registry": {
      const access = await readSettings({ directory: options.directory }, miseContext(context));
      const client = await openRegistry(source.reference, access, context);
      try {
        const image = await remoteImage(client, source, { ...options, signal });
        return {
          ...image,
          [Symbol.asyncDispose]: () => Promise.resolve(client.close()),
        };
      } catch (error) {
        client.close();
        throw aboutGuess(error, target);
      }
    }
  }
}
