import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { parseDigest } from "./digest.ts";
import {
  formatImageSource,
  parseImageArgument,
  parseImageSource,
  parseRegistryImage,
  withSourcePath,
} from "./image_source.ts";

const DIGEST = parseDigest(`sha256:${"a".repeat(64)}`);

Deno.test("parseImageSource() distinguishes scratch, layouts, archives, paths and registries", () => {
  assertEquals(parseImageSource("scratch"), { kind: "scratch" });
  assertEquals(parseImageSource("oci:./img"), { kind: "layout", location: "./img" });
  assertEquals(parseImageSource("oci:d:ghcr.io/team/dev:v1"), {
    kind: "layout",
    location: "d:ghcr.io/team/dev:v1",
  });
  assertEquals(parseImageSource(`oci:d@${DIGEST}`), {
    kind: "layout",
    location: "d",
    digest: DIGEST,
  });
  assertEquals(parseImageSource("oci:a@b"), { kind: "layout", location: "a@b" });
  assertEquals(parseImageSource("oci-archive:x.tar").kind, "oci-archive");
  assertEquals(parseImageSource("docker-archive:x.tar:app:1").kind, "docker-archive");
  for (const path of ["./d", "../d", "/d", "~/d", "~", ".", ".."]) {
    assertEquals(parseImageSource(path), { kind: "path", location: path });
  }
  assertEquals(parseImageSource("debian").kind, "registry");
  assertEquals(parseImageSource("docker://debian:12"), parseImageSource("debian:12"));
  for (
    const text of [
      "scratch",
      "oci:/a/b:v1",
      `oci:/a/b@${DIGEST}`,
      "oci-archive:x.tar",
      "docker-archive:x.tar:app:1",
      "docker.io/library/debian:12",
    ]
  ) {
    assertEquals(formatImageSource(parseImageSource(text)), text);
  }
});

Deno.test("parseImageSource() says what to write instead of another program's names", () => {
  const hint = (text: string): string =>
    assertThrows(() => parseImageSource(text), MiseOciError).hint ?? "";
  assertStringIncludes(hint("dir:/x"), "skopeo copy dir:/x oci-archive:FILE");
  assertStringIncludes(hint("docker-daemon:app:1"), "skopeo copy docker-daemon:app:1");
  assertStringIncludes(hint("ocidir://lay:1"), "oci:lay:1");
  assertStringIncludes(hint("oci:"), "oci:PATH[:TAG]");
  assertStringIncludes(hint("oci-archive::v1"), "oci-archive:PATH[:TAG]");
});

Deno.test("parseRegistryImage() sends an image of this machine to a registry first", () => {
  const { repository } = parseRegistryImage("docker://r.io/team/app:v1");
  assertEquals(repository, "team/app");
  for (const text of ["oci:out", "./out", "oci-archive:/tmp/a.tar", "docker-archive:a.tar"]) {
    const { code, hint } = assertThrows(() => parseRegistryImage(text), MiseOciError, text);
    assertEquals([code, hint?.includes(`mise-oci push --image ${text} `)], ["usage", true]);
  }
  assertThrows(() => parseRegistryImage("scratch"), MiseOciError, "not an image in a registry");
});

Deno.test("parseImageArgument() leaves a name without a prefix to what exists", () => {
  assertEquals(parseImageArgument("img"), { kind: "guess", text: "img", path: "img" });
  assertEquals(parseImageArgument("./img"), { kind: "path", location: "./img" });
  assertEquals(parseImageArgument("docker://debian").kind, "registry");
});

Deno.test("withSourcePath() leaves ~ for the opener to expand", () => {
  const below = (path: string): string => `/work/${path}`;
  assertEquals(withSourcePath(parseImageArgument("oci:d:v1"), below), {
    kind: "layout",
    location: "/work/d:v1",
  });
  assertEquals(withSourcePath(parseImageArgument("oci:~/d"), below), {
    kind: "layout",
    location: "~/d",
  });
});
