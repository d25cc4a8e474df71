/**
 * Keys that sign and verify: those of `cosign generate-key-pair`, encrypted with a password, and plain PEM.
 * Signatures are ECDSA on P-256 with SHA-256, in DER, as cosign makes them.
 * @module
 */
import { Buffer } from "node:buffer";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  scryptSync,
  sign,
  verify,
} from "node:crypto";
import { xsalsa20poly1305 } from "npm:@noble/ciphers@2.4.0/salsa.js";
import { MiseOciError } from "../errors.ts";

/** A key that verifies. */
export interface VerifyingKey {
  /** SHA-256 of the key's DER, hexadecimal: names it in records. */
  readonly fingerprint: string;
  /** Whether a signature of a message is this key's. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** A key that signs. */
export interface SigningKey extends VerifyingKey {
  /** What a bundle calls the key: SHA-256 of its DER, base64. */
  readonly hint: string;
  /** Signs a message. */
  sign(message: Uint8Array): Uint8Array;
}

/** Gives the password of an encrypted key, when one is needed. */
export type AskPassword = () => string;

const ENCRYPTED = /^ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY$/;

/** The first block of a PEM text (RFC 7468). */
function maybePem(text: string): { readonly label: string; readonly bytes: Buffer } | undefined {
  const found = /-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END \1-----/.exec(text);
  if (found === null) return undefined;
  return { label: found[1] ?? "", bytes: Buffer.from(found[2] ?? "", "base64") };
}

function refuse(name: string, why: string, hint: string): never {
  throw new MiseOciError("config", `Cannot use key ${JSON.stringify(name)}: ${why}`, { hint });
}

/** Only what cosign itself writes: anything else would be a way to make us work for hours. */
const SCRYPT: ReadonlySet<string> = new Set(["32768,8,1", "65536,8,1", "131072,8,1"]);

/** The key inside of cosign's encryption (go-securesystemslib, "encrypted"). */
function decrypt(name: string, bytes: Buffer, askPassword: AskPassword): Buffer {
  const hint = "Make a key with cosign generate-key-pair";
  let box: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  try {
    box = JSON.parse(bytes.toString("utf8"));
  } catch {
    return refuse(name, "its encryption is not cosign's", hint);
  }
  const { kdf = {}, cipher = {} } = box;
  const { N, r, p } = (kdf["params"] ?? {}) as Readonly<Record<string, unknown>>;
  if (kdf["name"] !== "scrypt" || !SCRYPT.has(`${N},${r},${p}`)) {
    return refuse(name, "its password is not protected by scrypt as cosign does", hint);
  }
  if (cipher["name"] !== "nacl/secretbox") return refuse(name, "its cipher is not known", hint);
  const [salt, nonce, text] = [kdf["salt"], cipher["nonce"], box["ciphertext"]].map((part) =>
    Buffer.from(typeof part === "string" ? part : "", "base64")
  );
  if (salt === undefined || text === undefined || nonce?.length !== 24) {
    return refuse(name, "it is damaged", hint);
  }
  const key = scryptSync(askPassword(), salt, 32, {
    N: Number(N),
    r: Number(r),
    p: Number(p),
    maxmem: 512 * 1024 * 1024,
  });
  try {
    return Buffer.from(xsalsa20poly1305(key, nonce).decrypt(text));
  } catch {
    return refuse(name, "the password is wrong", "Give the right one in COSIGN_PASSWORD");
  }
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === "ec" &&
    ["prime256v1", "P-256"].includes(String(key.asymmetricKeyDetails?.namedCurve));
}

function verifying(key: KeyObject): VerifyingKey & { readonly hint: string } {
  const der = key.export({ type: "spki", format: "der" });
  const hash = createHash("sha256").update(der).digest();
  return {
    fingerprint: hash.toString("hex"),
    hint: hash.toString("base64"),
    verify: (message, signature) => {
      try {
        return verify("sha256", message, key, signature);
      } catch {
        return false; // no signature at all
      }
    },
  };
}

const P256_HINT = "Use a key of cosign generate-key-pair, or another one on the curve P-256";

/**
 * Reads a public key, or the public part of a plain private one.
 *
 * @param name the file, for messages.
 * @throws {MiseOciError} `config` if it is no key on P-256.
 */
export function parseVerifyingKey(text: string, name: string): VerifyingKey {
  const pem = maybePem(text);
  if (pem === undefined) return refuse(name, "it is no PEM", P256_HINT);
  if (ENCRYPTED.test(pem.label)) {
    return refuse(name, "it is a private key", "Name the public key, cosign.pub");
  }
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch {
    return refuse(name, "it cannot be read", P256_HINT);
  }
  return isP256(key) ? verifying(key) : refuse(name, "it is of another kind", P256_HINT);
}

/**
 * Reads a private key.
 *
 * @param name the file, for messages.
 * @throws {MiseOciError} `config` if it is no private key on P-256, or the password is wrong; what
 * `askPassword` throws.
 */
export function parseSigningKey(text: string, name: string, askPassword: AskPassword): SigningKey {
  const pem = maybePem(text);
  if (pem === undefined) return refuse(name, "it is no PEM", P256_HINT);
  if (pem.label === "PUBLIC KEY") {
    return refuse(
      name,
      "it is a public key, which cannot sign",
      "Name the private key, cosign.key",
    );
  }
  const encrypted = ENCRYPTED.test(pem.label);
  const der = encrypted ? decrypt(name, pem.bytes, askPassword) : undefined;
  let key: KeyObject;
  try {
    key = der === undefined
      ? createPrivateKey(text)
      : createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } catch {
    return refuse(name, "it cannot be read", P256_HINT);
  }
  const publicKey = createPublicKey(key);
  if (!isP256(publicKey)) return refuse(name, "it is of another kind", P256_HINT);
  return { ...verifying(publicKey), sign: (message) => sign("sha256", message, key) };
}
