import { assert, assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { formatPlatform, parsePlatform, platformScore, samePlatform } from "./platform.ts";

Deno.test("parsePlatform() understands other names and drops default variants", () => {
  const cases: [string, string][] = [
    ["linux/amd64", "linux/amd64"],
    ["amd64", "linux/amd64"],
    ["x86_64", "linux/amd64"],
    ["linux/aarch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["linux/arm/v6", "linux/arm/v6"],
    ["linux/arm/v7", "linux/arm"],
  ];
  for (const [text, formatted] of cases) {
    assertEquals(formatPlatform(parsePlatform(text)), formatted, text);
    assertEquals(formatPlatform(parsePlatform(formatted)), formatted);
  }
});

for (
  const text of [
    "",
    "/",
    "linux/",
    "linux/amd64/v3/x",
    "linux amd64",
    "Linux/amd64",
    "../x",
    "linux",
    "linux/macos",
  ]
) {
  Deno.test(`parsePlatform() rejects ${JSON.stringify(text)} as wrong usage`, () => {
    const error = assertThrows(() => parsePlatform(text), MiseOciError, "Cannot parse platform");
    assertEquals(error.code, "usage");
  });
}

Deno.test("R15: platformScore() treats arm64 with and without v8 alike and never goes up", () => {
  const arm64 = { os: "linux", architecture: "arm64" };
  const v8 = { ...arm64, variant: "v8" };
  assertEquals(platformScore(arm64, v8), platformScore(v8, arm64));
  assert(samePlatform(arm64, v8));
  const amd64 = (variant: string): Parameters<typeof platformScore>[0] => ({
    os: "linux",
    architecture: "amd64",
    variant,
  });
  assertEquals(platformScore(amd64("v1"), amd64("v3")), 0);
  assert(platformScore(amd64("v3"), amd64("v3")) > platformScore(amd64("v3"), amd64("v2")));
  assertEquals(platformScore(arm64, amd64("v1")), 0);
  assertEquals(platformScore(arm64, { os: "unknown", architecture: "unknown" }), 0);
});
