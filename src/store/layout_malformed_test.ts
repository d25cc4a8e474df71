import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeIndex, encodeLayoutFile, MediaType } from "../oci/mod.ts";
import { inTempDir, rejected, text } from "../../tests/support/store_fixtures.ts";
import { createLayout, openLayout } from "./mod.ts";

const deep = (open: string, close: string): string => open.repeat(100_000) + close.repeat(100_000);
const hex = "a".repeat(64);
const entry = (fields: string): string =>
  `{"schemaVersion":2,"manifests":[{"mediaType":"${MediaType.manifest}",${fields}}]}`;
const good = `"digest":"sha256:${hex}"`;

/** Malformed index files. */
const BAD_INDEXES: Readonly<Record<string, string | Uint8Array>> = {
  "empty": "",
  "white space": " \n",
  "a byte order mark": '\ufeff{"schemaVersion":2,"manifests":[]}',
  "a NUL": '{"schemaVersion":2,"manifests":[]}\0',
  "NULs only": new Uint8Array(4096),
  "truncated": '{"schemaVersion":2,"manif',
  "trailing text": '{"schemaVersion":2,"manifests":[]}x',
  "an array": "[]",
  "a string": '"index"',
  "null": "null",
  "no schemaVersion": '{"manifests":[]}',
  "schemaVersion 3": '{"schemaVersion":3,"manifests":[]}',
  "schemaVersion as a string": '{"schemaVersion":"2","manifests":[]}',
  "no manifests": '{"schemaVersion":2}',
  "manifests as an object": '{"schemaVersion":2,"manifests":{}}',
  "a manifest entry null": '{"schemaVersion":2,"manifests":[null]}',
  "duplicate keys": '{"schemaVersion":2,"manifests":[],"manifests":[]}',
  "duplicate escaped keys": '{"schemaVersion":2,"manifests":[],"\\u006danifests":[]}',
  "deep arrays": `{"schemaVersion":2,"manifests":${deep("[", "]")}}`,
  "deep objects": `{"schemaVersion":2,"manifests":[],"x":${'{"a":'.repeat(100_000)}1${
    "}".repeat(100_000)
  }}`,
  "a negative size": entry(`${good},"size":-1`),
  "a size of 2^53+1": entry(`${good},"size":9007199254740993`),
  "a size with a fraction": entry(`${good},"size":1.5`),
  "a size as text": entry(`${good},"size":"1"`),
  "no size": entry(good),
  "a traversal as digest": entry('"digest":"sha256:../../../etc/passwd","size":1'),
  "an upper-case digest": entry(`"digest":"sha256:${"A".repeat(64)}","size":1`),
  "a short digest": entry('"digest":"sha256:aa","size":1'),
  "annotations of numbers": entry(`${good},"size":1,"annotations":{"a":1}`),
  "not UTF-8": new Uint8Array([0x7b, 0xff, 0x7d]),
  "an image manifest":
    `{"schemaVersion":2,"config":{"mediaType":"${MediaType.config}",${good},"size":2},"layers":[]}`,
  "both a manifest and an index": `{"schemaVersion":2,"manifests":[],"config":{},"layers":[]}`,
  "more than 4 MiB": " ".repeat(4 * 1024 * 1024 + 1),
};

for (const [name, content] of Object.entries(BAD_INDEXES)) {
  Deno.test(`D12: an index.json that is ${name} is an error of the layout`, () =>
    inTempDir(async (dir) => {
      await Deno.writeFile(`${dir}/oci-layout`, encodeLayoutFile());
      await Deno.writeFile(
        `${dir}/index.json`,
        typeof content === "string" ? text(content) : content,
      );
      const error = await rejected(openLayout(dir));
      assertEquals(error.code, "layout");
      assertStringIncludes(error.message, dir);
      assert(error.message.length < 500);
    }));
}

Deno.test("D12: an index.json of 100 MiB is refused without being read", () =>
  inTempDir(async (dir) => {
    await Deno.writeFile(`${dir}/oci-layout`, encodeLayoutFile());
    await Deno.truncate(`${dir}/index.json`, 0).catch(() =>
      Deno.writeTextFile(`${dir}/index.json`, "")
    );
    await Deno.truncate(`${dir}/index.json`, 100 * 1024 * 1024);
    assertStringIncludes((await rejected(openLayout(dir))).message, "104857600 bytes");
  }));

Deno.test("D12: a __proto__ key pollutes nothing", () =>
  inTempDir(async (dir) => {
    await Deno.writeFile(`${dir}/oci-layout`, encodeLayoutFile());
    await Deno.writeTextFile(
      `${dir}/index.json`,
      '{"schemaVersion":2,"manifests":[],"__proto__":{"polluted":1},"annotations":{"__proto__":"x"}}',
    );
    const index = await (await openLayout(dir)).index();
    assertEquals((({}) as { polluted?: number }).polluted, undefined);
    assertEquals((index as { polluted?: number }).polluted, undefined);
    assertEquals(Object.getPrototypeOf(index), Object.prototype);
  }));

const BAD_MARKERS: Readonly<Record<string, string>> = {
  "empty": "",
  "a byte order mark": '\ufeff{"imageLayoutVersion":"1.0.0"}',
  "truncated": '{"imageLayoutVersion":"1.0',
  "an array": '["1.0.0"]',
  "version 2": '{"imageLayoutVersion":"2.0.0"}',
  "a version that is a number": '{"imageLayoutVersion":1}',
  "without a version": "{}",
  "a duplicate key": '{"imageLayoutVersion":"2.0.0","imageLayoutVersion":"1.0.0"}',
  "a NUL": "\0",
};

for (const [name, content] of Object.entries(BAD_MARKERS)) {
  Deno.test(`D12: an oci-layout file that is ${name} is an error of the layout`, () =>
    inTempDir(async (dir) => {
      await Deno.writeTextFile(`${dir}/oci-layout`, content);
      await Deno.writeFile(`${dir}/index.json`, encodeIndex({ manifests: [] }));
      for (const open of [openLayout, createLayout]) {
        assertEquals((await rejected(open(dir))).code, "layout");
      }
    }));
}

Deno.test("C09: what is not a layout is a clear error", () =>
  inTempDir(async (dir) => {
    assertEquals((await rejected(openLayout(`${dir}/nothing`))).code, "not-found");
    await Deno.writeTextFile(`${dir}/file`, "");
    assertStringIncludes((await rejected(openLayout(`${dir}/file`))).hint ?? "", "oci-archive:");
    await Deno.mkdir(`${dir}/empty`);
    assertStringIncludes((await rejected(openLayout(`${dir}/empty`))).message, "oci-layout");
    await Deno.writeFile(`${dir}/empty/oci-layout`, encodeLayoutFile());
    assertStringIncludes((await rejected(openLayout(`${dir}/empty`))).message, "index.json");
    await Deno.mkdir(`${dir}/empty/index.json`);
    assertStringIncludes((await rejected(openLayout(`${dir}/empty`))).message, "regular file");
  }));
