import { assertEquals } from "@std/assert";
import { mentionsPath, rebaseValue } from "./paths.ts";

Deno.test("rebaseValue() goes by whole components, longest first, everywhere in a value", () => {
  const relocations = [
    { host: "/d/node/2", image: "/m/node/2" },
    { host: "/d/node/2/lib", image: "/m/lib" },
  ];
  assertEquals(
    rebaseValue("/d/node/2/bin:/d/node/20:/d/node/2", relocations),
    "/m/node/2/bin:/d/node/20:/m/node/2",
  );
  assertEquals(
    rebaseValue("-L/d/node/2/lib -I/d/node/2/include", relocations),
    "-L/m/lib -I/m/node/2/include",
  );
  assertEquals(mentionsPath("a=/home/me", "/home/me"), true);
  assertEquals(mentionsPath("a=/home/me.bak", "/home/me"), false);
  assertEquals(mentionsPath("anything", "/"), false);
});
