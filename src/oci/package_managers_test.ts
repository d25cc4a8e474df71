import { assertEquals, assertStringIncludes } from "@std/assert";
import { MANAGER_NAMES } from "./package_managers.ts";

Deno.test("the documents name every package manager", async () => {
  const schema = await Deno.readTextFile("docs/json/check.json");
  const [, list = ""] = /"manager": \{\s*"enum": (\[[^\]]*\])/.exec(schema) ?? [];
  assertEquals(JSON.parse(list), MANAGER_NAMES);
  const names = MANAGER_NAMES.map((name) => `\`${name}\``);
  assertStringIncludes(
    schema,
    `${names.slice(0, -1).join(", ")} or ${names.at(-1)}, if packages help`,
  );
  const guide = await Deno.readTextFile("docs/oci.md");
  const [, section = ""] = guide.split("`[bootstrap.packages]` lists packages");
  const [sentence = ""] = section.split(".\n");
  for (const name of names) assertStringIncludes(sentence, name);
});
