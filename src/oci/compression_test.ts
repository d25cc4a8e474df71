import { assertStringIncludes } from "@std/assert";
import { resolveCompression } from "./compression.ts";

Deno.test("the decision about gzip's default level names the level", async () => {
  const text = await Deno.readTextFile("docs/decisions/compression-level.md");
  const { level } = resolveCompression({ kind: "gzip" });
  assertStringIncludes(text, `# gzip at level ${level}\n`);
  assertStringIncludes(text, `Level ${level} is the default`);
});
