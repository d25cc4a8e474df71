import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import type { ContainerOptions, Engine } from "../engine/mod.ts";
import { makeTempDir } from "../../tests/support/testbed/command.ts";
import { runContainer } from "./run_image.ts";
import { RUN_LABEL } from "./run_lease.ts";

const ignore = Deno.build.os === "windows";
const never = new AbortController().signal;

/** An engine whose containers are shell scripts. */
function shellEngine(removed: string[] = []): Engine {
  const part: Partial<Engine> = {
    runCommand: ({ command }: ContainerOptions) => ["/bin/sh", "-c", ...command],
    listContainers: (_label, value = "") =>
      Promise.resolve([{ id: value, name: "", label: value }]),
    removeContainer: (name) => {
      removed.push(name);
      // Like the real one: ends its client with the container, and succeeds if both are gone.
      try {
        Deno.kill(Number(Deno.readTextFileSync(name)), "SIGKILL");
      } catch (error) {
        if (!(error instanceof Error) || !error.message.includes("ESRCH")) throw error;
      }
      return Promise.resolve();
    },
  };
  return part as Engine;
}

function container(script: string, name = "unused"): ContainerOptions {
  const empty = { labels: { [RUN_LABEL]: name }, env: [], volumes: [], extra: [] };
  return { ...empty, image: "x", name, interactive: false, tty: false, command: [script] };
}

for (
  const [what, script, code] of [
    ["0", "exit 0", 0],
    ["37", "exit 37", 37],
    ["125, an error of the engine's own", "exit 125", 125],
    ["126, a command that cannot be executed", "exit 126", 126],
    ["127, a command that is not there", "exit 127", 127],
    ["137, a client that was killed", "kill -9 $$", 137],
  ] as const
) {
  Deno.test({
    name: `C10: the exit code is passed through: ${what}`,
    ignore,
    fn: async () => assertEquals(await runContainer(shellEngine(), container(script), never), code),
  });
}

/** Aborts as the program does for a signal, once the script is ready. */
async function interrupted(script: string, exitCode: number, removed: string[]): Promise<string> {
  await using temp = await makeTempDir();
  const [pid, log] = [join(temp.path, "pid"), join(temp.path, "log")];
  await Deno.writeTextFile(log, "");
  const controller = new AbortController();
  const reason = Object.assign(new Error("interrupted"), { exitCode });
  const watcher = Deno.watchFs(temp.path);
  const full = `echo $$ > '${pid}'; LOG='${log}'; ${script}`;
  const running = runContainer(shellEngine(removed), container(full, pid), controller.signal);
  for await (const _event of watcher) {
    if ((await Deno.readTextFile(log)).includes("ready")) break;
  }
  controller.abort(reason);
  await assertRejects(() => running, Error, "interrupted");
  return await Deno.readTextFile(log);
}

for (const [name, code] of [["INT", 130], ["TERM", 143], ["HUP", 129]] as const) {
  Deno.test({
    name: `D02: SIG${name} reaches the engine's client, and what that leaves is removed`,
    ignore: ignore || (name === "INT" && Deno.stdin.isTerminal()),
    fn: async () => {
      const removed: string[] = [];
      const script = `trap 'echo got >> $LOG; exit 0' ${name}; echo ready >> $LOG; ` +
        "while :; do sleep 0.05; done";
      assertEquals(await interrupted(script, code, removed), "ready\ngot\n");
      assertEquals(removed.length, 1);
    },
  });
}

Deno.test({
  name: "D02: a container that ignores the signal is removed, which ends its client",
  ignore,
  fn: async () => {
    const removed: string[] = [];
    await interrupted(
      "trap '' TERM; echo ready >> $LOG; while :; do sleep 0.05; done",
      143,
      removed,
    );
    assertEquals(removed.length, 1);
  },
});

Deno.test({
  name: "an interruption before the start starts nothing",
  ignore,
  fn: async () => {
    const signal = AbortSignal.abort(new Error("too late"));
    await assertRejects(
      () => runContainer(shellEngine(), container("exit 1"), signal),
      Error,
      "late",
    );
  },
});
