/** The patterns that an image has to satisfy. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { encryptKey, writeKeyPair } from "../../../tests/support/attest/keys.ts";
import { makeTempDir } from "../../../tests/support/testbed.ts";
import { MiseOciError } from "../../errors.ts";
import { parseReference } from "../../oci/mod.ts";
import { loadVerifyingKey } from "./key_files.ts";
import { rulesFor } from "./verify_signed.ts";

function fitting(image: string, ...patterns: readonly string[]): readonly string[] {
  const rules = patterns.map((from) => ({ from, key: "/k.pub" }));
  return rulesFor(parseReference(image), rules).map(({ from }) => from);
}

Deno.test("every rule whose pattern fits counts, in the order of the config, however a name is written", () => {
  const hub = ["debian", "docker.io/debian", "docker.io/library/debian", "library/debian", "**"];
  for (const image of ["debian", "debian:12", "docker.io/library/debian", "docker.io/debian:12"]) {
    assertEquals(fitting(image, ...hub, "debia", "*/debian", "debian/*"), [...hub, "*/debian"]);
  }
  assertEquals(fitting("debian", "index.docker.io/library/debian", "registry-1.docker.io/**"), [
    "index.docker.io/library/debian",
    "registry-1.docker.io/**",
  ]);
  for (const image of ["GHCR.IO/acme/a", "ghcr.io:443/acme/a:1"]) {
    assertEquals(fitting(image, "ghcr.io/acme/*"), ["ghcr.io/acme/*"]);
  }
  assertEquals(fitting("registry-1.docker.io/library/debian", "debian"), ["debian"]);
  const image = "ghcr.io/acme/base.image:1";
  const patterns = ["**/base.image", "ghcr.io/acme/*", "GHCR.io/acme/*", "ghcr.io/**", "*/*/*"];
  assertEquals(fitting(image, ...patterns), patterns);
  const others = ["ghcr.io/*", "acme/*", "ghcr.io/acme/base?image", "ghcrxio/acme/*", "*", "io/**"];
  assertEquals(fitting(image, ...others), []);
  assertEquals(fitting("localhost:5000/a/b", "LOCALHOST:5000/a/*", "localhost/a/b"), [
    "LOCALHOST:5000/a/*",
  ]);
});

Deno.test("a key that is missing, encrypted, of another kind or cannot be read is refused with its name", async () => {
  await using temp = await makeTempDir();
  const { key, pub } = await writeKeyPair(temp.path, { password: "x" });
  const file = async (name: string, content: string | Uint8Array<ArrayBuffer>): Promise<string> => {
    const path = join(temp.path, name);
    await Deno.writeFile(path, new TextEncoder().encode(String(content)));
    return path;
  };
  const cases = [
    [join(temp.path, "none.pub"), "there is no such file"],
    [join(pub, "below"), "Not a directory"],
    [join(temp.path, "n".repeat(300)), "File name too long"],
    [temp.path, "it is not a key"],
    [key, "it is a private key"],
    [await file("empty", ""), "it is not in PEM format"],
    [await file("box", encryptKey(new Uint8Array(32), "x")), "it is a private key"],
    [
      await file("rsa", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
      "it cannot be read",
    ],
  ] as const;
  for (const [path, reason] of cases) {
    await assertRejects(() => loadVerifyingKey(path), MiseOciError, `${JSON.stringify(path)}: `);
    await assertRejects(() => loadVerifyingKey(path), MiseOciError, reason);
  }
  assertEquals((await loadVerifyingKey(pub)).fingerprint.length, 64);
});
