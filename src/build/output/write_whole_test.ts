import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { withTree } from "../../../tests/support/layer.ts";
import { MiseOciError } from "../../errors.ts";
import { writeWhole } from "./write_whole.ts";

Deno.test("writeWhole() notices a place that cannot be written before the text is made", async () => {
  await withTree(async (root) => {
    let made = 0;
    const make = (): Promise<string> => Promise.resolve(`text ${++made}`);
    for (
      const [path, why] of [[root, "a directory"], [join(root, "none/x"), "no directory"]] as const
    ) {
      const error = await assertRejects(() => writeWhole(path, make), MiseOciError, why);
      assertEquals([error.code, made], ["io", 0]);
    }
    await writeWhole(join(root, "page"), make);
    await assertRejects(
      () => writeWhole(join(root, "page"), () => Promise.reject(new Error("x"))),
      Error,
      "x",
    );
    assertEquals(await Deno.readTextFile(join(root, "page")), "text 1");
    assertEquals([...Deno.readDirSync(root)].map(({ name }) => name), ["page"]);
  });
});
