import { assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { asSize, asStringMap, parseJson } from "./json.ts";

const what = "test document";
const rejects = (source: string | Uint8Array, includes: string): void => {
  const error = assertThrows(() => parseJson(source, { what }), MiseOciError, includes);
  assertEquals(error.code, "invalid");
};

Deno.test("D12: parseJson() rejects an empty text, a byte order mark, NUL bytes and truncation", () => {
  rejects("", "empty");
  rejects("  \n", "empty");
  rejects("\ufeff{}", "byte order mark");
  rejects("\0\0\0", "not JSON");
  rejects('{"a": [1, 2', "not JSON");
  rejects('{"a": "b', "unterminated string");
  rejects('"\\', "unterminated string");
});

Deno.test("D12: parseJson() rejects bytes that are not UTF-8", () => {
  rejects(Uint8Array.of(0x22, 0xff, 0x22), "not UTF-8");
});

Deno.test("D12: parseJson() rejects the same key twice, also when one is escaped", () => {
  rejects('{"a":1,"a":2}', 'duplicate key "a"');
  rejects('{"a":1, "\\u0061" : 2}', 'duplicate key "a"');
  assertEquals(parseJson('{"a":{"a":["a","a",{"a":1}]}}', { what }), {
    a: { a: ["a", "a", { a: 1 }] },
  });
});

Deno.test("D12: parseJson() rejects a hundred thousand levels without a stack overflow", () => {
  rejects("[".repeat(100_000) + "]".repeat(100_000), "nested more than 64 levels");
});

Deno.test("R14: parseJson() rejects a document over the limit before reading it", () => {
  const error = assertThrows(
    () => parseJson(new Uint8Array(4 * 1024 * 1024 + 1), { what }),
    MiseOciError,
    "longer than 4194304 bytes",
  );
  assertEquals(error.code, "invalid");
});

Deno.test("D12: a __proto__ key becomes an own property and changes no prototype", () => {
  const map = asStringMap(parseJson('{"__proto__": "x", "a": "b"}', { what }), what);
  assertEquals(Object.keys(map), ["__proto__", "a"]);
  assertEquals(({} as Record<string, unknown>)["x"], undefined);
});

for (
  const [name, value] of [["negative", -1], ["2^53", 2 ** 53], ["1.5", 1.5], ["text", "1"]] as const
) {
  Deno.test(`D12: asSize() rejects ${name}`, () => {
    assertThrows(() => asSize(value, "size"), MiseOciError, "Cannot parse size");
  });
}
