import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { exists, makeTempDir } from "../../tests/support/testbed/command.ts";
import { parsePlatform } from "../oci/mod.ts";
import { removeEmptyInstalls } from "./foreign/foreign_install.ts";
import { type InstallLocks, runInstall } from "./install_lock.ts";
import { lockInstall } from "../store/installs.ts";

const locks: InstallLocks = { host: "", take: lockInstall };

Deno.test({
  name: "D01: questions wait for an install whose run has ended, also for what it started",
  ignore: Deno.build.os !== "linux" || !await exists("/usr/bin/flock"),
  fn: async () => {
    await using temp = await makeTempDir();
    const misePath = join(temp.path, "mise");
    const done = join(temp.path, "done");
    const script = `#!/bin/sh\n(sleep 0.3; echo "$1" >'${done}') >/dev/null 2>&1 &\n`;
    await Deno.writeTextFile(misePath, script, { mode: 0o755 });
    const path = join(temp.path, "platforms/linux-arm64/install.lock");
    const call = { misePath, directory: temp.path, args: ["install"] };
    assertEquals((await runInstall(call, { path, locks })).code, 0);
    assert(!await exists(done));
    let waits = 0;
    await using _lock = await lockInstall(path, "shared", { onWait: () => waits++ });
    assertEquals(await Deno.readTextFile(done), "install\n");
    assertEquals(waits, 1);
  },
});

Deno.test("a shared lock on a file that does not exist is held without making it", async () => {
  await using temp = await makeTempDir();
  const path = join(temp.path, "none/install.lock");
  await using _lock = await lockInstall(path, "shared");
  assert(!await exists(join(temp.path, "none")));
});

Deno.test("D01: an install that mise has only begun, an empty directory, is no install", async () => {
  await using temp = await makeTempDir();
  const foreign = { platform: parsePlatform("linux/arm64"), directory: temp.path };
  const tool = (short: string, installed = true, root = join(temp.path, "data")) => ({
    short,
    version: "1",
    installPath: join(root, "installs", short, "1"),
    installed,
  });
  const tools = [tool("begun"), tool("whole"), tool("absent", false)];
  const elsewhere = tool("other", true, join(temp.path, "elsewhere"));
  for (const { installPath } of [...tools, elsewhere]) {
    await Deno.mkdir(installPath, { recursive: true });
  }
  await Deno.writeTextFile(join(tools[1]?.installPath ?? "", "file"), "");
  assertEquals(await removeEmptyInstalls([...tools, elsewhere], foreign), true);
  assertEquals(
    await Promise.all([...tools, elsewhere].map(({ installPath }) => exists(installPath))),
    [false, true, true, true],
  );
  assertEquals(await removeEmptyInstalls(tools, foreign), false);
});
