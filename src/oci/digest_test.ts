import { assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { digestHex, isDigest, parseDiffId, parseDigest, shortDigest } from "./digest.ts";

const HEX = "0123456789abcdef".repeat(4);

Deno.test("parseDigest() takes sha256 with 64 lowercase hex digits and gives it back", () => {
  const digest = parseDigest(`sha256:${HEX}`);
  assertEquals(digestHex(digest), HEX);
  assertEquals(shortDigest(digest), "sha256:0123456789ab");
  assertEquals(String(parseDiffId(`sha256:${HEX}`)), `sha256:${HEX}`);
});

for (
  const [name, text] of [
    ["uppercase hex", `sha256:${HEX.toUpperCase()}`],
    ["a short digest", "sha256:abc"],
    ["a long digest", `sha256:${HEX}0`],
    ["path traversal", `sha256:../../../etc/passwd`],
    ["a newline at the end", `sha256:${HEX}\n`],
    ["no algorithm", HEX],
    ["an empty text", ""],
    ["a number", 7],
    ["null", null],
    ["an uppercase algorithm", `SHA256:${HEX}`],
  ] as const
) {
  Deno.test(`R48: parseDigest() rejects ${name}`, () => {
    const error = assertThrows(() => parseDigest(text), MiseOciError, "Cannot parse digest");
    assertEquals(error.code, "invalid");
    if (typeof text === "string") assertEquals(isDigest(text), false);
  });
}

for (const algorithm of ["sha512", "sha1", "blake3", "sha256+b64"]) {
  Deno.test(`R48: parseDigest() says that ${algorithm} is not supported`, () => {
    const error = assertThrows(
      () => parseDigest(`${algorithm}:${HEX}`),
      MiseOciError,
      "Unsupported digest algorithm",
    );
    assertEquals(error.code, "unsupported");
  });
}
