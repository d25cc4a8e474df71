import { assertEquals } from "@std/assert";
import { isActivateScript, maybeNormalizeRecord } from "./python_files.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("isActivateScript() goes by path and content", () => {
  const script = encode('VIRTUAL_ENV="/data/installs/t/1"\n');
  for (const name of ["activate", "activate.fish", "activate.csh", "Activate.ps1"]) {
    assertEquals(isActivateScript(`t/bin/${name}`, script), true, name);
  }
  assertEquals(isActivateScript("t/bin/activate", encode("#!/bin/sh\n")), false);
  assertEquals(isActivateScript("t/bin/deactivate", script), false);
  assertEquals(isActivateScript("t/lib/activate", script), false);
});

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
