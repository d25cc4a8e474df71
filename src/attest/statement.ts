/**
 * in-toto statements about images (in-toto attestation framework, v1).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Digest, digestHex, parseDigest } from "../oci/mod.ts";
import {
  asArray,
  asObject,
  asString,
  encodeJson,
  type JsonObject,
  parseJson,
} from "../oci/json.ts";

/** Media type of a statement. */
export const IN_TOTO_TYPE = "application/vnd.in-toto+json";
const STATEMENT = "https://in-toto.io/Statement/v1";
const STATEMENTS: ReadonlySet<string> = new Set([STATEMENT, "https://in-toto.io/Statement/v0.1"]);

/** Predicate types. */
export const PredicateType = {
  /** The signer approves the image (cosign). */
  signature: "https://sigstore.dev/cosign/sign/v1",
  /** How it was built. */
  provenance: "https://slsa.dev/provenance/v1",
  /** A bill of materials in CycloneDX. */
  cyclonedx: "https://cyclonedx.org/bom",
  /** A bill of materials in SPDX. */
  spdx: "https://spdx.dev/Document",
} as const;

/** A statement about an image. */
export interface Statement {
  /** Its predicate type. */
  readonly predicateType: string;
  /** Its content. */
  readonly predicate: unknown;
}

/** Encodes a statement about an image, identified by digest and optionally name. */
export function encodeStatement(
  subject: { readonly name?: string; readonly digest: Digest },
  { predicateType, predicate }: Statement,
): Uint8Array<ArrayBuffer> {
  const { name, digest } = subject;
  return encodeJson({
    _type: STATEMENT,
    subject: [{
      ...(name === undefined ? {} : { name }),
      digest: { sha256: digestHex(digest) },
    }],
    predicateType,
    predicate,
  });
}

/** A statement from an untrusted source. */
export interface ParsedStatement extends Statement {
  /** The images that it is about; subjects without sha256 are left out. */
  readonly subjects: readonly Digest[];
}

/** Size limit of a statement in bytes; bills of materials have up to a few MB. */
export const MAX_STATEMENT_BYTES: number = 32 * 1024 * 1024;

/** Parses a statement. @throws {MiseOciError} `invalid` naming the field. */
export function parseStatement(source: Uint8Array | string): ParsedStatement {
  const what = "statement";
  const body: JsonObject = asObject(
    parseJson(source, { what, maxBytes: MAX_STATEMENT_BYTES }),
    what,
  );
  const type = asString(body["_type"], `${what}._type`);
  if (!STATEMENTS.has(type)) {
    throw new MiseOciError(
      "invalid",
      `Cannot parse ${what}: its type ${JSON.stringify(type)} is not in-toto's`,
    );
  }
  const subjects = asArray(body["subject"], `${what}.subject`).flatMap((entry, at) => {
    const { digest } = asObject(entry, `${what}.subject[${at}]`);
    const { sha256 } = asObject(digest, `${what}.subject[${at}].digest`);
    return typeof sha256 === "string" ? [parseDigest(`sha256:${sha256}`)] : [];
  });
  return {
    subjects,
    predicateType: asString(body["predicateType"], `${what}.predicateType`),
    predicate: body["predicate"],
  };
}
