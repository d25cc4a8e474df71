/**
 * Signs an image in a registry in cosign's formats: a bundle that refers to the image, and the older
 * signature with the tag `sha256-….sig`.
 * @module
 */
import { type Descriptor, type Digest, encodeJson, encodeManifest, MediaType } from "../oci/mod.ts";
import { rewriteTag } from "../registry/rewrite_tag.ts";
import type { RegistryClient } from "../registry/transport.ts";
import { type Artifact, attachArtifacts, type AttachOptions, pushBytes } from "./attach.ts";
import {
  BUNDLE_TYPE,
  encodeBundle,
  encodeSimplePayload,
  ENVELOPE_TYPE,
  sealStatement,
  SIMPLE_SIGNING_TYPE,
  toBase64,
} from "./envelope.ts";
import { cosignTag, SIGNATURE_ANNOTATION } from "../oci/cosign_tag.ts";
import type { SigningKey } from "./keys.ts";
import { encodeStatement, PredicateType, type Statement } from "./statement.ts";
import { findSignatures } from "./verify.ts";

/** Annotations of a bundle's manifest. */
const BUNDLE_CONTENT = "dev.sigstore.bundle.content";
const BUNDLE_PREDICATE = "dev.sigstore.bundle.predicateType";

/** Signs statements with an identity instead of a long-lived key. */
export interface BundleSigner {
  /** Signs a statement and returns the bundle. */
  bundle(statement: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
}

/** A signer: a key, or the identity of a CI job. */
export type Signer = SigningKey | BundleSigner;

/** Creates the bundle for a statement about an image, ready to be attached. */
export async function bundleArtifact(
  subject: Digest,
  statement: Statement,
  signer: Signer,
): Promise<Artifact> {
  const text = encodeStatement({ digest: subject }, statement);
  return {
    artifactType: BUNDLE_TYPE,
    bytes: "bundle" in signer
      ? await signer.bundle(text)
      : encodeBundle(sealStatement(text, signer), signer),
    annotations: {
      [BUNDLE_CONTENT]: "dsse-envelope",
      [BUNDLE_PREDICATE]: statement.predicateType,
    },
  };
}

/** The statement that approves an image. */
const APPROVAL: Statement = { predicateType: PredicateType.signature, predicate: {} };

/** A layer of cosign's older formats. */
interface TagLayer {
  readonly mediaType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The signature of an image in the older format. */
function signatureLayer(
  subject: { readonly name: string; readonly digest: Digest },
  key: SigningKey,
): TagLayer {
  const bytes = encodeSimplePayload(subject);
  const annotations = { [SIGNATURE_ANNOTATION]: toBase64(key.sign(bytes)) };
  return { mediaType: SIMPLE_SIGNING_TYPE, bytes, annotations };
}

/** A signed statement in the older format. */
function attestationLayer(
  subject: { readonly name: string; readonly digest: Digest },
  statement: Statement,
  key: SigningKey,
): TagLayer {
  const envelope = sealStatement(encodeStatement(subject, statement), key);
  return {
    mediaType: ENVELOPE_TYPE,
    bytes: encodeJson(envelope),
    annotations: { [SIGNATURE_ANNOTATION]: "", predicateType: statement.predicateType },
  };
}

/** An empty image config, since some registries accept only those. */
function configOf(layers: readonly Descriptor[]): Uint8Array<ArrayBuffer> {
  return encodeJson({
    architecture: "",
    created: "0001-01-01T00:00:00Z",
    os: "",
    // The layers are not compressed.
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    config: {},
  });
}

/**
 * Adds layers to one of cosign's tags; existing layers are kept.
 *
 * @throws {MiseOciError} `auth`, `registry`, `network`.
 */
async function addToTag(
  client: RegistryClient,
  layers: readonly TagLayer[],
  options: AttachOptions & { readonly kind: "sig" | "att" },
): Promise<void> {
  const { repository, subject, kind, signal } = options;
  const added: Descriptor[] = [];
  for (const { mediaType, bytes, annotations } of layers) {
    const blob = await pushBytes(client, bytes, { repository, mediaType, signal });
    added.push({ ...blob, annotations });
  }
  await rewriteTag(client, {
    repository,
    tag: cosignTag(subject.digest, kind),
    change: async (current) => {
      const known = current?.content.kind === "manifest" ? current.content.manifest.layers : [];
      const missing = added.filter((layer) => !known.some((one) => isSame(one, layer)));
      if (missing.length === 0) return undefined;
      const all = [...known, ...missing];
      const mediaType = MediaType.config;
      const config = await pushBytes(client, configOf(all), { repository, mediaType, signal });
      return { mediaType: MediaType.manifest, bytes: encodeManifest({ config, layers: all }) };
    },
    signal,
  });
}

function isSame(a: Descriptor, b: Descriptor): boolean {
  return a.digest === b.digest &&
    a.annotations?.[SIGNATURE_ANNOTATION] === b.annotations?.[SIGNATURE_ANNOTATION];
}

/** What to sign. */
export interface SignOptions extends AttachOptions {
  /** The image's name without a tag: `ghcr.io/team/app`. */
  readonly name: string;
  /** Statements to sign in addition to the approval. */
  readonly statements: readonly Statement[];
}

async function attachBundles(
  client: RegistryClient,
  signer: Signer,
  options: SignOptions & { readonly approve: boolean },
): Promise<readonly Descriptor[]> {
  const { subject, statements, approve } = options;
  const bundles: Artifact[] = [];
  for (const statement of approve ? [APPROVAL, ...statements] : statements) {
    bundles.push(await bundleArtifact(subject.digest, statement, signer));
  }
  return await attachArtifacts(client, bundles, options);
}

/**
 * Signs an image and statements about it. An existing approval by the same key is not repeated; keyless
 * signatures exist only as bundles.
 *
 * @returns the manifests of the bundles.
 * @throws {MiseOciError} `auth`, `registry`, `network`.
 */
export async function signSubject(
  client: RegistryClient,
  signer: Signer,
  options: SignOptions,
): Promise<readonly Descriptor[]> {
  if ("bundle" in signer) return await attachBundles(client, signer, { ...options, approve: true });
  const key = signer;
  const { name, statements, subject: { digest }, repository, signal } = options;
  const { verified } = await findSignatures(client, key, { repository, digest, signal });
  const has = (format: "bundle" | "tag"): boolean =>
    verified.some((one) => one.format === format && one.predicateType === PredicateType.signature);
  const approve = !has("bundle");
  const attached = await attachBundles(client, key, { ...options, approve });
  const subject = { name, digest };
  if (!has("tag")) {
    await addToTag(client, [signatureLayer(subject, key)], { ...options, kind: "sig" });
  }
  if (statements.length > 0) {
    const layers = statements.map((statement) => attestationLayer(subject, statement, key));
    await addToTag(client, layers, { ...options, kind: "att" });
  }
  return attached;
}
