import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { withTree } from "../../../tests/support/layer.ts";
import { MiseOciError } from "../../errors.ts";
import { checkArchiveTarget } from "./write_archive.ts";

Deno.test("checkArchiveTarget() says before the build what would be wrong after it", async () => {
  await withTree(async (root) => {
    const refuse = async (name: string, code: string, images = 1): Promise<string> => {
      const format = images === 1 ? "oci-archive" : "docker-archive";
      const archive = { path: join(root, name), format } as const;
      const error = await assertRejects(() => checkArchiveTarget(archive, images), MiseOciError);
      assertEquals(error.code, code);
      return error.message;
    };
    assertEquals((await refuse(".", "io")).endsWith("it is a directory"), true);
    assertEquals((await refuse("none/x", "io")).includes("there is no directory"), true);
    assertEquals((await refuse("x", "usage", 2)).endsWith("holds one image"), true);
    const fifo = join(root, "fifo");
    assertEquals((await new Deno.Command("mkfifo", { args: [fifo] }).output()).success, true);
    assertEquals((await refuse("fifo", "io")).endsWith("a pipe, a socket or a device"), true);
    // Not even root can create files there.
    const sealed = { path: "/proc/self/fdinfo/x.tar", format: "oci-archive" } as const;
    await assertRejects(() => checkArchiveTarget(sealed), MiseOciError, '"/proc/self/fdinfo"');
    await Deno.writeTextFile(join(root, "old"), "");
    for (const name of ["old", "new"]) {
      await checkArchiveTarget({ path: join(root, name), format: "docker-archive" }, 1);
      await checkArchiveTarget({ path: join(root, name), format: "oci-archive" }, 2);
    }
  });
});
