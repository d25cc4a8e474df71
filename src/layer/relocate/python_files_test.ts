import { assertEquals } from "@std/assert";
import { maybeNormalizeRecord } from "./python_files.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("maybeNormalizeRecord() changes only what lies outside of the packages' directory", () => {
  for (const text of ["", "a.py,sha256=x,1\n../../../bin/late,sha256=x,1\n", "../x,,\n"]) {
    assertEquals(maybeNormalizeRecord(encode(text)), undefined, text);
  }
  const crlf = "../../../bin/a,sha256=x,1\r\n../../../share/b,sha256=y,2\r\nc.py,sha256=z,3\r\n";
  const changed = maybeNormalizeRecord(encode(crlf));
  assertEquals(
    new TextDecoder().decode(changed?.bytes),
    "../../../bin/a,,\r\n../../../share/b,,\r\n",
  );
});
