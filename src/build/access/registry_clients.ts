/**
 * Clients of several registries, each opened on first use.
 * @module
 */
import type { LocateOptions } from "../../mise/locate.ts";
import { RegistryImages } from "../../image/registry_images.ts";
import { resolveImage } from "../../image/resolve.ts";
import type { Image } from "../../image/types.ts";
import { MiseOciError } from "../../errors.ts";
import type { Descriptor, Digest, Platform, Reference } from "../../oci/mod.ts";
import { RemoteBlobs } from "../../registry/remote_blobs.ts";
import type { BlobSource } from "../../store/ports.ts";
import type { RegistryClient } from "../../registry/transport.ts";
import { openRegistry, readAccess } from "./registry_access.ts";
import type { Cache } from "../../store/cache.ts";
import type { WorkflowContext } from "../../context.ts";

/** Clients by repository, since credentials can be specific to one. Closed on disposal. */
export class RegistryClients implements Disposable {
  readonly #opened = new Map<string, Promise<RegistryClient>>();
  readonly #place: LocateOptions;
  readonly #context: WorkflowContext;

  /** @param place the directory in which mise's settings are read, and the mise executable. */
  constructor(place: LocateOptions, context: WorkflowContext) {
    this.#place = place;
    this.#context = context;
  }

  /** The client of a reference's repository. */
  of(reference: Reference): Promise<RegistryClient> {
    const { registry, repository } = reference;
    const key = `${registry}/${repository}`;
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const opened = readAccess(reference, this.#place, this.#context)
      .then((access) => openRegistry(reference, access, this.#context));
    this.#opened.set(key, opened);
    return opened;
  }

  /**
   * Resolves a reference to an image for a platform.
   *
   * @throws {MiseOciError} as {@linkcode resolveImage}.
   */
  async resolve(
    reference: Reference,
    { platform, cache }: { readonly platform: Platform; readonly cache?: Cache },
  ): Promise<Image> {
    const client = await this.of(reference);
    const { reporter, signal } = this.#context;
    const warn = (text: string): void => reporter.emit({ type: "warning", text });
    const images = new RegistryImages(client, { reference, cache, signal });
    return await resolveImage(images, { platform, warn });
  }

  /** Closes all of them. */
  [Symbol.dispose](): void {
    for (const client of this.#opened.values()) client.then((one) => one.close(), () => {});
  }
}

/** A repository with blobs of an image. */
export interface Elsewhere {
  readonly reference: Reference;
  readonly blobs: readonly Descriptor[];
  /** The error for a blob that cannot be read completely; default: the error itself. */
  readonly explain?: (error: MiseOciError) => Error;
}

/** A stream whose errors are explained. */
async function* explained(
  open: () => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>,
  explain: (error: MiseOciError) => Error,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    yield* await open();
  } catch (error) {
    const known = error instanceof MiseOciError && error.code !== "interrupted";
    throw known ? explain(error) : error;
  }
}

/** The blobs of several repositories; a registry is contacted when one of its blobs is read. */
export function elsewhereOf(
  places: readonly Elsewhere[],
  clients: RegistryClients,
  { signal }: WorkflowContext,
): BlobSource {
  const placeOf = (digest: Digest): Elsewhere | undefined =>
    places.find(({ blobs }) => blobs.some((blob) => blob.digest === digest));
  return {
    size: (digest) => {
      const blob = placeOf(digest)?.blobs.find((one) => one.digest === digest);
      return Promise.resolve(blob?.size);
    },
    open: async (digest, range) => {
      const place = placeOf(digest);
      if (place === undefined) {
        throw new MiseOciError("not-found", `Cannot find blob "${digest}" in any registry`);
      }
      const { reference, blobs, explain } = place;
      const { repository } = reference;
      const open = async (): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> => {
        const client = await clients.of(reference);
        return await new RemoteBlobs(client, { repository, blobs, signal }).open(digest, range);
      };
      return explain === undefined ? await open() : ReadableStream.from(explained(open, explain));
    },
  };
}
