import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import type { Dotfile } from "../plan/mod.ts";
import { checkSources } from "./inspect_tree.ts";

Deno.test("C03: everything that cannot be copied is named at once", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/file`, "x");
    await Deno.symlink("file", `${directory}/link`);
    await Deno.symlink("nowhere", `${directory}/dangling`);
    const copy = (
      name: string,
      more = {},
    ): { host: string; image: string; directory?: boolean } => ({
      host: `${directory}/${name}`,
      image: `/x/${name}`,
      ...more,
    });
    await checkSources({}, [copy("file"), copy("link"), copy("", { directory: true })]);
    const missing: Dotfile = {
      target: "~/.missing",
      mode: "copy",
      hostPath: `${directory}/missing`,
      exclude: [],
      source: "/p/mise.toml",
    };
    const text: Dotfile = { ...missing, target: "~/.text", mode: "content", content: "x" };
    const { code, message } = await assertRejects(
      () =>
        checkSources({ dotfiles: [missing, text] }, [
          copy("file", { directory: true }),
          copy("dangling"),
          copy("file/below"),
        ]),
      MiseOciError,
    );
    assertEquals(code, "not-found");
    for (
      const why of [
        '/file" to "/x/file": it is a file and the image path ends with "/": write "/x/file/file"',
        '/dangling" to "/x/dangling": no such file',
        '/file/below" to "/x/file/below": ',
        '/missing" to "~/.missing": no such file',
      ]
    ) assertStringIncludes(message, why);
    assertEquals(message.includes(".text"), false);
    const slash = () => checkSources({}, [copy("file", { directory: true })]);
    const { hint = "" } = await assertRejects(slash, MiseOciError);
    assertStringIncludes(hint, "full path in the image");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
