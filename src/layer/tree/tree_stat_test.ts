import { assertEquals } from "@std/assert";
import { joinHostPath, statNumbers, TreeStat } from "./tree_stat.ts";
import { packInfo, unpackInfo } from "./walk_messages.ts";

Deno.test("TreeStat puts the path of a file together from its directory's", () => {
  const numbers = { size: 1, ino: 2, dev: 3, links: 4, mtime: 5.5, ctime: 6 };
  const paths = [["/a/b", "c"], ["/", "c"], ["/a/b", ""], ["/", ""]] as const;
  assertEquals(paths.map(([directory, name]) => new TreeStat(directory, name, numbers).path), [
    "/a/b/c",
    "/c",
    "/a/b",
    "/",
  ]);
  const { size, ino, dev, links, mtime, ctime } = new TreeStat("/a", "b", numbers);
  assertEquals({ size, ino, dev, links, mtime, ctime }, numbers);
  assertEquals(joinHostPath("/", "a/b"), "/a/b");
});

Deno.test("what lstat says comes out of a message as it went in", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/file`, "text", { mode: 0o640 });
    await Deno.symlink("file", `${directory}/link`);
    const numbers = new Float64Array(30);
    for (const [at, name] of ["", "/file", "/link"].entries()) {
      const info = await Deno.lstat(`${directory}${name}`);
      assertEquals(packInfo(info, numbers, at), true);
      assertEquals(unpackInfo(numbers, at), {
        ...statNumbers(info),
        type: (["directory", "file", "symlink"] as const)[at] ?? "file",
        mode: info.mode ?? -1,
        uid: info.uid ?? 0,
        gid: info.gid ?? 0,
      });
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
