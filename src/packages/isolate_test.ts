import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { isolatedTest, makeShellRootfs } from "../../tests/support/shell_rootfs.ts";
import { makeArena } from "../../tests/support/rootfs_fixture.ts";
import { type IsolatedResult, prepareMountPoints, runIsolated } from "./isolate.ts";
import type { Rootfs } from "../rootfs/rootfs.ts";

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

function sh(rootfs: Rootfs, script: string, signal?: AbortSignal): Promise<IsolatedResult> {
  prepareMountPoints(rootfs);
  return runIsolated(rootfs, {
    command: ["/bin/sh", "-c", script],
    env: { PATH, GREETING: "hello" },
    hostPath: PATH,
    network: false,
    ...(signal === undefined ? {} : { signal }),
  });
}

/** What is mounted on this machine in a rootfs: nothing may ever be. */
function mounts({ directory }: Rootfs): readonly string[] {
  const all = Deno.readTextFileSync("/proc/self/mounts").split("\n");
  return all.filter((line) => line.includes(directory));
}

isolatedTest(
  "U31: a script sees the rootfs, and of the host neither files nor variables",
  async () => {
    using shell = await makeShellRootfs("");
    Deno.env.set("SECRET_OF_THE_HOST", "s3cret-sentinel");
    const { code, tail } = await sh(
      shell.rootfs,
      `echo "$GREETING$SECRET_OF_THE_HOST"; ls / ; ls ${shell.outside} 2>&1; cat /proc/1/environ; ls -d /proc/[0-9]*`,
    );
    Deno.env.delete("SECRET_OF_THE_HOST");
    assertEquals(code, 0, tail.join("\n"));
    assert(tail.includes("hello"));
    assert(tail.some((line) => line.includes("No such file")));
    assert(!tail.join("\n").includes("s3cret-sentinel"));
    assert(
      tail.filter((line) => /^\/proc\/\d+$/.test(line)).length <= 3,
      "host processes are visible",
    );
    assertEquals(mounts(shell.rootfs), []);
  },
);

isolatedTest(
  "U31: a script cannot write outside, mount, make devices, or change the kernel",
  async () => {
    using shell = await makeShellRootfs("");
    const { tail } = await sh(
      shell.rootfs,
      `touch /outside-sentinel && echo inside
     touch ${shell.outside}/x || echo refused-outside
     mknod /disk b 254 0 || echo refused-mknod
     (echo x >/proc/sys/kernel/core_pattern) || echo refused-proc
     ln -s ${shell.outside} /out; touch /out/y || echo refused-link
     touch ../../../../../../../../${shell.outside}/z || echo refused-climb`,
    );
    const said = tail.filter((line) => /^(?:inside|refused-\w+)$/.test(line)).sort();
    assertEquals(said, [
      "inside",
      "refused-climb",
      "refused-link",
      "refused-mknod",
      "refused-outside",
      "refused-proc",
    ]);
    assertEquals([...Deno.readDirSync(shell.outside)], []);
    assertThrows(() => Deno.lstatSync("/outside-sentinel"), Deno.errors.NotFound);
  },
);

isolatedTest(
  "runIsolated() gives the exit code, and kills everything when it is aborted",
  async () => {
    using shell = await makeShellRootfs("");
    assertEquals((await sh(shell.rootfs, "echo out; echo err >&2; exit 42")).code, 42);
    const controller = new AbortController();
    const running = sh(shell.rootfs, "(sleep 1000 &) ; sleep 1001", controller.signal);
    controller.abort(new MiseOciError("interrupted", "Stopped"));
    await assertRejects(() => running, MiseOciError, "Stopped");
    assertEquals(mounts(shell.rootfs), []);
  },
);

isolatedTest("runIsolated() that is aborted at any moment leaves nothing running", async () => {
  using shell = await makeShellRootfs("");
  for (let ms = 0; ms < 12; ms++) {
    const controller = new AbortController();
    const running = sh(shell.rootfs, "(sleep 1000 &) ; sleep 1001", controller.signal);
    setTimeout(() => controller.abort(new MiseOciError("interrupted", "Stopped")), ms);
    // Whatever were left would hold its output open, and this would wait for it.
    await assertRejects(() => running, MiseOciError, "Stopped");
  }
});

isolatedTest("D01: what runs isolated dies with a build that is killed", async () => {
  using shell = await makeShellRootfs("");
  const module = JSON.stringify(import.meta.resolve("./isolate.ts"));
  const rootfs = JSON.stringify(import.meta.resolve("../rootfs/rootfs.ts"));
  const command = ["/bin/sh", "-c", "echo up; (sleep 1000 &); sleep 1001"];
  const program = `
    const { prepareMountPoints, runIsolated } = await import(${module});
    const { Rootfs } = await import(${rootfs});
    const rootfs = new Rootfs(${JSON.stringify(shell.rootfs.directory)});
    prepareMountPoints(rootfs);
    await runIsolated(rootfs, {
      command: ${JSON.stringify(command)},
      env: { PATH: "${PATH}" }, hostPath: "${PATH}", network: false,
      onLine: (line) => console.log(line),
    });`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", "-"],
    cwd: new URL("../../", import.meta.url),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await reader.read()).value, "up\n");
  await reader.cancel();
  const pattern = shell.rootfs.directory;
  const running = async (): Promise<boolean> =>
    (await new Deno.Command("pgrep", { args: ["-f", pattern], stdout: "null" }).output()).success;
  assert(await running());
  child.kill("SIGKILL");
  await child.status;
  const deadline = Date.now() + 5000;
  while (await running()) assert(Date.now() < deadline, "it still runs");
});

isolatedTest("runIsolated() keeps the end of a flood of output, and its memory", async () => {
  using shell = await makeShellRootfs("");
  const script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo end";
  const { tail } = await sh(shell.rootfs, script);
  assertEquals(tail.at(-1), "end");
  assert(tail.length <= 30);
});

Deno.test("prepareMountPoints() refuses links where something would be mounted", () => {
  for (const name of ["dev", "proc", "run", "tmp"]) {
    using arena = makeArena();
    Deno.symlinkSync(arena.outside, `${arena.rootfs.directory}/${name}`);
    assertThrows(() => prepareMountPoints(arena.rootfs), MiseOciError, `"/${name}"`);
    arena.checkOutside();
  }
});
