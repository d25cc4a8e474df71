import { assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../../errors.ts";
import { parsePlatform } from "../../oci/mod.ts";
import { fakeProject, fakeTool, readFake } from "../../../tests/support/fake_project.ts";
import { join } from "@std/path";
import { checkConditions } from "../conditions.ts";
import { parseConfigFile } from "../config_file.ts";
import { foreignEnv, matchesCondition, misePlatformName } from "./foreign_platform.ts";

const arm64 = parsePlatform("linux/arm64");
const noEnv = { env: (): undefined => undefined };

Deno.test("foreignEnv() names the platform to mise and npm, and keeps its data apart", () => {
  assertEquals(foreignEnv({ platform: arm64, directory: "/cache/linux-arm64" }, noEnv), {
    MISE_OS: "linux",
    MISE_ARCH: "arm64",
    MISE_LIBC: "gnu",
    MISE_DATA_DIR: "/cache/linux-arm64/data",
    MISE_CACHE_DIR: "/cache/linux-arm64/cache",
    npm_config_os: "linux",
    npm_config_cpu: "arm64",
    npm_config_libc: "glibc",
  });
});

Deno.test("foreignEnv() follows MISE_LIBC, for bases with musl", () => {
  const context = { env: (name: string) => name === "MISE_LIBC" ? "musl" : undefined };
  const env = foreignEnv({ platform: parsePlatform("amd64"), directory: "/c" }, context);
  assertEquals([env["MISE_LIBC"], env["npm_config_libc"], env["MISE_ARCH"]], [
    "musl",
    "musl",
    "x64",
  ]);
});

Deno.test("misePlatformName() refuses what mise has no tools for", () => {
  assertEquals(misePlatformName(parsePlatform("linux/amd64/v3")), "linux-x64");
  const error = assertThrows(() => misePlatformName(parsePlatform("plan9/amd64")), MiseOciError);
  assertEquals(error.code, "unsupported");
});

Deno.test("misePlatformName() proposes the platform that was probably meant", () => {
  const hint = (text: string): string | undefined =>
    assertThrows(() => misePlatformName(parsePlatform(text)), MiseOciError).hint;
  assertEquals(hint("linux/amd46"), "Did you mean linux/amd64?");
  assertEquals(hint("plan9/amd64")?.startsWith("Name one of linux/386"), true);
});

Deno.test("matchesCondition() asks the platform, by every name of its architecture", () => {
  const yes = ["linux", "linux/arm64", "linux/aarch64", "linux-arm64", "Linux"];
  const no = ["macos", "linux/x64", "linux/amd64", "macos/arm64", "windows"];
  for (const condition of yes) assertEquals(matchesCondition(condition, arm64), true, condition);
  for (const condition of no) assertEquals(matchesCondition(condition, arm64), false, condition);
});

const listed = (short: string) => ({
  short,
  version: "1.0.0",
  installPath: `/data/installs/${short}/1.0.0`,
  installed: false,
});

Deno.test("checkConditions() leaves out what mise lists because of this machine", () => {
  const file = parseConfigFile(
    "/p/mise.toml",
    '[tools]\na = { version = "1", os = ["linux/x64"] }\nb = "1"\nc = { version = "1", os = ["linux"] }\n',
  );
  const kept = checkConditions([listed("a"), listed("b"), listed("c")], [file], arm64);
  assertEquals(kept.map(({ short }) => short), ["b", "c"]);
});

Deno.test("checkConditions() names what mise leaves out because of this machine", () => {
  const file = parseConfigFile("/p/mise.toml", '[tools.a]\nversion = "1"\nos = ["linux/arm64"]\n');
  const error = assertThrows(() => checkConditions([], [file], arm64), MiseOciError);
  assertEquals(error.code, "unsupported");
  assertEquals(error.message.includes('"a" (/p/mise.toml)'), true);
});

Deno.test("checkConditions() takes the most specific file's word", () => {
  const [near, far] = [
    parseConfigFile("/p/a/mise.toml", '[tools]\na = "1"\n'),
    parseConfigFile("/p/mise.toml", '[tools]\na = { version = "1", os = ["macos"] }\n'),
  ];
  assertEquals(checkConditions([listed("a")], [near, far], arm64).length, 1);
});

Deno.test("T4: npm installs for another platform where it is on PATH, whatever installer mise would take", async () => {
  await using fake = await fakeProject(
    () => [fakeTool("npm:a", "1.0.0", { installed: false })],
    () => ({ "install": {}, "tool npm:a --json": { stdout: { backend: "npm:a" } } }),
  );
  const bin = join(fake.home, "bin");
  const foreign = { platform: arm64, directory: join(fake.home, "cache") };
  const installer = async (): Promise<string | undefined> => {
    await readFake(fake, { install: true, foreign }, { PATH: bin });
    return (await fake.seen("MISE_NPM_PACKAGE_MANAGER")).find((value) => value !== "");
  };
  assertEquals(await installer(), undefined);
  await Deno.mkdir(bin);
  await Deno.writeTextFile(join(bin, "npm"), "", { mode: 0o755 });
  assertEquals(await installer(), "npm");
});
