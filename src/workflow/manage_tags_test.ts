import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { inTempDir, sha256, text, writeImage } from "../../tests/support/store_fixtures.ts";
import type { WorkflowContext } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import { parseImageArgument } from "../oci/image_source.ts";
import { createLayout } from "../store/layout.ts";
import { listTags, removeTag } from "./manage_tags.ts";

const CONTEXT: WorkflowContext = {
  reporter: { emit: () => {} },
  signal: new AbortController().signal,
};

Deno.test("tag ls names every image, and tag rm takes one out with the blobs that only it names", () =>
  inTempDir(async (directory) => {
    const layout = await createLayout(`${directory}/l`);
    await layout.prepare();
    await layout.setTag(await writeImage(layout, "one"), "team/app:1");
    await layout.setTag(await writeImage(layout, "two"), "team/app:2");
    const request = (image: string) => ({ source: parseImageArgument(image), directory });
    const tags = async () =>
      (await listTags(request("./l"), CONTEXT)).entries.map(({ tag }) => tag);
    assertEquals(await tags(), ["team/app:1", "team/app:2"]);
    const fails = async (image: string): Promise<string> => {
      const error = await assertRejects(() => removeTag(request(image), CONTEXT), MiseOciError);
      return `${error.message}; ${error.hint}`;
    };
    assertStringIncludes(await fails("./l"), "none is named; Write oci:");
    assertStringIncludes(await fails("oci:l:x"), 'tag "x"');
    assertStringIncludes(await fails("oci:l:x"), "It has team/app:1, team/app:2");
    assertStringIncludes(await fails("docker://localhost/l:1"), "it is in a registry");
    const { entries } = await removeTag(request("oci:l:team/app:1"), CONTEXT);
    assertEquals(entries.map(({ tag }) => tag), ["team/app:1"]);
    assertEquals(await tags(), ["team/app:2"]);
    const has = (content: string) => layout.size(sha256(text(content)));
    assertEquals([await has("one"), await has("two")], [undefined, 3]);
  }));
