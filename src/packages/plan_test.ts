import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { MediaType } from "../oci/mod.ts";
import { type BaseFiles, indexLayer, mergeIndexes } from "../layer/read/mod.ts";
import { streamOf, tar } from "../../tests/support/tar_fixture.ts";
import { planPackages, type RequestedPackage } from "./plan.ts";

const platform = { os: "linux", architecture: "amd64" };

async function baseWith(...paths: readonly string[]): Promise<BaseFiles> {
  const archive = tar(...paths.map((name) => ({ name })));
  return mergeIndexes([await indexLayer(streamOf(archive), MediaType.layer)]);
}

const debian = await baseWith("etc/apt/", "var/lib/dpkg/status", "usr/bin/apt-get", "usr/bin/dpkg");
const alpine = await baseWith("etc/apk/", "lib/apk/db/installed", "sbin/apk");

function entry(key: string, version = "latest"): RequestedPackage {
  const colon = key.indexOf(":");
  const manager = key.slice(0, colon);
  return { manager, name: key.slice(colon + 1), version, source: "/p/mise.toml" };
}

function refuse(entries: readonly RequestedPackage[], base: BaseFiles | undefined): MiseOciError {
  const from = base === undefined ? "scratch" : "my:base";
  return assertThrows(() => planPackages(entries, { platform, from, base }), MiseOciError);
}

Deno.test("planPackages() sorts, keeps pins, and lets a later entry replace an earlier one", () => {
  const entries = [
    entry("apt:jq", "1.6-2.1"),
    entry("apt:libstdc++6:amd64"),
    entry("apt:hello", "2.10*"),
    entry("apt:jq"),
    { ...entry("apt:only-arm"), architectures: ["arm64"] },
  ];
  assertEquals(planPackages(entries, { platform, from: "my:base", base: debian }), {
    manager: "apt",
    packages: [{ name: "hello", version: "2.10*" }, { name: "jq" }, { name: "libstdc++6:amd64" }],
  });
  const apk = planPackages([entry("apk:jq", "1.8.1-r0")], { platform, from: "a", base: alpine });
  assertEquals(apk, { manager: "apk", packages: [{ name: "jq", version: "1.8.1-r0" }] });
  const none = [{ ...entry("brew:x"), architectures: ["arm64"] }];
  assertEquals(planPackages(none, { platform, from: "scratch", base: undefined }), undefined);
});

Deno.test("planPackages() refuses managers that no image has, and two at once", () => {
  const other = refuse([entry("apt:jq"), entry("brew:jq"), entry("dnf:x")], debian);
  assertEquals(other.code, "packages");
  assertStringIncludes(other.message, '"brew:jq", "dnf:x" of "/p/mise.toml"');
  assertStringIncludes(
    refuse([entry("apt:jq"), entry("apk:jq")], debian).message,
    "one package manager",
  );
});

Deno.test("planPackages() refuses a base without the manager and says what it has", () => {
  const scratch = refuse([entry("apt:jq")], undefined);
  assertStringIncludes(scratch.message, '"scratch"');
  assertStringIncludes(scratch.hint!, "Debian or Ubuntu");
  assertStringIncludes(refuse([entry("apt:jq")], alpine).hint!, '"apk:NAME"');
  assertStringIncludes(refuse([entry("apk:jq")], debian).hint!, '"apt:NAME"');
});

Deno.test("planPackages() refuses a base whose metadata is there but not the manager", async () => {
  const distroless = await baseWith("etc/apt/", "var/lib/dpkg/status.d/base");
  const error = refuse([entry("apt:jq")], distroless);
  assertStringIncludes(error.message, '"my:base" (linux/amd64): it has no "/var/lib/dpkg/status"');
});

Deno.test("U30: names and versions that are no such thing never reach a package manager", () => {
  const names = [
    "-oDebug=1",
    "--",
    "jq hello",
    "jq;id",
    "jq|id",
    "jq-",
    "$(id)",
    "jq=1",
    "a/b",
    "",
    "*",
  ];
  for (const name of names) {
    assertEquals(refuse([entry(`apt:${name}`)], debian).code, "config", name);
    assertEquals(refuse([entry(`apk:${name}`.replace("jq-", "-jq"))], alpine).code, "config", name);
  }
  for (const version of ["1 2", "-1", "1;id", "1|2", "$(id)", "1\n2", ">1"]) {
    assertEquals(refuse([entry("apt:jq", version)], debian).code, "config", version);
    assertEquals(refuse([entry("apk:jq", version)], alpine).code, "config", version);
  }
});
