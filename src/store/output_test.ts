import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { withTree } from "../../tests/support/layer.ts";
import { MiseOciError } from "../errors.ts";
import { ioError } from "./io_error.ts";
import { checkOutputFile, writeOutput } from "./output.ts";

const write = (path: string, text: string): Promise<void> =>
  writeOutput(path, (sink) => sink.write(new TextEncoder().encode(text)));

const names = (directory: string): string[] =>
  [...Deno.readDirSync(directory)].map(({ name }) => name).sort();

Deno.test("ioError() names the root directory for a temporary file in it", () => {
  const error = Object.assign(new Error("Permission denied (os error 13)"), { code: "EACCES" });
  const { message } = ioError(error, "create", "/.tmp-1234") as MiseOciError;
  assertEquals(message, 'Cannot create a file in "/": Permission denied');
});

Deno.test("writeOutput() writes through a link, which remains one", async () => {
  await withTree(async (root) => {
    await Deno.mkdir(join(root, "old"));
    await Deno.symlink("old/result", join(root, "latest"));
    // A link that leads nowhere yet is replaced.
    await write(join(root, "latest"), "one");
    await Deno.rename(join(root, "latest"), join(root, "old/result"));
    await Deno.symlink("old/result", join(root, "latest"));
    await write(join(root, "latest"), "two");
    assertEquals(await Deno.readLink(join(root, "latest")), "old/result");
    assertEquals(await Deno.readTextFile(join(root, "old/result")), "two");
    assertEquals(names(join(root, "old")), ["result"]);
  });
});

Deno.test("writeOutput() replaces no pipe, and leaves nothing behind", async () => {
  await withTree(async (root) => {
    const pipe = join(root, "pipe");
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    for (const attempt of [checkOutputFile, (path: string) => write(path, "text")]) {
      const error = await assertRejects(() => attempt(pipe), MiseOciError, "it is a pipe");
      assertEquals([error.code, error.hint?.includes("- for stdout")], ["io", true]);
      await assertRejects(() => attempt(root), MiseOciError, "it is a directory");
    }
    await assertRejects(() => checkOutputFile(join(root, "no/x")), MiseOciError, "no directory");
    const failing = writeOutput(join(root, "file"), () => Promise.reject(new Error("x")));
    await assertRejects(() => failing, Error, "x");
    assertEquals(names(root), ["pipe"]);
  });
});
