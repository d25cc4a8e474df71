import type { ManagerName } from "../oci/mod.ts";
import { assert, assertEquals } from "@std/assert";
import { makeArena } from "../../tests/support/rootfs_fixture.ts";
import { comparePaths } from "../layer/entry.ts";
import { type Difference, diffSnapshots, takeSnapshot } from "./diff.ts";
import type { Rootfs } from "../rootfs/rootfs.ts";

type Change = (rootfs: Rootfs) => void;

const write = (path: string, content = "x", mode = 0o644): Change => (rootfs) => {
  const host = rootfs.hostPath(path);
  Deno.mkdirSync(host.slice(0, host.lastIndexOf("/")), { recursive: true });
  Deno.writeTextFileSync(host, content);
  Deno.chmodSync(host, mode);
};
const remove = (path: string): Change => (rootfs) =>
  Deno.removeSync(rootfs.hostPath(path), { recursive: true });
const link = (path: string, target: string): Change => (rootfs) =>
  Deno.symlinkSync(target, rootfs.hostPath(path));
const chmod = (path: string, mode: number): Change => (rootfs) =>
  Deno.chmodSync(rootfs.hostPath(path), mode);

async function diff(
  base: readonly Change[],
  changes: readonly Change[],
  manager: ManagerName = "apt",
): Promise<Difference & { lines: string[] }> {
  using arena = makeArena();
  const { rootfs } = arena;
  for (const change of base) change(rootfs);
  const before = await takeSnapshot(rootfs);
  for (const change of changes) change(rootfs);
  const difference = diffSnapshots(before, await takeSnapshot(rootfs), { rootfs, manager });
  const lines = [...difference.entries].sort((a, b) => comparePaths(a.path, b.path))
    .map(({ path, type, mode, target }) =>
      `${path} ${type} ${mode.toString(8)}${target === "" ? "" : ` -> ${target}`}`
    );
  return { ...difference, lines };
}

const BASE = [write("a/1"), write("a/2"), write("a/sub/x"), write("b"), link("l", "b")];

Deno.test("diffSnapshots() lists what changed by content, mode and type, and nothing else", async () => {
  const { lines } = await diff(BASE, [
    write("a/1", "y"),
    write("a/2"), // the same content, written again
    chmod("b", 0o755),
    remove("l"),
    link("l", "a/1"),
    write("new/f"),
    (rootfs) => Deno.utimeSync(rootfs.hostPath("a/sub/x"), 1, 1),
  ]);
  assertEquals(lines, [
    "a/1 file 644",
    "b file 755",
    "l symlink 777 -> a/1",
    "new directory 755",
    "new/f file 644",
  ]);
});

Deno.test("diffSnapshots() makes one whiteout of what was removed, none below it", async () => {
  const { lines } = await diff(BASE, [remove("a"), remove("b")]);
  assertEquals(lines, [".wh.a file 644", ".wh.b file 644"]);
});

Deno.test("diffSnapshots() replaces a directory by a file and a file by a directory", async () => {
  const { lines } = await diff(BASE, [
    remove("a"),
    write("a", "now a file"),
    remove("b"),
    write("b/f"),
  ]);
  assertEquals(lines, ["a file 644", "b directory 755", "b/f file 644"]);
});

Deno.test("diffSnapshots() leaves out caches, logs, locks and backups of apt", async () => {
  const noise = [
    "var/cache/apt/archives/jq.deb",
    "var/cache/apt/pkgcache.bin",
    "var/lib/apt/lists/deb.debian.org_Packages",
    "var/cache/ldconfig/aux-cache",
    "var/cache/debconf/config.dat-old",
    "var/lib/dpkg/status-old",
    "var/lib/dpkg/lock-frontend",
    "var/log/dpkg.log",
    "var/log/apt/term.log",
    "etc/passwd-",
    "etc/resolv.conf",
    "etc/hosts",
    "tmp/x",
    "run/x",
    "dev/null",
    "usr/sbin/policy-rc.d",
  ];
  const { lines } = await diff([write("var/lib/dpkg/status", "old")], [
    write("var/lib/dpkg/status", "new"),
    ...noise.map((path) => write(path, "noise")),
    write("var/log/nginx/error.log", "", 0o640),
  ]);
  const kept = lines.filter((line) => !line.includes(" directory "));
  assertEquals(kept, ["var/lib/dpkg/status file 644", "var/log/nginx/error.log file 640"]);
  const directories = lines.filter((line) => line.includes(" directory ")).map((line) =>
    line.split(" ")[0]
  );
  for (const directory of ["tmp", "run", "dev"]) assert(!directories.includes(directory));
});

Deno.test("diffSnapshots() keeps what the base has of caches and logs, also when it is gone", async () => {
  const paths = ["var/lib/apt/lists/x_Packages", "var/log/old.log", "var/cache/apt/pkgcache.bin"];
  const { lines } = await diff(paths.map((path) => write(path)), paths.map(remove));
  assertEquals(lines, []);
});

Deno.test("diffSnapshots() leaves an empty machine-id, or the base's own", async () => {
  const id = "0123456789abcdef0123456789abcdef\n";
  const made = await diff([write("etc/x")], [write("etc/machine-id", id, 0o444)]);
  assertEquals(made.lines, ["etc/machine-id file 444"]);
  assertEquals(made.entries[0]!.content?.length, 0);
  assertEquals(
    (await diff([write("etc/machine-id", "")], [write("etc/machine-id", id)])).lines,
    [],
  );
});

Deno.test("diffSnapshots() leaves out keys that packages made, and says so", async () => {
  const { lines, warnings } = await diff([write("etc/ssh/x")], [
    write("etc/ssh/ssh_host_rsa_key", "PRIVATE"),
    write("etc/ssh/sshd_config"),
    link("etc/ssh/current", "ssh_host_rsa_key"),
    link("etc/ssh/config", "sshd_config"),
  ]);
  assertEquals(lines, [
    "etc/ssh/config symlink 777 -> sshd_config",
    "etc/ssh/sshd_config file 644",
  ]);
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.includes('"/etc/ssh/ssh_host_rsa_key"'));
});

Deno.test("diffSnapshots() leaves out apk's cache but not its database", async () => {
  const { lines } = await diff([write("lib/apk/db/installed", "old"), write("var/cache/apk/x")], [
    write("lib/apk/db/installed", "new"),
    write("var/cache/apk/APKINDEX.tar.gz"),
    write("lib/apk/db/lock"),
    write("var/log/apk.log", "log"),
  ], "apk");
  assertEquals(lines.filter((line) => line.includes(" file ")), ["lib/apk/db/installed file 644"]);
});

Deno.test("diffSnapshots() lists unchanged parents that are not mode 0755 of root, or they would become so", async () => {
  const base = [...BASE, write("a/deep/er/y"), chmod("a", 0o1777), chmod("a/deep", 0o750)];
  const { lines } = await diff(base, [
    write("a/deep/er/new"),
    remove("a/sub/x"),
    write("c/d"),
  ]);
  assertEquals(lines, [
    "a directory 1777",
    "a/deep directory 750",
    "a/deep/er/new file 644",
    "a/sub/.wh.x file 644",
    "c directory 755",
    "c/d file 644",
  ]);
});
