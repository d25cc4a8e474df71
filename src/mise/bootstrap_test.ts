import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { bootstrapWarnings, parsePackages } from "./bootstrap.ts";
import { parseConfigFile } from "./config_file.ts";

function parse(...texts: readonly string[]): ReturnType<typeof parsePackages> {
  return parsePackages(texts.map((text, i) => parseConfigFile(`/p${i}/mise.toml`, text)));
}

Deno.test("parsePackages() reads versions, options and the architectures of Linux", () => {
  assertEquals(
    parse(`[bootstrap.packages]
"apt:curl" = "latest"
"apt:libc6" = "2.36-9"
"apt:a" = { version = "1", os = "linux" }
"apt:b" = { os = ["linux/x64", "macos"] }
"brew:c" = { os = ["macos"] }
`),
    [
      { manager: "apt", name: "curl", version: "latest", source: "/p0/mise.toml" },
      { manager: "apt", name: "libc6", version: "2.36-9", source: "/p0/mise.toml" },
      { manager: "apt", name: "a", version: "1", source: "/p0/mise.toml" },
      {
        manager: "apt",
        name: "b",
        version: "latest",
        source: "/p0/mise.toml",
        architectures: ["amd64"],
      },
    ],
  );
});

Deno.test("parsePackages() lets more specific files replace entries", () => {
  const packages = parse(
    '[bootstrap.packages]\n"apt:a" = "1"\n"apt:b" = "1"',
    '[bootstrap.packages]\n"apt:a" = "2"',
  );
  assertEquals(packages.map(({ name, version }) => `${name}=${version}`), ["a=2", "b=1"]);
  assertEquals(packages[0]?.source, "/p1/mise.toml");
});

Deno.test("parsePackages() refuses entries that are no packages, naming file and line", () => {
  for (
    const entry of ["curl = '1'", "'apt:' = '1'", "':x' = '1'", "'apt:-o=x' = '1'", "'apt:a' = 1"]
  ) {
    const error = assertThrows(() => parse(`[bootstrap.packages]\n${entry}\n`), MiseOciError);
    assertStringIncludes(error.message, "/p0/mise.toml:2");
  }
});

Deno.test("parsePackages() refuses [bootstrap.macos]", () => {
  const error = assertThrows(
    () => parse("[bootstrap.macos.defaults]\nx = 1\n"),
    MiseOciError,
  );
  assertStringIncludes(error.message, "means nothing on Linux");
});

Deno.test("bootstrapWarnings() names tables that set up a machine", () => {
  const file = parseConfigFile("/p/mise.toml", "[bootstrap.services.x]\na = 1\n");
  assertStringIncludes(bootstrapWarnings([file])[0] ?? "", "[bootstrap.services]");
  assertEquals(bootstrapWarnings([parseConfigFile("/p/mise.toml", "[bootstrap.packages]\n")]), []);
});
