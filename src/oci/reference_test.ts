import { assert, assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { formatReference, namesHost, parseReference } from "./reference.ts";

const SHA = `sha256:${"0".repeat(64)}`;

const ACCEPTED: readonly [text: string, registry: string, repository: string, rest?: string][] = [
  ["debian", "docker.io", "library/debian"],
  ["debian:bookworm-slim", "docker.io", "library/debian", ":bookworm-slim"],
  ["user/app", "docker.io", "user/app"],
  ["docker.io/debian", "docker.io", "library/debian"],
  ["index.docker.io/user/app", "docker.io", "user/app"],
  ["ghcr.io/me/dev:v1", "ghcr.io", "me/dev", ":v1"],
  ["localhost/app", "localhost", "app"],
  ["localhost:5000/app:1", "localhost:5000", "app", ":1"],
  ["127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c"],
  ["[::1]:5000/app", "[::1]:5000", "app"],
  ["[2001:db8::1]/app:x", "[2001:db8::1]", "app", ":x"],
  ["registry.lan:5000/a__b/c-d.e", "registry.lan:5000", "a__b/c-d.e"],
  [`debian@${SHA}`, "docker.io", "library/debian", `@${SHA}`],
  [`quay.io/a/b:t@${SHA}`, "quay.io", "a/b", `:t@${SHA}`],
  ["Host/app", "Host", "app"],
  [`a/b:${"t".repeat(128)}`, "docker.io", "a/b", `:${"t".repeat(128)}`],
];

for (const [text, registry, repository, rest = ""] of ACCEPTED) {
  Deno.test(`C01: parseReference() reads ${text.slice(0, 60)}`, () => {
    const reference = parseReference(text);
    assertEquals([reference.registry, reference.repository], [registry, repository]);
    assertEquals(formatReference(reference), `${registry}/${repository}${rest}`);
    assertEquals(parseReference(formatReference(reference)), reference);
  });
}

const REJECTED: readonly string[] = [
  "",
  " ",
  "Debian",
  "a//b",
  "a/b/",
  "/a",
  "a/../b",
  "a/%2e/b",
  "d\u0435bian",
  "a b",
  "a\nb",
  "http://ghcr.io/a/b",
  "https://ghcr.io/a/b",
  `a:${"t".repeat(129)}`,
  "a:",
  "a:-x",
  "a:b:c",
  "a@sha256:abc",
  `a@${SHA.toUpperCase()}`,
  "a@sha256:../../etc/passwd",
  "a@",
  `${"a".repeat(250)}/bbbbbb`,
  "localhost:0/a",
  "localhost:70000/a",
  "localhost:/a",
  "localhost:5000x/a",
  "ghcr.io/Me/App",
  "ghcr.io/",
  "user:password@ghcr.io/a/b",
  "-x/y",
  "a_-b",
  "[::1/a",
  "exa mple.com/a",
  "a\u0000b",
  "ghcr.io/a/b@sha256:" + "0".repeat(64) + "@sha256:" + "0".repeat(64),
];

for (const text of REJECTED) {
  Deno.test(`C01: parseReference() rejects ${JSON.stringify(text.slice(0, 50))}`, () => {
    const error = assertThrows(() => parseReference(text), MiseOciError);
    assert(["usage", "invalid", "unsupported"].includes(error.code));
  });
}

Deno.test("A19: a password in a reference is refused and not repeated", () => {
  for (const text of ["user:s3cret@ghcr.io/a/b", "https://user:s3cret@ghcr.io/a"]) {
    const error = assertThrows(() => parseReference(text), MiseOciError);
    assert(!`${error.message} ${error.hint}`.includes("s3cret"), error.message);
  }
});

Deno.test("C02: parse and format agree on a hundred thousand random texts and only typed errors come", () => {
  const alphabet = [..."abcXYZ019.:/@-_[]% \n", "sha256:", "localhost", SHA, "docker.io/"];
  let seed = 42;
  const random = (n: number): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
  let parsed = 0;
  for (let i = 0; i < 100_000; i++) {
    const text = Array.from({ length: 1 + random(8) }, () => alphabet[random(alphabet.length)])
      .join("");
    try {
      const reference = parseReference(text);
      assertEquals(parseReference(formatReference(reference)), reference);
      parsed++;
    } catch (error) {
      if (!(error instanceof MiseOciError)) throw error;
    }
  }
  assert(parsed > 1000, `only ${parsed} texts were references: the fuzz reached nothing`);
});

Deno.test("namesHost() tells a full reference from a short name", () => {
  assertEquals(["ghcr.io/a", "localhost/a", "h:1/a", "[::1]:5/a"].map(namesHost), [
    true,
    true,
    true,
    true,
  ]);
  assertEquals(["debian", "user/app", "app:1", "a/b:c.d/e"].map(namesHost), [
    false,
    false,
    false,
    false,
  ]);
});
