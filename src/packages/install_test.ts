import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { isolatedTest, makeShellRootfs } from "../../tests/support/shell_rootfs.ts";
import { snapshotTree } from "../../tests/support/rootfs_fixture.ts";
import { diffSnapshots, takeSnapshot } from "./diff.ts";
import {
  checkHost,
  INSTALL_EPOCH,
  type InstallContext,
  installEnv,
  installPackages,
} from "./install.ts";

const platform = { os: "linux", architecture: "amd64" };
const PLAN = {
  manager: "apt",
  packages: [{ name: "jq", version: "1.6" }, { name: "hello" }],
} as const;
const RECORD = 'for word; do echo "$word"; done >>/var/calls; echo >>/var/calls';

async function install(aptGet: string, context: InstallContext = {}): Promise<string[]> {
  using shell = await makeShellRootfs(aptGet);
  const hostBefore = Deno.readTextFileSync("/var/lib/dpkg/status");
  await installPackages(shell.rootfs, PLAN, { ...context, platform });
  assertEquals(Deno.readTextFileSync("/var/lib/dpkg/status"), hostBefore);
  return Deno.readTextFileSync(shell.rootfs.hostPath("var/calls")).split("\n\n");
}

isolatedTest(
  "apt-get is asked to update, to download, then to install without network",
  async () => {
    const calls = await install(RECORD);
    const words = calls.map((call) => call.split("\n"));
    assertEquals(words[0], ["--version"]);
    assertEquals(words[1]!.at(-1), "update");
    for (const call of words.slice(2, 4)) {
      assertEquals(call.slice(-4), ["install", "--", "jq=1.6", "hello"]);
      assert(call.includes("--allow-downgrades"));
    }
    assert(words[2]!.includes("--download-only"));
    assert(words[3]!.includes("--no-download"));
  },
);

isolatedTest("U30: what the manager says when it fails is in the error", async () => {
  const script = `case "$*" in *--download-only*)
    echo "Reading package lists..."; printf 'E: Unable to locate package jq\\033[31m\\n' >&2; exit 100;;
  esac`;
  const error = await assertRejects(() => install(script), MiseOciError);
  assertEquals(error.code, "packages");
  assertEquals(
    error.message,
    'Cannot install apt packages "jq", "hello": apt-get install --download-only ended with exit code ' +
      "100: E: Unable to locate package jq [31m",
  );
});

isolatedTest("U30: a manager that hangs is killed, with everything it started", async () => {
  const script = 'case "$*" in *update*) sleep 1000;; esac';
  const error = await assertRejects(() => install(script, { timeout: 300 }), MiseOciError);
  assertStringIncludes(error.message, "apt-get update did not end within");
});

isolatedTest("U30: a manager that is killed is an error", async () => {
  await assertRejects(
    () => install('case "$*" in *update*) kill -9 $$;; esac'),
    MiseOciError,
    "137",
  );
});

isolatedTest("programs of another platform are named, with the way out", async () => {
  using shell = await makeShellRootfs("");
  const elf = new Uint8Array(64);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0xf3, 0x7f]);
  for (const path of ["usr/bin/apt-get", "bin/sh"]) {
    Deno.writeFileSync(shell.rootfs.hostPath(path), elf);
  }
  const arm = { os: "linux", architecture: "arm64" };
  const foreign = await assertRejects(
    () => installPackages(shell.rootfs, PLAN, { platform: arm }),
    MiseOciError,
  );
  assertStringIncludes(foreign.message, "cannot run linux/arm64 programs");
  assertStringIncludes(foreign.hint!, "qemu-user-static");
});

isolatedTest("U29: caches behind a link stay inside, and out of the layer", async () => {
  using shell = await makeShellRootfs(
    'case "$*" in *update*) echo list >/var/cache/apt/archives/x.deb; echo y >/var/cache/apt/y;; esac',
  );
  const { rootfs, outside } = shell;
  Deno.mkdirSync(rootfs.hostPath("var/cache/apt"), { recursive: true });
  Deno.symlinkSync(outside, rootfs.hostPath("var/cache/apt/archives"));
  const before = await takeSnapshot(rootfs);
  await installPackages(rootfs, PLAN, { platform });
  const { entries } = diffSnapshots(before, await takeSnapshot(rootfs), { rootfs, manager: "apt" });
  assertEquals(entries, []);
  assertEquals(snapshotTree(outside).length, 1);
});

isolatedTest(
  "a base whose /etc/resolv.conf is a link out of it does not get the host's files",
  async () => {
    using shell = await makeShellRootfs("cat /etc/resolv.conf >/var/seen");
    const { rootfs, outside } = shell;
    Deno.symlinkSync(`${outside}/resolv.conf`, rootfs.hostPath("etc/resolv.conf"));
    await installPackages(rootfs, PLAN, { platform });
    assertEquals(snapshotTree(outside).length, 1);
    assertEquals(
      Deno.readTextFileSync(rootfs.hostPath("var/seen")),
      Deno.readTextFileSync("/etc/resolv.conf"),
    );
  },
);

Deno.test("installEnv() passes proxies and nothing else of the host", () => {
  const host: Record<string, string> = { https_proxy: "http://p:1", API_TOKEN: "x", PATH: "/host" };
  const env = installEnv((name) => host[name]);
  assertEquals(env["https_proxy"], "http://p:1");
  assertEquals(env["API_TOKEN"], undefined);
  assert(!env.PATH.includes("/host"));
  assertEquals(env["SOURCE_DATE_EPOCH"], String(INSTALL_EPOCH));
});

Deno.test("U32: checkHost() names what is missing before any work", () => {
  const good = { os: "linux", uid: 0, allowed: { read: true, write: true } };
  checkHost(good);
  const cases = [
    [{ ...good, os: "darwin", uid: 501 }, "packages", "Linux"],
    [{ ...good, uid: 1000 }, "packages", "root"],
    [{ ...good, allowed: { read: true, write: false } }, "permission", "--allow-write"],
    [{ ...good, allowed: { read: false, write: true } }, "permission", "--allow-read"],
  ] as const;
  for (const [facts, code, word] of cases) {
    try {
      checkHost(facts);
      throw new Error("not refused");
    } catch (error) {
      assert(error instanceof MiseOciError, String(error));
      assertEquals(error.code, code);
      assertStringIncludes(error.message, word);
    }
  }
});
