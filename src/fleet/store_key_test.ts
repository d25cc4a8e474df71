import { assertEquals, assertMatch } from "@std/assert";
import { type LayerReferences, storeKey, type StoreKeyInput, storeTag } from "./store_key.ts";

const INPUT: StoreKeyInput = {
  backend: "npm:prettier",
  version: "3.6.2",
  options: "",
  lock: "",
  platform: { os: "linux", architecture: "amd64" },
  libc: "gnu",
  prefix: "/mise/installs/npm-prettier/3.6.2",
  owner: "0:0",
  excludes: [],
  compression: "gzip:5",
  layerFormat: "3",
  relocationFormat: "3",
  baseDirectories: [],
};

/** Another value for every field; a new field without a row here is a type error. */
const OTHERS: { readonly [Name in keyof StoreKeyInput]: readonly StoreKeyInput[Name][] } = {
  backend: ["npm:prettie", "pipx:prettier"],
  version: ["3.6.1", "3.6.20"],
  options: ['{"exe":"x"}', "[]"],
  lock: ['{"checksum":"sha256:aa"}', '{"checksum":"sha256:ab"}'],
  platform: [
    { os: "linux", architecture: "arm64" },
    { os: "linux", architecture: "arm", variant: "v7" },
    { os: "linux", architecture: "arm", variant: "v6" },
  ],
  libc: ["musl"],
  prefix: ["/opt/installs/npm-prettier/3.6.2"],
  owner: ["1000:1000", "0:1"],
  excludes: [["*.md"], ["*.md", "docs"], ["docs", "*.md"]],
  compression: ["gzip:6", "zstd:5", "none:0"],
  layerFormat: ["4"],
  relocationFormat: ["4"],
  baseDirectories: [["/mise"], ["/mise", "/mise/installs"], ["/mise→/opt"]],
};

const REFERENCES: readonly LayerReferences[] = [
  ["/mise/installs/node/24.11.0"],
  ["/mise/installs/node/24.11.1"],
  ["/mise/installs/node/24.11.0", "/mise/installs/python/3.13.0"],
];

Deno.test("storeKey() is another for anything that decides the bytes, each alone and with each other", async () => {
  const inputs: [StoreKeyInput, LayerReferences][] = [[INPUT, []]];
  for (const [name, values] of Object.entries(OTHERS)) {
    for (const value of values) {
      const changed = { ...INPUT, [name]: value };
      inputs.push([changed, []]);
      for (const references of REFERENCES) inputs.push([changed, references]);
      for (const [other, others] of Object.entries(OTHERS)) {
        if (other > name) inputs.push([{ ...changed, [other]: others[0] }, []]);
      }
    }
  }
  for (const references of REFERENCES) inputs.push([INPUT, references]);
  const keys = await Promise.all(inputs.map(([input, references]) => storeKey(input, references)));
  assertEquals(new Set(keys).size, inputs.length);
});

Deno.test("storeTag() is a tag of at most 128 characters, whatever the tool is called", async () => {
  const key = await storeKey(INPUT);
  const platform = { os: "linux", architecture: "arm", variant: "v7" };
  for (
    const short of ["node", "npm:@scope/x", "…", "-".repeat(9), "x".repeat(300), "ubi:a/b[exe=c]"]
  ) {
    const tag = storeTag({ short, version: "1.0.0+build/2" }, platform, key);
    assertMatch(tag, /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/);
    assertEquals(tag.endsWith(`-linux-arm-v7-${key}`), true);
  }
  assertEquals(
    storeTag({ short: "npm:prettier", version: "3.6.2" }, INPUT.platform, key),
    `npm-prettier-3.6.2-linux-amd64-${key}`,
  );
});
