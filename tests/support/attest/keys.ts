/**
 * A pair of keys as `cosign generate-key-pair` writes it.
 * @module
 */
import { join } from "@std/path";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, randomBytes, scryptSync } from "node:crypto";
import { xsalsa20poly1305 } from "npm:@noble/ciphers@2.4.0/salsa.js";

/** Encrypts a private key (PKCS #8) with a password. */
export function encryptKey(
  der: Uint8Array,
  password: string,
  { N = 32768, label = "SIGSTORE" } = {},
): string {
  const [salt, nonce] = [randomBytes(32), randomBytes(24)];
  const key = scryptSync(password, salt, 32, { N, r: 8, p: 1, maxmem: 512e6 });
  const box = {
    kdf: { name: "scrypt", params: { N, r: 8, p: 1 }, salt: salt.toString("base64") },
    cipher: { name: "nacl/secretbox", nonce: nonce.toString("base64") },
    ciphertext: Buffer.from(xsalsa20poly1305(key, nonce).encrypt(der)).toString("base64"),
  };
  const text = Buffer.from(JSON.stringify(box)).toString("base64").replace(/.{64}/g, "$&\n");
  const name = `ENCRYPTED ${label} PRIVATE KEY`;
  return `-----BEGIN ${name}-----\n${text}\n-----END ${name}-----\n`;
}

/** Writes `NAME.key`, encrypted, and `NAME.pub`. */
export async function writeKeyPair(
  directory: string,
  { name = "cosign", password }: { readonly name?: string; readonly password: string },
): Promise<{ readonly key: string; readonly pub: string }> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const [key, pub] = [join(directory, `${name}.key`), join(directory, `${name}.pub`)];
  const der = privateKey.export({ type: "pkcs8", format: "der" });
  await Deno.writeTextFile(key, encryptKey(der, password));
  await Deno.writeTextFile(pub, String(publicKey.export({ type: "spki", format: "pem" })));
  return { key, pub };
}
