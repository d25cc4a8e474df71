import { assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../../errors.ts";
import { buildTimestamp } from "./environment.ts";

Deno.test("buildTimestamp() is SOURCE_DATE_EPOCH if set, else now, in whole seconds", () => {
  assertEquals(buildTimestamp("1700000000", 5), "2023-11-14T22:13:20Z");
  assertEquals(buildTimestamp(undefined, 1_700_000_000_999), "2023-11-14T22:13:20Z");
  assertEquals(buildTimestamp("253402300799", 0), "9999-12-31T23:59:59Z");
});

for (const text of ["", "x", "-1", "1.5", "1e9", " 1", "253402300800", "99999999999999"]) {
  Deno.test(`buildTimestamp() rejects SOURCE_DATE_EPOCH ${JSON.stringify(text)}`, () => {
    const error = assertThrows(() => buildTimestamp(text, 0), MiseOciError, "SOURCE_DATE_EPOCH");
    assertEquals(error.code, "usage");
  });
}
