import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { maybeLine, maybeTable, parseConfigFile, readConfigText } from "./config_file.ts";

Deno.test("parseConfigFile() takes files that are not TOML as empty", () => {
  assertEquals(parseConfigFile("/p/.tool-versions", "node 24\n").table, {});
});

Deno.test("C06: a syntax error names the file and the line", () => {
  const parse = (text: string): unknown => parseConfigFile("/p/mise.toml", text);
  const error = assertThrows(() => parse("[oci]\ntag = \n"), MiseOciError);
  assertStringIncludes(error.message, 'Cannot parse config file "/p/mise.toml:');
});

Deno.test("C06: readConfigText() refuses what is not UTF-8, too long, or not there", async () => {
  const path = await Deno.makeTempFile({ suffix: ".toml" });
  try {
    await Deno.writeFile(path, new Uint8Array([0x61, 0x20, 0xff, 0xfe]));
    const notUtf8 = await assertRejects(() => readConfigText(path), MiseOciError);
    assertStringIncludes(notUtf8.message, "not UTF-8");
    await Deno.truncate(path, 10 * 1024 * 1024);
    const long = await assertRejects(() => readConfigText(path), MiseOciError);
    assertStringIncludes(long.message, "10485760 bytes, at most 4194304 are read");
  } finally {
    await Deno.remove(path);
  }
  const gone = await assertRejects(() => readConfigText(path), MiseOciError);
  assertEquals(gone.code, "io");
});

Deno.test("maybeLine() finds keys under headers, dotted keys, quoted keys and tables", () => {
  const text =
    '[tools]\nnode = "1"\n[oci]\ntag="x"\n[oci.env]\n"A B" = "1"\n[[oci.copy]]\nhost="a"\n';
  const file = parseConfigFile("/p/mise.toml", text);
  assertEquals(maybeLine(file, ["oci", "tag"]), 4);
  assertEquals(maybeLine(file, ["oci", "env", "A B"]), 6);
  assertEquals(maybeLine(file, ["oci", "copy"]), 7);
  assertEquals(maybeLine(file, ["oci", "cmd"]), undefined);
  assertEquals(maybeLine(parseConfigFile("/p/a.toml", 'oci.tag = "x"'), ["oci", "tag"]), 1);
});

Deno.test("maybeTable() does not reach inherited properties", () => {
  assertEquals(maybeTable({}, "constructor"), undefined);
  assertEquals(maybeTable({ a: { b: {} } }, "a", "b"), {});
  assertEquals(maybeTable({ a: [] }, "a"), undefined);
});
