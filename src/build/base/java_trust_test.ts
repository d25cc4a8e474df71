/**
 * Fixtures created by keytool (JDK 17): one certificate, alias `other`, as JKS, and as PKCS #12 without and
 * with a password.
 */
import { assertEquals, assertThrows } from "@std/assert";
import { decodeBase64, encodeBase64 } from "../../bytes.ts";
import {
  encodeTrustStore,
  parseTrustStore,
  pemCertificates,
  withoutDuplicates,
} from "./java_trust.ts";

const JKS =
  "/u3+7QAAAAIAAAABAAAAAgAFb3RoZXIAAAGiLxRUyQAFWC41MDkAAAE6MIIBNjCB3aADAgECAggXSgD/w0JcYTAKBg" +
  "gqhkjOPQQDAjAQMQ4wDAYDVQQDEwVvdGhlcjAeFw0yNjEyMDEwMDQ5NDZaFw0zNjExMjgwMDQ5NDZaMBAxDjAMBgNV" +
  "BAMTBW90aGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhk81tJjo1M1NIXLfsev0b1l2L6H0yGnatkNl4pb36T" +
  "uCnAJZnq9rii9RjQaJ1LsMkfsEot7rnBtwYWZvqbNLBKMhMB8wHQYDVR0OBBYEFJv+8ZW2xNBgRjSBntbHv8oTWICf" +
  "MAoGCCqGSM49BAMCA0gAMEUCIQDFVxBHOOaDWrtce5WMtnvrzjKkzlYcnOoHeo+WulhG+QIgNxSe3ZTnZc3eYztayR" +
  "uqUYF1VrG95ZVgab5luVrIUsbsLNcVqusgT6VKppDZt+QB93Fz7Q==";
const PKCS12 =
  "MIIB1QIBAzCCAc4GCSqGSIb3DQEHAaCCAb8EggG7MIIBtzCCAbMGCSqGSIb3DQEHAaCCAaQEggGgMIIBnDCCAZgGCy" +
  "qGSIb3DQEMCgEDoIIBUjCCAU4GCiqGSIb3DQEJFgGgggE+BIIBOjCCATYwgd2gAwIBAgIIF0oA/8NCXGEwCgYIKoZI" +
  "zj0EAwIwEDEOMAwGA1UEAxMFb3RoZXIwHhcNMjYxMjAxMDA0OTQ2WhcNMzYxMTI4MDA0OTQ2WjAQMQ4wDAYDVQQDEw" +
  "VvdGhlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIZPNbSY6NTNTSFy37Hr9G9Zdi+h9Mhp2rZDZeKW9+k7gpwC" +
  "WZ6va4ovUY0GidS7DJH7BKLe65wbcGFmb6mzSwSjITAfMB0GA1UdDgQWBBSb/vGVtsTQYEY0gZ7Wx7/KE1iAnzAKBg" +
  "gqhkjOPQQDAgNIADBFAiEAxVcQRzjmg1q7XHuVjLZ7684ypM5WHJzqB3qPlrpYRvkCIDcUnt2U52XN3mM7WskbqlGB" +
  "dVaxveWVYGm+ZblayFLGMTMwGQYJKoZIhvcNAQkUMQweCgBvAHQAaABlAHIwFgYMYIZIAYb5Zq3KewEBMQYGBFUdJQ" +
  "A=";
const PROTECTED =
  "MIICsgIBAzCCAlwGCSqGSIb3DQEHAaCCAk0EggJJMIICRTCCAkEGCSqGSIb3DQEHBqCCAjIwggIuAgEAMIICJwYJKo" +
  "ZIhvcNAQcBMGYGCSqGSIb3DQEFDTBZMDgGCSqGSIb3DQEFDDArBBQPgVsD1bDAmO3+gIR21qHN7OxCIwICJxACASAw" +
  "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEELw+kfmJdYATXOu0cRPB+TyAggGw44uPVQYQTmp4WjnUGHSYc/4zxE" +
  "vNC3vwrmOahEBydImn/6s3eSRzBrB6zRo0q4lXTO5xsacXaD8BK9tiL4KXg4gU2fo6D+lnsILb4Kh1v9YNBQu7WhU7" +
  "qSU1uGuAYzwlq1S8tOM/t6QNSEkjpTEmSNFvOepMRD/fCkVjxVqdQ4Z5Y+RUV7SsfvhtUnO3f8WhtBuU4nEk8vOTWR" +
  "aX0cbLLv5ePtSmEQ/GF1FkyBQ78lm0JIpxWcquLS8RWIc5AiFWrRgh1ywxLrb4iR9/qUmbtMDU1JC5hETsfTGcSAsC" +
  "l7OxTjF+l9jOrDiMruw5Un6UogZuGEma1rRbBiv+HqTNpoUjgfDXlv3nrMpCbNqVTSuZJ1ujq6clz0MuwgAr8hlSvj" +
  "nMCh3001T7HDAm6YSzzGTgzCCbVlm1VQC6K6JbShWFeecMKaza2sdqKHidPSP9YnbUIbtbpe80bExQAhck7/QR7ln+" +
  "MgrEuJN9n0D6qKw+ghQi7GjJ7lycrZeZ5UC3fzxSr3DTtusIdIdPgVDPBTGrz3oSxmI90jS5KEGp4MeYrXJFAOtqMX" +
  "HqlqyUOoPwME0wMTANBglghkgBZQMEAgEFAAQgJ9CLj3acjCdBMN76Znil/0jvznyRWow/AcGFmXh1P4EEFJ/e8hUK" +
  "Dg6j50/VNxrFtjwU29mcAgInEA==";

const store = (base64: string) => parseTrustStore(decodeBase64(base64));

Deno.test("parseTrustStore() reads both kinds that Java has, and both say the same certificate", () => {
  const [jks, pkcs12] = [store(JKS), store(PKCS12)];
  assertEquals(jks.map(({ alias }) => alias), ["other"]);
  assertEquals(pkcs12.map(({ alias }) => alias), ["certificate-1"]);
  assertEquals(pkcs12[0]?.bytes, jks[0]?.bytes);
  assertEquals(withoutDuplicates([...jks, ...pkcs12]), jks);
});

Deno.test("encodeTrustStore() gives what parseTrustStore() reads, and the same bytes every time", async () => {
  const [certificate] = store(JKS);
  const pem = `-----BEGIN CERTIFICATE-----\n${
    encodeBase64(certificate?.bytes ?? new Uint8Array()).replace(/.{64}/g, "$&\n")
  }\n-----END CERTIFICATE-----\n`;
  const all = [...store(JKS), ...pemCertificates(pem, "mise-oci")];
  const bytes = await encodeTrustStore(all);
  assertEquals(parseTrustStore(bytes), all);
  assertEquals(all.map(({ alias }) => alias), ["other", "mise-oci-1"]);
  assertEquals(await encodeTrustStore(all), bytes);
});

Deno.test("parseTrustStore() says why it cannot read a store, and reads no cut one", () => {
  assertThrows(() => store(PROTECTED), RangeError, "a password protects it");
  assertThrows(() => parseTrustStore(new Uint8Array(40)), RangeError, "it is not a trust store");
  for (const text of [JKS, PKCS12]) {
    const whole = decodeBase64(text);
    for (let length = 0; length < whole.length - 20; length += 7) {
      assertThrows(() => parseTrustStore(whole.subarray(0, length)), RangeError);
    }
  }
});
