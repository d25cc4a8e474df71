/**
 * Pushing to a real registry: what the end-to-end tests of `push` share.
 * @module
 */
import { type Digest, parseReference } from "../../src/oci/mod.ts";
import {
  createRegistryClient,
  type PushableImage,
  type PushOptions,
  type RegistryClientOptions,
  uploadImage,
  type UploadResult,
} from "../../src/registry/mod.ts";
import { digestOf, randomBytes } from "./faultreg/mod.ts";
import { pushableImage } from "./pushable_image.ts";
import { type DockerRegistry, run } from "./testbed.ts";

/** What these tests need of the machine. */
export const NEEDS = ["linux", "docker-registry", "skopeo"] as const;
const CHUNK = 1024 * 1024;
/** A layer of several chunks that stands for a base image's. */
export const base: Uint8Array<ArrayBuffer> = randomBytes(3_000_000, 11);
/** An image on that base. */
export const image: PushableImage = pushableImage([base, randomBytes(1000, 12)]);
/** Its digest. */
export const DIGEST: Digest = image.manifest.descriptor.digest;

/** How {@linkcode push} works. */
export interface Push extends Partial<PushOptions> {
  /** Default: {@linkcode image}. */
  readonly image?: PushableImage;
  /** Options of the client. */
  readonly client?: Partial<RegistryClientOptions>;
}

/** Pushes an image (default: one of two layers, in chunks of 1 MiB) to `REPOSITORY:TAG`. */
export async function push(
  registry: DockerRegistry,
  to: string,
  options: Push = {},
): Promise<UploadResult> {
  const { client: more = {}, image: pushed = image, ...rest } = options;
  const client = createRegistryClient({ registry: registry.host, insecure: false, ...more });
  try {
    const reference = parseReference(`${registry.host}/${to}`);
    return await uploadImage(client, pushed, { reference, chunkBytes: CHUNK, ...rest });
  } finally {
    client.close();
  }
}

/** The digest of what a tag names, as skopeo reads it. */
export async function digestAt(
  registry: DockerRegistry,
  name: string,
  extra: readonly string[] = ["--tls-verify=false"],
): Promise<string> {
  const { stdout } = await run([
    ...["skopeo", "inspect", "--raw"] as const,
    ...extra,
    `docker://${registry.host}/${name}`,
  ]);
  return digestOf(new TextEncoder().encode(stdout));
}
