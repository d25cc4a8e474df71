/**
 * `sign`: signs an image in a registry.
 * @module
 */
import { signSubject } from "../attest/mod.ts";
import { type Digest, formatReference, type Reference, referenceTarget } from "../oci/mod.ts";
import { fetchManifest } from "../registry/mod.ts";
import { openSigner } from "../build/access/key_files.ts";
import { openRegistry, readAccess } from "../build/access/registry_access.ts";
import type { WorkflowContext } from "../context.ts";

/** The flags of `sign`, parsed. */
export interface SignRequest {
  /** The image. */
  readonly reference: Reference;
  /** Absolute path of the private key. */
  readonly key: string;
  /** Whether to sign the images of an index, too. */
  readonly recursive: boolean;
  /** Absolute working directory, for mise's settings. */
  readonly directory: string;
}

/** The result of `sign`. */
export interface SignResult {
  /** The full reference of the image. */
  readonly image: string;
  /** The signed digests, starting with that of the reference. */
  readonly digests: readonly Digest[];
}

/**
 * Signs the manifest or index that a reference names.
 *
 * @throws {MiseOciError} `config` naming the key; `auth`, `network`, `registry`, `not-found`.
 */
export async function signImage(
  request: SignRequest,
  context: WorkflowContext,
): Promise<SignResult> {
  const { reference, directory, recursive } = request;
  const { signal, reporter } = context;
  const key = await openSigner(request.key, context);
  const access = await readAccess(reference, { directory }, context);
  const client = await openRegistry(reference, access, context);
  try {
    const { registry, repository } = reference;
    const target = referenceTarget(reference);
    const { descriptor, content } = await fetchManifest(client, {
      repository,
      target,
      actions: ["pull", "push"],
      signal,
    });
    const images = recursive && content.kind === "index" ? content.index.manifests : [];
    const name = formatReference({ registry, repository });
    for (const subject of [descriptor, ...images]) {
      reporter.emit({ type: "detail", level: 1, text: `Signing ${name}@${subject.digest}` });
      await signSubject(client, key, { name, repository, subject, statements: [], signal });
    }
    return {
      image: formatReference(reference),
      digests: [descriptor, ...images].map(({ digest }) => digest),
    };
  } finally {
    client.close();
  }
}
