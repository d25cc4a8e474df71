import { assert, assertEquals } from "@std/assert";
import { spdxErrors } from "../../tests/support/attest/spdx_schema.ts";
import {
  Annotation,
  type ImageConfig,
  MediaType,
  parseDiffId,
  parseDigest,
  parseImageConfig,
} from "../oci/mod.ts";
import { comparePackages } from "./compare_packages.ts";
import { encodeCycloneDx } from "./cyclonedx.ts";
import { type InventoryLayer, makeInventory } from "./inventory.ts";
import { parseLicense } from "./licenses.ts";
import { parseLockFile } from "./lock_file.ts";
import type { FoundPackage, LayerPackages } from "./packages/found.ts";
import { encodeSpdx } from "./spdx.ts";

const TOOL = { name: "mise-oci", version: "1.2.3" };
const PLATFORM = { os: "linux", architecture: "amd64" };
const hex = (digit: string): string => `sha256:${digit.repeat(64)}`;

function layer(
  digit: string,
  files: Readonly<Record<string, readonly FoundPackage[]>>,
  more: Partial<LayerPackages> & { readonly annotations?: Record<string, string> } = {},
): InventoryLayer {
  const { annotations, ...packages } = more;
  return {
    descriptor: {
      mediaType: MediaType.layerGzip,
      digest: parseDigest(hex(digit)),
      size: 1,
      ...(annotations === undefined ? {} : { annotations }),
    },
    diffId: parseDiffId(hex(digit)),
    packages: {
      files: new Map(Object.entries(files)),
      hidden: [],
      removed: [],
      copyrights: new Map(),
      releases: new Map(),
      unread: [],
      ...packages,
    },
  };
}

const deb = (name: string, version: string): FoundPackage => ({
  ecosystem: "deb",
  name,
  version,
  distribution: { arch: "amd64", upstream: "src" },
});
const npm = (name: string, version: string, ...licenses: string[]): FoundPackage => ({
  ecosystem: "npm",
  name,
  version,
  purl: `pkg:npm/${name}@${version}`,
  licenses,
});

const LOCK = `
[[tools.node]]
version = "24.11.0"
backend = "core:node"
[tools.node.platforms.linux-x64]
checksum = "sha256:${"ab".repeat(32)}"
url = "https://user:secret@nodejs.org/node.tar.gz"
[[tools."npm:prettier"]]
version = "3.6.2"
backend = "npm:prettier"
`;

const CONFIG: ImageConfig = parseImageConfig(
  JSON.stringify({
    architecture: "amd64",
    os: "linux",
    created: "2026-01-02T03:04:05.678Z",
    config: { Labels: { [Annotation.miseVersion]: "2026.9.15" } },
    rootfs: { type: "layers", diff_ids: [] },
  }),
  "config",
);

function tool(short: string, version: string): Record<string, string> {
  return {
    [Annotation.layerKind]: "tool",
    [Annotation.toolShort]: short,
    [Annotation.toolVersion]: version,
    [Annotation.layerPrefix]: `mise/installs/${short}/${version}`,
  };
}

const STATUS = "var/lib/dpkg/status";
const LAYERS = [
  layer("1", {
    [STATUS]: [deb("libc6", "1:2.36"), deb("old", "1")],
    "usr/lib/a/package.json": [npm("replaced", "1.0.0")],
    "opt/x/package.json": [npm("removed", "1.0.0")],
    "opt/y/z/package.json": [npm("hidden", "1.0.0")],
  }, {
    releases: new Map([["etc/os-release", 'ID=debian\nVERSION_ID="12"\n']]),
    copyrights: new Map([["libc6", ["LGPL-2.1", "GPL-2+"]]]),
  }),
  layer("2", {
    [STATUS]: [deb("libc6", "1:2.37")],
    "usr/lib/a/package.json": [],
  }, { removed: ["opt/x"], hidden: ["opt/y"] }),
  layer("3", {
    "mise/installs/node/24.11.0/bin/node": [{
      ecosystem: "generic",
      name: "node",
      version: "24.11.0",
      purl: "pkg:generic/node@24.11.0",
    }],
  }, { annotations: tool("node", "24.11.0") }),
  layer("4", {
    "p/package.json": [npm("prettier", "3.6.2", "MIT")],
    "p/q/package.json": [npm("odd", "1.0.0", "SEE LICENSE IN x", "(MIT OR Apache-2.0)")],
  }, { annotations: tool("npm:prettier", "3.6.2") }),
  layer("5", {}, { annotations: { [Annotation.layerKind]: "mise" } }),
];

const INVENTORY = makeInventory({
  name: "ghcr.io/team/app",
  digest: parseDigest(hex("a")),
  platform: PLATFORM,
  config: CONFIG,
  layers: LAYERS,
  locked: parseLockFile(LOCK, PLATFORM),
});

Deno.test("an inventory has what is left when layers lie on top of each other, with mise's tools", () => {
  const rows = INVENTORY.components.map(({ name, purl, layer }) => [name, purl, layer + 1]);
  assertEquals(rows, [
    ["libc6", "pkg:deb/debian/libc6@1%3A2.37?arch=amd64&distro=debian-12&upstream=src", 2],
    ["node", "pkg:generic/node@24.11.0", 3],
    ["mise", "pkg:github/jdx/mise@v2026.9.15", 5],
    ["odd", "pkg:npm/odd@1.0.0", 4],
    ["prettier", "pkg:npm/prettier@3.6.2", 4],
  ]);
  const node = INVENTORY.components.find(({ name }) => name === "node");
  assertEquals([node?.kind, node?.tool, node?.url], [
    "tool",
    "node",
    "https://nodejs.org/node.tar.gz",
  ]);
  assertEquals(node?.checksum, { algorithm: "sha256", value: "ab".repeat(32) });
});

Deno.test("packages that were added, removed and bumped are told apart", () => {
  const [first, ...others] = LAYERS;
  const input = {
    name: "app",
    digest: INVENTORY.digest,
    platform: PLATFORM,
    config: CONFIG,
    locked: [],
  };
  const before = makeInventory({ ...input, layers: [first as InventoryLayer] });
  const after = makeInventory({ ...input, layers: [first as InventoryLayer, ...others] });
  const changes = comparePackages(before, after).map(({ change, name, before, after }) =>
    [change, name, before ?? "", after ?? ""].join(" ").trimEnd()
  );
  assertEquals(changes, [
    "bumped libc6 1:2.36 1:2.37",
    "removed old 1",
    "added node  24.11.0",
    "added mise  2026.9.15",
    "removed hidden 1.0.0",
    "added odd  1.0.0",
    "added prettier  3.6.2",
    "removed removed 1.0.0",
    "removed replaced 1.0.0",
  ]);
  assertEquals(comparePackages(after, after), []);
});

Deno.test("licences are those of SPDX where they are, whatever their case", () => {
  assertEquals(parseLicense("mit"), { kind: "id", id: "MIT" });
  assertEquals(parseLicense("(MIT OR Apache-2.0)").kind, "expression");
  assertEquals(parseLicense("SEE LICENSE IN x").kind, "name");
});

Deno.test("the same inventory gives the same bytes, which name no secret of a lock file", async () => {
  for (const encode of [encodeCycloneDx, encodeSpdx]) {
    const text = await encode(INVENTORY, TOOL);
    assertEquals(await encode(INVENTORY, TOOL), text);
    assert(!text.includes("secret"));
    for (const { descriptor } of LAYERS) assert(text.includes(descriptor.digest));
  }
});

Deno.test("an SPDX document follows the schema of SPDX 2.3", async () => {
  const document = JSON.parse(await encodeSpdx(INVENTORY, TOOL));
  assertEquals(spdxErrors(document), []);
  assertEquals(document.creationInfo.created, "2026-01-02T03:04:05Z");
});
