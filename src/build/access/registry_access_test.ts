import { assertEquals } from "@std/assert";
import { isInsecure } from "./registry_access.ts";

Deno.test("an insecure registry without a port is so at every port, one with a port at that alone", () => {
  const access = { insecureRegistries: ["10.0.0.8", "lan.example:5000", "[fd00::8]"] };
  for (
    const [registry, insecure] of [
      ["10.0.0.8", true],
      ["10.0.0.8:5000", true],
      ["10.0.0.80:5000", false],
      ["lan.example:5000", true],
      ["lan.example:5001", false],
      ["lan.example", false],
      ["[fd00::8]:5000", true],
      ["[fd00::9]:5000", false],
    ] as const
  ) assertEquals(isInsecure(registry, access), insecure, registry);
});
