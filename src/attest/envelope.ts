/**
 * Signed statements: DSSE envelopes (dsse, v1) in Sigstore bundles (v0.3), and cosign's simple signing
 * payload.
 * @module
 */
import { Buffer } from "node:buffer";
import { MiseOciError } from "../errors.ts";
import {
  asArray,
  asObject,
  asString,
  type Digest,
  digestHex,
  encodeJson,
  type JsonObject,
  parseDigest,
  parseJson,
} from "../oci/mod.ts";
import type { SigningKey, VerifyingKey } from "./keys.ts";
import {
  IN_TOTO_TYPE,
  MAX_STATEMENT_BYTES,
  type ParsedStatement,
  parseStatement,
} from "./statement.ts";

/** Media type of a bundle. */
export const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** Media type of a bare envelope, as cosign attaches it under a tag. */
export const ENVELOPE_TYPE = "application/vnd.dsse.envelope.v1+json";
/** Media type of a simple signing payload. */
export const SIMPLE_SIGNING_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
/** Size limit of a bundle in bytes: base64 adds a third to the statement. */
const MAX_BUNDLE_BYTES: number = Math.ceil(MAX_STATEMENT_BYTES * 1.4);

const encoder = new TextEncoder();

/** Encodes bytes as base64. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** Decodes base64 strictly: only the canonical form is accepted. @throws {MiseOciError} `invalid`. */
export function fromBase64(text: string, what: string): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(Buffer.from(text, "base64"));
  if (text !== "" && toBase64(bytes) === text) return bytes;
  throw new MiseOciError("invalid", `Cannot parse ${what}: base64 expected`);
}

/** The bytes that are signed in place of the payload, so that its type is signed too (DSSE, "PAE"). */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = encoder.encode(payloadType);
  const head = encoder.encode(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}

/** A DSSE envelope, as JSON. */
export interface Envelope {
  /** Base64 of the payload. */
  readonly payload: string;
  /** Media type of the payload. */
  readonly payloadType: string;
  /** The signatures in base64. */
  readonly signatures: readonly { readonly sig: string }[];
}

/** Signs a statement. */
export function sealStatement(statement: Uint8Array, key: Pick<SigningKey, "sign">): Envelope {
  return {
    payload: toBase64(statement),
    payloadType: IN_TOTO_TYPE,
    signatures: [{ sig: toBase64(key.sign(preAuthEncoding(IN_TOTO_TYPE, statement))) }],
  };
}

/** Encodes a bundle for an envelope signed with a key rather than a certificate. */
export function encodeBundle(
  envelope: Envelope,
  { hint }: Pick<SigningKey, "hint">,
): Uint8Array<ArrayBuffer> {
  return encodeJson({
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint } },
    dsseEnvelope: envelope,
  });
}

function openEnvelope(value: unknown, key: VerifyingKey): ParsedStatement {
  const what = "envelope";
  const object: JsonObject = asObject(value, what);
  const payloadType = asString(object["payloadType"], `${what}.payloadType`);
  if (payloadType !== IN_TOTO_TYPE) {
    throw new MiseOciError(
      "invalid",
      `its payload is ${JSON.stringify(payloadType)}, no statement`,
    );
  }
  const payload = fromBase64(asString(object["payload"], `${what}.payload`), `${what}.payload`);
  const message = preAuthEncoding(payloadType, payload);
  const signatures = asArray(object["signatures"], `${what}.signatures`);
  const isSigned = signatures.slice(0, 8).some((entry, at) => {
    const place = `${what}.signatures[${at}]`;
    const sig = asString(asObject(entry, place)["sig"], `${place}.sig`);
    return key.verify(message, fromBase64(sig, `${place}.sig`));
  });
  if (!isSigned) throw new MiseOciError("integrity", "it is not signed by this key");
  return parseStatement(payload);
}

/**
 * Opens a bundle that a key signed and returns its statement.
 *
 * @throws {MiseOciError} `integrity` if the key did not sign it; `unsupported` if a certificate did;
 * `invalid` if it is not a bundle.
 */
export function openBundle(bytes: Uint8Array, key: VerifyingKey): ParsedStatement {
  const what = "bundle";
  const object = asObject(parseJson(bytes, { what, maxBytes: MAX_BUNDLE_BYTES }), what);
  const mediaType = asString(object["mediaType"], `${what}.mediaType`);
  if (!/^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.3)?\+json/.test(mediaType)) {
    throw new MiseOciError("unsupported", `its format ${JSON.stringify(mediaType)} is not known`);
  }
  const material = asObject(object["verificationMaterial"], `${what}.verificationMaterial`);
  if (material["publicKey"] === undefined) {
    throw new MiseOciError("unsupported", "it is signed with a certificate, not with a key");
  }
  if (object["dsseEnvelope"] === undefined) {
    throw new MiseOciError("unsupported", "it signs bytes, not a statement about an image");
  }
  return openEnvelope(object["dsseEnvelope"], key);
}

/** The simple signing payload for an image and its name. */
export function encodeSimplePayload(
  { name, digest }: { readonly name: string; readonly digest: Digest },
): Uint8Array<ArrayBuffer> {
  return encodeJson({
    critical: {
      identity: { "docker-reference": name },
      image: { "docker-manifest-digest": `sha256:${digestHex(digest)}` },
      type: "cosign container image signature",
    },
    optional: null,
  });
}

/** Parses a simple signing payload and returns the image's digest. @throws {MiseOciError} `invalid`. */
export function parseSimplePayload(bytes: Uint8Array): Digest {
  const what = "payload";
  const body = asObject(parseJson(bytes, { what }), what);
  const critical = asObject(body["critical"], `${what}.critical`);
  const type = asString(critical["type"], `${what}.critical.type`);
  // cosign's type, and that of other implementations.
  if (!/^(?:cosign container image signature|atomic container signature)$/.test(type)) {
    throw new MiseOciError("invalid", `it is a ${JSON.stringify(type)}, no signature of an image`);
  }
  const image = asObject(critical["image"], `${what}.critical.image`);
  return parseDigest(image["docker-manifest-digest"], `digest of ${what}`);
}
