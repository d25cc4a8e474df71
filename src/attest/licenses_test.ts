import { assertEquals } from "@std/assert";
import { parseLicense } from "./licenses.ts";

Deno.test("parseLicense() knows identifiers in any case, expressions, and what is neither", () => {
  assertEquals(parseLicense("mit"), { kind: "id", id: "MIT" });
  const expressions = [
    "MIT OR Apache-2.0",
    "(MIT AND Zlib) OR BSD-3-Clause",
    "GPL-2.0-only WITH Classpath-exception-2.0",
    "Apache-2.0+ AND LicenseRef-own",
  ];
  for (const expression of expressions) {
    assertEquals(parseLicense(expression), { kind: "expression", expression });
  }
  const names = ["", "MIT OR", "(MIT", "MIT)", "MIT Zlib", "SEE LICENSE IN x", "MIT WITH x"];
  for (const name of [...names, "(".repeat(100_000)]) {
    assertEquals(parseLicense(name), { kind: "name", name });
  }
});
