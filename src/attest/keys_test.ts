import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { encryptKey } from "../../tests/support/attest/keys.ts";
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

Deno.test("keys of cosign and plain PEM sign, and their public keys verify", () => {
  const { pem, sec1, der, pub } = makePair();
  const verifying = parseVerifyingKey(pub, "cosign.pub");
  const texts = [
    pem,
    sec1,
    encryptKey(der, "pw"),
    encryptKey(der, "pw", { N: 65536, label: "COSIGN" }),
  ];
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
    [
      "password",
      () => parseSigningKey(encryptKey(der, "pw"), "k", () => secret),
      /password is wrong/,
    ],
    [
      "work",
      () => parseSigningKey(encryptKey(der, "pw", { N: 16384 }), "k", () => secret),
      /scrypt/,
    ],
    ["curve", () => parseSigningKey(p384.pem, "k", () => secret), /another kind/],
    ["public", () => parseSigningKey(pub, "k", () => secret), /public key/],
    ["text", () => parseSigningKey("hello", "k", () => secret), /not in PEM format/],
    ["private", () => parseVerifyingKey(encryptKey(der, "pw"), "k"), /private key/],
    ["curve", () => parseVerifyingKey(p384.pub, "k"), /another kind/],
  ];
  for (const [name, act, expected] of refusals) {
    const error = assertThrows(act, MiseOciError, undefined, name);
    assertMatch(error.message, expected);
    assert(!`${error.message} ${error.hint} ${error.stack}`.includes(secret));
    assertEquals(error.code, "config");
  }
});
