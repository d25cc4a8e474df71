/**
 * A base image from a registry. The digest of a tag is cached, so that a build with everything in the cache
 * contacts no registry.
 * @module
 */
import { mapConcurrently } from "../../concurrency.ts";
import { MiseOciError } from "../../errors.ts";
import {
  type Digest,
  formatReference,
  isDigest,
  type Reference,
  shortDigest,
} from "../../oci/mod.ts";
import type { BuildPlan, VerifyRule } from "../../plan/mod.ts";
import { RegistryImages, type ResolvedImage, resolveImage } from "../../image/mod.ts";
import { pullBlob, type RegistryClient } from "../../registry/mod.ts";
import type { Cache } from "../../store/mod.ts";
import { type BaseImage, type BaseLayer, checkBasePlatform, pairLayers } from "./base_image.ts";
import { openRegistry, type RegistryAccess } from "../access/registry_access.ts";
import type { BuildRequest } from "../types.ts";
import type { WorkflowContext } from "../../context.ts";

/** Options of {@linkcode pullBase}. */
export interface PullBaseOptions extends RegistryAccess {
  readonly plan: BuildPlan;
  /** Stores manifests and layers. */
  readonly cache: Cache;
  /** When to contact the registry. */
  readonly pull: BuildRequest["pull"];
  /** Signature rules for bases. */
  readonly verify?: readonly VerifyRule[];
  /** Leaves the layers in the registry until they have to be read. */
  readonly lazy?: boolean;
}

/** Number of blobs that are fetched concurrently. */
const BLOBS_AT_ONCE = 4;
const TAGS = "tags";

function notInCache(reference: Reference): MiseOciError {
  return new MiseOciError(
    "not-found",
    `Cannot use base image "${formatReference(reference)}": it is not in the cache`,
    { hint: "Build once without --pull never while the registry can be reached" },
  );
}

async function maybeKnownDigest(reference: Reference, cache: Cache): Promise<Digest | undefined> {
  if (reference.digest !== undefined) return reference.digest;
  const known = await cache.getDocument(TAGS, formatReference(reference));
  return typeof known === "string" && isDigest(known) ? known : undefined;
}

/** A client for `--pull never`: blobs that are not in the cache are not requested. */
function offline(client: RegistryClient, reference: Reference): RegistryClient {
  const refuse = (): Promise<never> => Promise.reject(notInCache(reference));
  return {
    registry: client.registry,
    url: client.url,
    warn: client.warn,
    log: client.log,
    send: refuse,
    read: refuse,
    attempts: (signal) => client.attempts(signal),
    resolve: (location, from) => client.resolve(location, from),
    close: () => client.close(),
  };
}

/** The reference to resolve: with the cached digest of a tag, unless the registry must be contacted. */
async function target(reference: Reference, options: PullBaseOptions): Promise<Reference> {
  const { cache, pull } = options;
  if (pull === "always") return reference;
  const digest = await maybeKnownDigest(reference, cache);
  if (digest !== undefined && await cache.size(digest) !== undefined) {
    return { ...reference, digest };
  }
  if (pull === "never") throw notInCache(reference);
  return reference;
}

async function pullLayers(
  client: RegistryClient,
  layers: readonly BaseLayer[],
  options: PullBaseOptions & { readonly reference: Reference; readonly context: WorkflowContext },
): Promise<void> {
  const { cache, reference, context: { reporter, signal } } = options;
  await mapConcurrently(
    layers,
    { limit: BLOBS_AT_ONCE, signal },
    async ({ descriptor }, either) => {
      const { digest, size } = descriptor;
      if (await cache.has(digest, size)) return;
      if (options.pull === "never") throw notInCache(reference);
      const id = `pull ${digest}`;
      reporter.emit({ type: "start", id, label: `base ${shortDigest(digest)}`, total: size });
      try {
        const outcome = await pullBlob(client, {
          repository: reference.repository,
          descriptor,
          sink: cache,
          onBytes: (bytes) => reporter.emit({ type: "advance", id, bytes }),
          signal: either,
        });
        reporter.emit({ type: "done", id, note: outcome });
      } catch (error) {
        reporter.emit({ type: "failed", id });
        throw error;
      }
    },
  );
}

// Imported on demand: few projects require signatures.
const verifyModule = () => import("../access/verify_signed.ts");

/** The reference to use: if a signature is required, pinned to the digest that was verified. */
async function pinIfVerified(
  client: RegistryClient,
  reference: Reference,
  { verify = [], cache }: PullBaseOptions,
  context: WorkflowContext,
): Promise<Reference> {
  if (verify.length === 0) return reference;
  const { pinVerified } = await verifyModule();
  return await pinVerified(client, reference, { rules: verify, cache }, context);
}

async function rememberTag(
  reference: Reference,
  image: ResolvedImage,
  cache: Cache,
): Promise<void> {
  if (reference.digest === undefined) {
    await cache.putDocument(TAGS, formatReference(reference), image.path[0].digest);
  }
}

/** Fetches a layer that was not pulled at first. */
async function openLater(
  layer: BaseLayer,
  options: PullBaseOptions & { readonly reference: Reference; readonly context: WorkflowContext },
): Promise<ReadableStream<Uint8Array>> {
  const { cache, reference, context } = options;
  const client = await openRegistry(reference, options, context);
  try {
    await pullLayers(client, [layer], options);
  } finally {
    client.close();
  }
  return await cache.open(layer.descriptor.digest);
}

/**
 * Resolves the base and pulls the layers that the cache lacks, verified.
 *
 * @throws {MiseOciError} naming reference and cause: `auth`, `network`, `registry`, `not-found`,
 * `integrity`, `unsupported`.
 */
export async function pullBase(
  reference: Reference,
  options: PullBaseOptions,
  context: WorkflowContext,
): Promise<BaseImage> {
  const { plan, cache } = options;
  const { signal, reporter } = context;
  const name = plan.fromText;
  const wanted = await target(reference, options);
  const opened = await openRegistry(reference, options, context);
  const client = options.pull === "never" ? offline(opened, reference) : opened;
  try {
    const remembered = wanted.digest !== undefined && reference.digest === undefined;
    const text = remembered
      ? `Base image ${name}: ${wanted.digest} as last resolved (--pull always asks the registry)`
      : `Resolving base image ${name}`;
    reporter.emit({ type: "detail", level: 1, text });
    const { platform } = plan;
    const pinned = await pinIfVerified(client, wanted, options, context);
    const images = new RegistryImages(client, { reference: pinned, cache, signal });
    const image = await resolveImage(images, { platform, warn: (text) => client.warn(text) });
    checkBasePlatform(name, image.config, plan);
    const layers = pairLayers(name, image);
    const pulling = { ...options, reference, context };
    if (options.lazy !== true) await pullLayers(client, layers, pulling);
    await rememberTag(reference, image, cache);
    return {
      name,
      reference: formatReference(reference),
      digest: image.descriptor.digest,
      config: image.config,
      layers,
      ...(options.lazy === true ? { open: (layer) => openLater(layer, pulling) } : {}),
    };
  } finally {
    client.close();
  }
}
