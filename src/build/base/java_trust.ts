/**
 * Java's trust stores, since Java uses neither the system's PEM bundle nor a variable. Reads JKS (JDK up to
 * 17, and Debian's) and PKCS #12 without a password (RFC 7292; JDK from 18 on, JDK-8275252). Writes JKS,
 * which every JDK reads regardless of the name (`keystore.type.compat`).
 * @module
 */
import { concat, decodeBase64, hexOf } from "../../bytes.ts";
import { LAYER_TIME } from "../../tar/encode.ts";

const MAGIC = 0xfeedfeed;
const VERSION = 2;
/** Tag of a certificate entry. */
const TRUSTED = 2;
/** The fixed password of cacerts; its digest only detects damage. */
const PASSWORD = "changeit";
const SALT = "Mighty Aphrodite";
const DIGEST_BYTES = 20;

/** A certificate of a store. */
export interface TrustedCertificate {
  /** Unique in a store, lower case. */
  readonly alias: string;
  /** DER. */
  readonly bytes: Uint8Array;
}

const ASCII = new TextEncoder();

/** Reads big-endian numbers, in the order of a file. */
class Reader {
  readonly #view: DataView;
  #at = 0;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint16(): number {
    return this.#view.getUint16((this.#at += 2) - 2);
  }

  uint32(): number {
    return this.#view.getUint32((this.#at += 4) - 4);
  }

  take(length: number): Uint8Array {
    if (this.#at + length > this.bytes.length) throw new RangeError("it ends too early");
    return this.bytes.subarray(this.#at, this.#at += length);
  }

  text(): string {
    return new TextDecoder().decode(this.take(this.uint16()));
  }
}

function readJks(bytes: Uint8Array): readonly TrustedCertificate[] {
  const reader = new Reader(bytes);
  reader.uint32();
  const version = reader.uint32();
  if (version !== VERSION) throw new RangeError(`it has version ${version} of JKS`);
  const count = reader.uint32();
  const certificates: TrustedCertificate[] = [];
  for (let i = 0; i < count; i++) {
    if (reader.uint32() !== TRUSTED) throw new RangeError("it has a private key");
    const alias = reader.text();
    reader.take(8);
    reader.text();
    certificates.push({ alias, bytes: reader.take(reader.uint32()) });
  }
  return certificates;
}

/** A DER value: tag and content. */
interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Parses a sequence of values. @throws {RangeError} if they are not DER. */
function parseDer(bytes: Uint8Array): readonly DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at++] ?? 0;
    let length = bytes[at++] ?? 0;
    if (length > 0x80) {
      let count = length & 0x7f;
      if (count > 4) throw new RangeError("it has a value that is too long");
      for (length = 0; count > 0; count--) length = length * 256 + (bytes[at++] ?? 0);
    } else if (length === 0x80) throw new RangeError("it is not in DER");
    if (at + length > bytes.length) throw new RangeError("it ends too early");
    values.push({ tag, content: bytes.subarray(at, at += length) });
  }
  return values;
}

/** Object identifiers in DER, in hexadecimal. */
const OID = {
  data: "2a864886f70d010701",
  certificateBag: "2a864886f70d010c0a0103",
  x509: "2a864886f70d01091601",
} as const;

/** The values inside a value. */
function only(value: DerValue | undefined): readonly DerValue[] {
  return value === undefined ? [] : parseDer(value.content);
}

/** The content of `SEQUENCE { OID, [0] content }`, if it has the given OID. */
function contentOf(value: DerValue, oid: string): DerValue | undefined {
  const [type, content] = only(value);
  return hexOf(type?.content ?? new Uint8Array()) === oid ? only(content)[0] : undefined;
}

function readPkcs12(bytes: Uint8Array): readonly TrustedCertificate[] {
  const [, safe] = only(parseDer(bytes)[0]);
  const contents = safe === undefined ? undefined : contentOf(safe, OID.data);
  if (contents === undefined) throw new RangeError("it is not a trust store");
  const certificates: TrustedCertificate[] = [];
  for (const content of only(only(contents)[0])) {
    const bags = contentOf(content, OID.data);
    if (bags === undefined) throw new RangeError("a password protects it");
    for (const bag of only(only(bags)[0])) {
      const certificate = contentOf(bag, OID.certificateBag);
      const der = certificate === undefined ? undefined : contentOf(certificate, OID.x509);
      if (der === undefined) continue;
      certificates.push({ alias: `certificate-${certificates.length + 1}`, bytes: der.content });
    }
  }
  return certificates;
}

/**
 * Parses the certificates of a trust store.
 *
 * @throws {RangeError} for other formats, truncated data, keys, or a password; the message ends a sentence.
 */
export function parseTrustStore(bytes: Uint8Array): readonly TrustedCertificate[] {
  if (bytes.length < 12) throw new RangeError("it is not a trust store");
  const isJks = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === MAGIC;
  return isJks ? readJks(bytes) : readPkcs12(bytes);
}

/** The certificates in a PEM text, with numbered names. */
export function pemCertificates(pem: string, prefix: string): readonly TrustedCertificate[] {
  const bodies = pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g);
  return Array.from(bodies, ([, body = ""], i) => ({
    alias: `${prefix}-${i + 1}`,
    bytes: decodeBase64(body),
  }));
}

/** Removes duplicate certificates; the first of each is kept. */
export function withoutDuplicates(
  certificates: readonly TrustedCertificate[],
): readonly TrustedCertificate[] {
  return [...new Map(certificates.toReversed().map((one) => [hexOf(one.bytes), one])).values()]
    .reverse();
}

function uint(value: number, size: 2 | 4): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  if (size === 2) view.setUint16(0, value);
  else view.setUint32(0, value);
  return bytes;
}

function text(value: string): readonly Uint8Array[] {
  const bytes = ASCII.encode(value);
  return [uint(bytes.length, 2), bytes];
}

/** Encodes a JKS store; the same certificates give the same bytes. */
export async function encodeTrustStore(
  certificates: readonly TrustedCertificate[],
): Promise<Uint8Array> {
  const milliseconds = BigInt(LAYER_TIME) * 1000n;
  const time = [uint(Number(milliseconds >> 32n), 4), uint(Number(milliseconds & 0xffffffffn), 4)];
  const body = concat([
    uint(MAGIC, 4),
    uint(VERSION, 4),
    uint(certificates.length, 4),
    ...certificates.flatMap(({ alias, bytes }) => [
      uint(TRUSTED, 4),
      ...text(alias),
      ...time,
      ...text("X.509"),
      uint(bytes.length, 4),
      bytes,
    ]),
  ]);
  const password = Uint8Array.from([...PASSWORD].flatMap((char) => [0, char.charCodeAt(0)]));
  const salted = concat([password, ASCII.encode(SALT), body]);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", salted));
  if (digest.length !== DIGEST_BYTES) throw new RangeError("SHA-1 gave no digest");
  return concat([body, digest]);
}
