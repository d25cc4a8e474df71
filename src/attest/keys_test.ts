import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, randomBytes, scryptSync } from "node:crypto";
import { xsalsa20poly1305 } from "npm:@noble/ciphers@2.4.0/salsa.js";
import { MiseOciError } from "../errors.ts";
import { parseSigningKey, parseVerifyingKey } from "./keys.ts";

const MESSAGE = new TextEncoder().encode("a message");

function makePair(curve = "P-256"): { pem: string; sec1: string; der: Buffer; pub: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: curve });
  return {
    pem: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    sec1: String(privateKey.export({ type: "sec1", format: "pem" })),
    der: privateKey.export({ type: "pkcs8", format: "der" }),
    pub: String(publicKey.export({ type: "spki", format: "pem" })),
  };
}

/** A private key as `cosign generate-key-pair` writes it. */
function encrypt(der: Buffer, password: string, N = 65536, label = "SIGSTORE"): string {
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

Deno.test("keys of cosign and plain PEM sign, and their public keys verify", () => {
  const { pem, sec1, der, pub } = makePair();
  const verifying = parseVerifyingKey(pub, "cosign.pub");
  const texts = [pem, sec1, encrypt(der, "pw"), encrypt(der, "pw", 32768, "COSIGN")];
  for (const text of texts) {
    const key = parseSigningKey(text, "cosign.key", () => "pw");
    const signature = key.sign(MESSAGE);
    assert(verifying.verify(MESSAGE, signature));
    assertEquals(key.fingerprint, verifying.fingerprint);
    assert(!verifying.verify(MESSAGE.slice(1), signature));
    assert(!verifying.verify(MESSAGE, signature.slice(1)));
    assert(!verifying.verify(MESSAGE, new Uint8Array()));
  }
});

Deno.test("a wrong password, another curve and what is no key are refused, and nothing secret is shown", () => {
  const { der, pub } = makePair();
  const p384 = makePair("P-384");
  const secret = "a-secret-password";
  const refusals: (readonly [string, () => unknown, RegExp])[] = [
    ["password", () => parseSigningKey(encrypt(der, "pw"), "k", () => secret), /password is wrong/],
    ["work", () => parseSigningKey(encrypt(der, "pw", 16384), "k", () => secret), /scrypt/],
    ["curve", () => parseSigningKey(p384.pem, "k", () => secret), /another kind/],
    ["public", () => parseSigningKey(pub, "k", () => secret), /public key/],
    ["text", () => parseSigningKey("hello", "k", () => secret), /no PEM/],
    ["private", () => parseVerifyingKey(encrypt(der, "pw"), "k"), /private key/],
    ["curve", () => parseVerifyingKey(p384.pub, "k"), /another kind/],
  ];
  for (const [name, act, expected] of refusals) {
    const error = assertThrows(act, MiseOciError, undefined, name);
    assertMatch(error.message, expected);
    assert(!`${error.message} ${error.hint} ${error.stack}`.includes(secret));
    assertEquals(error.code, "config");
  }
});
