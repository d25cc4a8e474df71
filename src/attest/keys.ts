/**
 * Keys for signing and verifying: encrypted ones of `cosign generate-key-pair`, and plain PEM. As in
 * cosign, signatures are ECDSA on P-256 with SHA-256, in DER.
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

/** A key for verifying. */
export interface VerifyingKey {
  /** SHA-256 of the key's DER, hexadecimal; identifies the key in records. */
  readonly fingerprint: string;
  /** Whether a signature of a message was made with this key. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** A key for signing. */
export interface SigningKey extends VerifyingKey {
  /** The key's name in a bundle: SHA-256 of its DER, base64. */
  readonly hint: string;
  /** Signs a message. */
  sign(message: Uint8Array): Uint8Array;
}

/** Returns the password of an encrypted key; called only if needed. */
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

/** The parameters that cosign uses; others could be chosen to take hours. */
const SCRYPT: ReadonlySet<string> = new Set(["32768,8,1", "65536,8,1", "131072,8,1"]);

/** Decrypts a key encrypted by cosign (go-securesystemslib, "encrypted"). */
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
        return false; // not a signature
      }
    },
  };
}

const P256_HINT = "Use a key of cosign generate-key-pair, or another one on the curve P-256";

/**
 * Reads a public key, or the public part of a plain private key.
 *
 * @param name the file, for messages.
 * @throws {MiseOciError} `config` if it is not a key on P-256.
 */
export function parseVerifyingKey(text: string, name: string): VerifyingKey {
  const pem = maybePem(text);
  if (pem === undefined) return refuse(name, "it is not in PEM format", P256_HINT);
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
 * @throws {MiseOciError} `config` if it is not a private key on P-256, or the password is wrong; errors of
 * `askPassword`.
 */
export function parseSigningKey(text: string, name: string, askPassword: AskPassword): SigningKey {
  const pem = maybePem(text);
  if (pem === undefined) return refuse(name, "it is not in PEM format", P256_HINT);
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
