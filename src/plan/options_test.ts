import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { parseMountPoint } from "../oci/image_path.ts";
import { type PlanOptions, resolveOptions } from "./options.ts";
import { plan } from "./plan.ts";
import { OCI, OPTIONS, PROJECT, versions } from "../../tests/support/plan_fixture.ts";
import type { Project } from "./project.ts";
import type { Owner } from "./types.ts";
import { parseBase } from "../oci/mod.ts";

Deno.test("C05: parseMountPoint() takes absolute directories and says what is wrong with others", () => {
  assertEquals<string>(parseMountPoint("/opt//mise/"), "/opt/mise");
  assertEquals<string>(parseMountPoint("/my tools/ü"), "/my tools/ü");
  assertEquals<string>(parseMountPoint("/usr/local/mise"), "/usr/local/mise");
  const system = ["/etc", "/usr/", "//usr/bin", "/lib64", "/proc", "/dev/mise", "/sys/x"];
  for (const text of ["", "mise", "/", "//", "/a/../b", "/./a", "/a\n", "/a:b", ...system]) {
    const error = assertThrows(() => parseMountPoint(text), MiseOciError, "Cannot use mount point");
    assertEquals(error.code, "usage");
  }
});

Deno.test("resolveOptions() weighs flag, [oci], setting and default in this order", () => {
  const settings = { insecureRegistries: [], defaultFrom: "s:1", defaultMountPoint: "/s" };
  const oci = { ...OCI, from: parseBase("o:1"), mountPoint: parseMountPoint("/o") };
  const chosen = (project: Partial<Project>, options: Partial<PlanOptions> = {}): unknown[] => {
    const { from, mountPoint } = resolveOptions({ ...PROJECT, ...project }, {
      ...OPTIONS,
      ...options,
    });
    return [from.text, mountPoint];
  };
  assertEquals(chosen({}), ["debian:bookworm-slim", "/mise"]);
  assertEquals(chosen({ settings }), ["s:1", "/s"]);
  assertEquals(chosen({ settings, oci }), ["o:1", "/o"]);
  assertEquals(
    chosen({ settings, oci }, { from: parseBase("f:1"), mountPoint: parseMountPoint("/f") }),
    [
      "f:1",
      "/f",
    ],
  );
});

Deno.test("C06: a base or mount point that no flag gave is wrong config, and named as such", () => {
  const settings = PROJECT.settings;
  for (
    const [change, says] of [
      [{ settings: { ...settings, defaultFrom: "BAD!" } }, "(mise's setting oci.default_from)"],
      [
        { settings: { ...settings, defaultMountPoint: "x" } },
        "(mise's setting oci.default_mount_point)",
      ],
    ] as const
  ) {
    const error = assertThrows(
      () => resolveOptions({ ...PROJECT, ...change }, OPTIONS),
      MiseOciError,
    );
    assertEquals(error.code, "config");
    assertStringIncludes(error.message, says);
  }
});

Deno.test("L18: plan() warns of ids that engines take for others", () => {
  const warned = (owner: Owner, user?: string): readonly string[] => {
    const oci = { ...OCI, ...(user === undefined ? {} : { user }) };
    const tools = [{
      short: "jq",
      backend: "jq",
      version: "1",
      installPath: "/d/jq/1",
      installDir: "jq/1",
      installed: true,
      binPaths: [],
    }];
    return plan({ ...PROJECT, oci, tools }, { ...OPTIONS, owner }, versions).warnings;
  };
  const largest = { uid: 2147483647, gid: 2147483647 };
  const usual = { uid: 65535, gid: 65535 };
  assertEquals(warned(usual, "65535:65535"), []);
  assertEquals(warned(usual, "app:users"), []);
  for (const owner of [largest, { uid: 65536, gid: 0 }, { uid: 0, gid: 100000 }]) {
    assertStringIncludes(warned(owner).join(), "rootless engines have ids up to 65535");
  }
  assertStringIncludes(warned(usual, "65536").join(), "The user has the id 65536: rootless");
  for (const owner of [{ uid: 2147483648, gid: 0 }, { uid: 0, gid: 4294967295 }]) {
    assertStringIncludes(warned(owner).join(), "The owner of the layers has the id");
  }
  for (const user of ["2147483648", "0:4294967295"]) {
    assertStringIncludes(warned(largest, user).join(), "The user has the id");
  }
});
