import { assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { parsePlatform } from "../oci/mod.ts";
import { parseSettings } from "./answers.ts";
import { maybeMiseRelease, parseChecksum, replaceUrl } from "./release.ts";

const arm64 = parsePlatform("linux/arm64");
const BASE = "https://github.com/jdx/mise/releases/download/v2026.9.15";

Deno.test("maybeMiseRelease() names the file of mise's release page, static for musl", () => {
  const release = maybeMiseRelease("2026.9.15", arm64, {});
  assertEquals(release?.url.href, `${BASE}/mise-v2026.9.15-linux-arm64`);
  assertEquals(release?.sums.href, `${BASE}/SHASUMS256.txt`);
  const file = (platform: string, libc?: string): string | undefined =>
    maybeMiseRelease("2026.9.15", parsePlatform(platform), { libc })?.file;
  assertEquals(file("linux/amd64", "musl"), "mise-v2026.9.15-linux-x64-musl");
  assertEquals(file("linux/arm/v7", "gnu"), "mise-v2026.9.15-linux-armv7");
  assertEquals(file("linux/s390x"), undefined);
  assertEquals(file("windows/amd64"), undefined);
});

Deno.test("replaceUrl() takes the first replacement that changes the URL, as mise does", () => {
  const url = new URL(`${BASE}/x`);
  const href = (...replacements: (readonly [string, string])[]): string =>
    replaceUrl(url, replacements).href;
  assertEquals(href(["nowhere.example", "a"]), url.href);
  assertEquals(
    href(["https://github.com", "https://m.example/gh"], ["github.com", "no.example"]),
    "https://m.example/gh/jdx/mise/releases/download/v2026.9.15/x",
  );
  const source = "regex:^https://github\\.com/([^/]+)/(?P<repo>[^/]+)/releases/download/(.+)";
  assertEquals(
    href([source, "https://m.example/$1/${repo}/${3}"]),
    "https://m.example/jdx/mise/v2026.9.15/x",
  );
});

Deno.test("replaceUrl() passes over expressions that are none, and what gives no URL", () => {
  const url = new URL(`${BASE}/x`);
  const replacements = [["regex:(", "a"], ["https://github.com", "::"], [
    url.href,
    "https://m.example/$&",
  ]];
  assertEquals(
    replaceUrl(url, replacements as [string, string][]).href,
    "https://m.example/$&",
  );
});

Deno.test("parseChecksum() finds the very file, and says so if the list does not have it", () => {
  const release = maybeMiseRelease("2026.9.15", arm64, {});
  if (release === undefined) throw new Error("no release");
  const hex = (digit: string): string => digit.repeat(64);
  const list =
    `${hex("1")}  ./mise-v2026.9.15-linux-arm64-musl\n${
      hex("2")
    }  ./mise-v2026.9.15-linux-arm64.tar.gz\n` +
    `junk\n${hex("A")} *mise-v2026.9.15-linux-arm64\r\n`;
  assertEquals(String(parseChecksum(list, release)), `sha256:${hex("a")}`);
  const error = assertThrows(() => parseChecksum("<html>", release), MiseOciError);
  assertEquals(error.message.includes("SHASUMS256.txt"), true);
});

Deno.test("parseSettings() reads what mise is told of the network", () => {
  const settings = parseSettings(
    { offline: true, url_replacements: { "github.com": "m.example", "regex:^a": "b" } },
    "settings",
  );
  assertEquals(settings, {
    insecureRegistries: [],
    offline: true,
    urlReplacements: [["github.com", "m.example"], ["regex:^a", "b"]],
  });
  assertEquals(parseSettings({}, "settings"), { insecureRegistries: [] });
});
