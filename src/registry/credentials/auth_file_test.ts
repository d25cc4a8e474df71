import { assertEquals, assertNotMatch, assertThrows } from "@std/assert";
import { MiseOciError } from "../../errors.ts";
import {
  authFilePaths,
  matchingEntries,
  maybeEntryCredentials,
  maybeNormalizeKey,
  parseAuthFile,
} from "./auth_file.ts";
import { encodeBase64Utf8 } from "../../../tests/support/credential_helper.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const env = (values: Record<string, string>) => (name: string): string | undefined => values[name];

Deno.test("authFilePaths() gives the four places in the specification's order", () => {
  const values = {
    REGISTRY_AUTH_FILE: "/explicit.json",
    XDG_RUNTIME_DIR: "/run/user/1000",
    XDG_CONFIG_HOME: "/xdg",
    DOCKER_CONFIG: "/docker",
    HOME: "/home/me",
  };
  assertEquals(authFilePaths({ env: env(values), uid: 1000 }).map(({ path }) => path), [
    "/explicit.json",
    "/run/user/1000/containers/auth.json",
    "/xdg/containers/auth.json",
    "/docker/config.json",
  ]);
});

Deno.test("authFilePaths() falls back to podman's directory of the user and to the home", () => {
  const values = { XDG_RUNTIME_DIR: "relative", XDG_CONFIG_HOME: "", HOME: "/home/me" };
  assertEquals(authFilePaths({ env: env(values), uid: 7 }).map(({ path }) => path), [
    "/run/containers/7/auth.json",
    "/home/me/.config/containers/auth.json",
    "/home/me/.docker/config.json",
  ]);
  assertEquals(authFilePaths({ env: env({}) }), []);
});

Deno.test("maybeNormalizeKey() reads old URL keys as registries and joins Docker Hub's names", () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ["https://index.docker.io/v1/", "docker.io"],
    ["index.docker.io", "docker.io"],
    ["registry-1.docker.io/library", "docker.io/library"],
    ["https://Example.COM/some/path", "example.com"],
    ["http://localhost:5000", "localhost:5000"],
    ["example.com/v2/", "example.com"],
    ["example.com/Team/", "example.com/Team"],
    ["[::1]:5000/x", "[::1]:5000/x"],
    ["https://user:pass@example.com", undefined],
  ];
  for (const [key, name] of table) assertEquals(maybeNormalizeKey(key), name, key);
});

Deno.test("matchingEntries() prefers the longest prefix and ends prefixes at slashes", () => {
  const map = {
    "host:5000": 1,
    "https://host:5000/v2/": 2,
    "host:5000/team/app": 3,
    "host:5000/team": 4,
    "host:5000/te": 5,
    "host": 6,
    "host:5000/team/app/deeper": 7,
  };
  const found = matchingEntries(map, "host:5000/team/app");
  assertEquals(found.map(({ value }) => value), [3, 4, 1, 2]);
  assertEquals(matchingEntries(map, "host:50001/team/app"), []);
  assertEquals(matchingEntries(map, "evilhost:5000/team"), []);
});

Deno.test("matchingEntries() finds Docker Hub under docker login's key", () => {
  const map = { "https://index.docker.io/v1/": 1 };
  assertEquals(matchingEntries(map, "docker.io/library/debian").length, 1);
});

for (
  const [name, password] of [
    ["a colon", "a:b::c"],
    ["non-ASCII characters", "pässwörd-✓-𝕏"],
    ["a trailing NUL", "secret\0"],
    ["a trailing newline", "secret\n"],
    ["4 KiB", "x".repeat(4096)],
    ["nothing in it", ""],
  ] as const
) {
  Deno.test(`A14: a password with ${name} keeps its exact bytes`, () => {
    const auth = encodeBase64Utf8(`me:${password}`);
    assertEquals(maybeEntryCredentials({ auth }, "entry"), {
      kind: "basic",
      username: "me",
      password,
    });
  });
}

Deno.test("maybeEntryCredentials() prefers registry token, identity token, auth, plain fields", () => {
  const plain = { username: "u", password: "p" };
  const auth = { ...plain, auth: btoa("a:b") };
  const identity = { ...auth, identitytoken: "refresh" };
  const registry = { ...identity, registrytoken: "access" };
  assertEquals(maybeEntryCredentials(registry, "x"), { kind: "registry-token", token: "access" });
  assertEquals(maybeEntryCredentials(identity, "x"), { kind: "identity", token: "refresh" });
  assertEquals(maybeEntryCredentials(auth, "x"), { kind: "basic", username: "a", password: "b" });
  assertEquals(maybeEntryCredentials(plain, "x"), { kind: "basic", username: "u", password: "p" });
  assertEquals(maybeEntryCredentials({ email: "x" }, "x"), undefined);
});

Deno.test("A15: errors about an entry or a file quote nothing of them", () => {
  const secret = "SENTINEL";
  const entries = [
    { auth: secret + "!" },
    { auth: btoa(secret) },
    { auth: btoa("u:\xff" + secret) },
    { auth: [secret] },
    secret,
  ];
  for (const entry of entries) {
    const error = assertThrows(() => maybeEntryCredentials(entry, "entry"), MiseOciError);
    assertNotMatch(error.message, /SENTINEL/);
  }
  for (const text of [`{"auths": ${secret}}`, `{"auths": {"a": "${secret}"`, `["${secret}"]`]) {
    const error = assertThrows(() => parseAuthFile(bytes(text), "file"), MiseOciError);
    assertNotMatch(error.message, /SENTINEL/);
  }
});
