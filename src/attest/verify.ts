/**
 * Verifies that a key signed an image in a registry. Nothing is trusted before its digest, subject and
 * signature are verified.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/mod.ts";
import { MAX_MANIFEST_BYTES } from "../oci/mod.ts";
import { fetchBlob } from "../registry/get_blob.ts";
import { fetchManifest, maybeFetchManifest } from "../registry/get_manifest.ts";
import { listReferrers } from "../registry/referrers.ts";
import type { RegistryClient } from "../registry/transport.ts";
import { fromBase64, openBundle, parseSimplePayload, SIMPLE_SIGNING_TYPE } from "./envelope.ts";
import type { VerifyingKey } from "./keys.ts";
import { cosignTag, SIGNATURE_ANNOTATION } from "../oci/cosign_tag.ts";
import { type ParsedStatement, PredicateType } from "./statement.ts";

/** A valid signature. */
export interface VerifiedSignature {
  /** `bundle`, or `tag` for the older format. */
  readonly format: "bundle" | "tag";
  /** Predicate type of the statement: for a signature, the approval of the image. */
  readonly predicateType: string;
  /** Digest of the manifest that contains it. */
  readonly manifest: Digest;
}

/** The result of a verification. */
export interface Verification {
  /** Valid signatures of the image, including attestations. */
  readonly verified: readonly VerifiedSignature[];
  /** Candidates that were skipped and why, one sentence each without a final period. */
  readonly skipped: readonly string[];
}

/** The image to verify. */
export interface SignatureQuery {
  /** Repository. */
  readonly repository: string;
  /** Digest of its manifest or index. */
  readonly digest: Digest;
  /** Cancels the operation. */
  readonly signal?: AbortSignal | undefined;
}

/** Maximum number of signatures checked, so that an attacker cannot bury the valid one. */
const MAX_CANDIDATES = 100;
const BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle(?:[.+]|$)/;

/** Checks that a statement is about the image. @throws {MiseOciError} `integrity` if not. */
function checkSubject({ subjects }: ParsedStatement, digest: Digest): void {
  if (subjects.includes(digest)) return;
  throw new MiseOciError("integrity", "it is a signature of another image");
}

class Verifier {
  readonly #client: RegistryClient;
  readonly #options: SignatureQuery;
  readonly #key: VerifyingKey;
  readonly #verified: VerifiedSignature[] = [];
  readonly #skipped: string[] = [];
  #candidates = 0;

  constructor(client: RegistryClient, key: VerifyingKey, options: SignatureQuery) {
    this.#client = client;
    this.#key = key;
    this.#options = options;
  }

  async run(): Promise<Verification> {
    await this.#referrers();
    await this.#tag();
    return { verified: this.#verified, skipped: this.#skipped };
  }

  /** Checks one candidate. A failure is recorded, unless it is the registry's. */
  async #consider(
    name: string,
    look: () => Promise<VerifiedSignature>,
  ): Promise<void> {
    if (this.#candidates >= MAX_CANDIDATES) return;
    this.#candidates++;
    try {
      this.#verified.push(await look());
    } catch (error) {
      this.#skip(name, error);
    }
  }

  #skip(name: string, error: unknown): undefined {
    const passing = error instanceof MiseOciError &&
      !["network", "auth", "interrupted", "permission"].includes(error.code);
    if (!passing) throw error;
    this.#skipped.push(`${name}: ${describeError(error)}`);
  }

  #noteTooMany(count: number): void {
    if (count <= MAX_CANDIDATES) return;
    this.#skipped.push(`${count - MAX_CANDIDATES} more: only ${MAX_CANDIDATES} are checked`);
  }

  async #referrers(): Promise<void> {
    const { entries } = await listReferrers(this.#client, this.#options);
    // Without a type, the manifest decides: some registries omit types in the list.
    const bundles = entries.filter(({ artifactType }) =>
      artifactType === undefined || BUNDLE.test(artifactType)
    );
    this.#noteTooMany(bundles.length);
    for (const entry of bundles) {
      await this.#consider(`referrer ${entry.digest}`, () => this.#bundle(entry));
    }
  }

  async #bundle(entry: Descriptor): Promise<VerifiedSignature> {
    const { repository, digest, signal } = this.#options;
    const { mediaType, digest: target, size } = entry;
    const descriptor = { mediaType, digest: target, size };
    const { content } = await fetchManifest(this.#client, {
      repository,
      target,
      descriptor,
      signal,
    });
    if (content.kind !== "manifest") throw new MiseOciError("invalid", "it is an index");
    const { subject, layers } = content.manifest;
    if (subject?.digest !== digest) {
      throw new MiseOciError("integrity", "it refers to another image");
    }
    const [layer] = layers;
    if (layer === undefined || layers.length > 1 || !BUNDLE.test(layer.mediaType)) {
      throw new MiseOciError("unsupported", "it is not a bundle");
    }
    const bytes = await this.#blob(layer);
    const statement = openBundle(bytes, this.#key);
    checkSubject(statement, digest);
    return { format: "bundle", predicateType: statement.predicateType, manifest: target };
  }

  async #blob(descriptor: Descriptor): Promise<Uint8Array<ArrayBuffer>> {
    const { repository, signal } = this.#options;
    if (descriptor.size > MAX_MANIFEST_BYTES) {
      throw new MiseOciError("invalid", `its ${descriptor.size} bytes are more than are read`);
    }
    return await fetchBlob(this.#client, { repository, descriptor, signal });
  }

  async #tag(): Promise<void> {
    const { repository, digest, signal } = this.#options;
    const tag = cosignTag(digest, "sig");
    const name = `tag ${tag}`;
    const found = await maybeFetchManifest(this.#client, { repository, target: tag, signal })
      .catch((error: unknown) => this.#skip(name, error));
    if (found === undefined) return;
    const { content, descriptor } = found;
    if (content.kind !== "manifest") return void this.#skipped.push(`${name}: it is an index`);
    const { layers } = content.manifest;
    this.#noteTooMany(layers.length);
    for (const [at, layer] of layers.entries()) {
      await this.#consider(
        `${name}, signature ${at + 1}`,
        () => this.#simple(layer, descriptor.digest),
      );
    }
  }

  async #simple(layer: Descriptor, manifest: Digest): Promise<VerifiedSignature> {
    if (layer.mediaType !== SIMPLE_SIGNING_TYPE) {
      throw new MiseOciError("unsupported", "it is not a simple signature");
    }
    const what = "signature";
    const signature = fromBase64(layer.annotations?.[SIGNATURE_ANNOTATION] ?? "", what);
    const payload = await this.#blob(layer);
    if (!this.#key.verify(payload, signature)) {
      throw new MiseOciError("integrity", "it is not signed by this key");
    }
    if (parseSimplePayload(payload) !== this.#options.digest) {
      throw new MiseOciError("integrity", "it is a signature of another image");
    }
    return { format: "tag", predicateType: PredicateType.signature, manifest };
  }
}

/**
 * Finds the valid signatures of a key for an image.
 *
 * @throws {MiseOciError} `auth`, `network`, `registry` if the registry cannot be queried.
 */
export async function findSignatures(
  client: RegistryClient,
  key: VerifyingKey,
  options: SignatureQuery,
): Promise<Verification> {
  return await new Verifier(client, key, options).run();
}

/** Whether an image is approved; an attestation alone is not an approval. */
export function isApproved({ verified }: Verification): boolean {
  return verified.some(({ predicateType }) => predicateType === PredicateType.signature);
}
