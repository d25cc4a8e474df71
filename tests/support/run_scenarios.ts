/**
 * What `run` must do with every engine, with the real one and the program as users run it.
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import {
  makeSmallImage,
  type ProgramEnd,
  type RunningProgram,
  startEngine,
  startProgram,
  type TestEngine,
} from "./containers.ts";
import { programCommand } from "./cli.ts";
import { rawBlobPath, readImage } from "./layout.ts";
import { buildBase, type Part, run, testWith } from "./testbed.ts";

/** An engine with the small image in a layout. */
interface Setting {
  readonly engine: TestEngine;
  readonly layout: string;
}

/** Starts `mise-oci run --image-dir … ARGS`. */
function start(
  { engine, layout }: Setting,
  args: readonly string[],
  stdin?: Uint8Array<ArrayBuffer>,
): RunningProgram {
  // dockerd of the testbed has no bridge; podman of the testbed has no network at all.
  const isGiven = engine.name !== "docker" || args.includes("--network");
  const network = isGiven ? [] : ["--engine-arg=--network=none"];
  const command = engine.runCommand(["--image-dir", layout, ...network, ...args]);
  return startProgram(command, {
    env: engine.env,
    cwd: engine.root,
    ...(stdin === undefined ? {} : { stdin }),
  });
}

function runIt(
  setting: Setting,
  args: readonly string[],
  stdin?: Uint8Array<ArrayBuffer>,
): Promise<ProgramEnd> {
  return start(setting, args, stdin).end;
}

async function checkStreams(setting: Setting): Promise<void> {
  const printed = await runIt(setting, ["--", "sh", "-c", "echo out; echo err >&2"]);
  assertEquals([printed.code, printed.text], [0, "out\n"], printed.stderr);
  assertStringIncludes(printed.stderr, "err\n");
  const quiet = await runIt(setting, ["-q", "--", "sh", "-c", "echo err >&2"]);
  assertEquals([quiet.code, quiet.text, quiet.stderr], [0, "", "err\n"]);
  const byDefault = await runIt(setting, []);
  assertEquals([byDefault.code, byDefault.text], [0, "default\n"], byDefault.stderr);
}

async function checkBinary(setting: Setting): Promise<void> {
  const bytes = new Uint8Array(10_000_000);
  for (let at = 0; at < bytes.length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65_536, bytes.length)));
  }
  const passed = await runIt(setting, ["-i", "--", "cat"], bytes);
  assertEquals(passed.code, 0, passed.stderr);
  assert(
    bytes.length === passed.stdout.length && bytes.every((byte, i) => byte === passed.stdout[i]),
  );
  const closed = await runIt(setting, ["--", "cat"], new TextEncoder().encode("not for it"));
  assertEquals([closed.code, closed.text], [0, ""], closed.stderr);
}

async function checkExitCodes(setting: Setting): Promise<void> {
  for (
    const [command, code] of [
      [["sh", "-c", "exit 37"], 37],
      [["sh", "-c", "exit 255"], 255],
      [["no-such-program"], 127],
      [["/tmp"], 126],
      [["sh", "-c", "sleep 100 & kill -9 $!; wait $!"], 137],
    ] as const
  ) {
    const ended = await runIt(setting, ["--", ...command]);
    assertEquals([ended.code, ended.text], [code, ""], `${command}: ${ended.stderr}`);
  }
}

async function checkValues(setting: Setting): Promise<void> {
  const { root } = setting.engine;
  await Deno.mkdir(join(root, "a dir"), { recursive: true });
  await Deno.writeTextFile(join(root, "a dir", "a 'file'"), "mounted");
  const script = `printf '<%s>' "$A" "$B" "$C" "$PWD" "$@"; cat "/mnt/b dir/a 'file'"`;
  const args = ["-x", "--", "", "two words", "line\nbreak", "$HOME", "'", "--keep"];
  const ended = await runIt(setting, [
    ...["-e", 'A=x y\n"z" \'--', "-e", "B=-leading", "-e=C="],
    ...["--volume", "./a dir:/mnt/b dir:ro", "-w", "/mnt/b dir"],
    ...["--", "sh", "-c", script, "sh", ...args],
  ]);
  const values = ['x y\n"z" \'--', "-leading", "", "/mnt/b dir", ...args];
  assertEquals(ended.text, `${values.map((value) => `<${value}>`).join("")}mounted`, ended.stderr);
  const inherited = await startProgram(
    setting.engine.runCommand([
      ...["--image-dir", setting.layout, "-e", "SECRET_OF_THIS_TEST"],
      ...(setting.engine.name === "docker" ? ["--engine-arg=--network=none"] : []),
      ...["--", "sh", "-c", 'printf %s "$SECRET_OF_THIS_TEST"'],
    ]),
    { env: { ...setting.engine.env, SECRET_OF_THIS_TEST: "a b" } },
  ).end;
  assertEquals(inherited.text, "a b", inherited.stderr);
}

/** What docker's users type: no `--`, and flags of `docker run`. */
async function checkDockerFlags(setting: Setting): Promise<void> {
  const { root } = setting.engine;
  await Deno.writeTextFile(join(root, "some.env"), "# comment\nFROM_FILE=a b\n");
  const ended = await runIt(setting, [
    ...["--rm", "--network", "none", "--name", "chosen", "-u", "1234:5678", "--entrypoint", "sh"],
    ...["--env-file", "some.env", "--mount", "type=bind,source=.,target=/mnt/here"],
    // With an entrypoint of its own, what follows -- are its arguments.
    ...[
      "--",
      "-c",
      'printf "%s|%s" "$FROM_FILE" "$*"; ls -d /mnt/here/some.env; ls -dn /proc/self/.',
    ],
    ...["sh", "--version", "-q", "--rm"],
  ]);
  assertEquals(ended.code, 0, ended.stderr);
  assertStringIncludes(ended.text, "a b|--version -q --rm/mnt/here/some.env");
  assertStringIncludes(ended.text, " 1234 5678 ");
  const plain = await runIt(setting, ["sh", "-c", 'printf %s "$*"', "sh", "--version", "-v"]);
  assertEquals([plain.code, plain.text], [0, "--version -v"], plain.stderr);
}

/** Three seconds in ms; more only on a machine so busy that an undisturbed run takes long. */
async function endLimit(setting: Setting): Promise<number> {
  const begin = performance.now();
  await runIt(setting, ["--", "sh", "-c", "exit 0"]);
  return Math.max(3000, 1000 + 5 * (performance.now() - begin));
}

async function checkSignals(setting: Setting): Promise<void> {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    for (
      const script of [
        "echo container-is-up; sleep 100",
        "trap '' INT TERM HUP; echo container-is-up; sleep 100",
      ]
    ) {
      const limit = await endLimit(setting);
      const running = start(setting, ["--", "sh", "-c", script]);
      await running.seen("container-is-up");
      const from = performance.now();
      running.child.kill(signal);
      const ended = await running.end;
      const took = performance.now() - from;
      assertEquals([ended.code, ended.text], [code, "container-is-up\n"], ended.stderr);
      assert(took < limit, `${signal}, ${script}: ${took} ms of ${limit}`);
      await setting.engine.assertEmpty(signal);
    }
  }
}

async function checkInterruptedLoad(setting: Setting): Promise<void> {
  const { engine } = setting;
  const limit = await endLimit(setting);
  const running = start({ engine, layout: await buildBase() }, ["-v", "--", "cat"]);
  await running.seen("  load sha256:");
  const from = performance.now();
  running.child.kill("SIGTERM");
  const ended = await running.end;
  assertEquals([ended.code, ended.text], [143, ""], ended.stderr);
  assert(performance.now() - from < limit);
}

/** Kills a run whose container is up; what it leaves is there. */
async function killRun(setting: Setting, flags: readonly string[] = []): Promise<void> {
  const { engine } = setting;
  const running = start(setting, [...flags, "sh", "-c", "echo container-is-up; sleep 100"]);
  await running.seen("container-is-up");
  running.child.kill("SIGKILL");
  // On a busy machine a container is heard before its engine calls it running.
  let listed = "";
  for (let tries = 0; listed === "" && tries < 20; tries++) {
    if (tries > 0) await new Promise((resolve) => setTimeout(resolve, 100));
    listed = await engine.ask("ps", "--quiet");
  }
  assert(listed !== "", "the container ended with the killed run");
  assert(await engine.ask("images", "--quiet") !== "", "the image went with the killed run");
  // Its client holds the streams until the container is gone.
  running.end.catch(() => {});
}

async function checkKilled(setting: Setting): Promise<void> {
  const { engine, layout } = setting;
  await killRun(setting);
  const next = await runIt(setting, ["--", "sh", "-c", "echo next"]);
  assertEquals([next.code, next.text], [0, "next\n"], next.stderr);
  await engine.assertEmpty("after the next run");
  await killRun(setting, ["--name", "chosen"]);
  const load = ["load", "--engine", engine.name, "--image-dir", layout, "-t", "app:1", "--quiet"];
  const loaded = await startProgram(programCommand(load), { env: engine.env }).end;
  assertEquals(loaded.code, 0, loaded.stderr);
  assertEquals(await engine.ask("ps", "--all", "--quiet"), "");
  const names = await engine.ask("images", "--format", "{{.Repository}}:{{.Tag}}");
  assertEquals(names.replace("localhost/", ""), "app:1");
  await engine.ask("rmi", "--force", "app:1");
}

async function checkFiveAtOnce(setting: Setting): Promise<void> {
  const ends = await Promise.all(
    [1, 2, 3, 4, 5].map((i) => runIt(setting, ["--", "sh", "-c", `echo ${i}; exit ${i}`])),
  );
  const stderr = ends.map((end) => end.stderr).join("\n");
  assertEquals(ends.map(({ code }) => code), [1, 2, 3, 4, 5], stderr);
  assertEquals(ends.map(({ text }) => text), [1, 2, 3, 4, 5].map((i) => `${i}\n`));
}

async function checkDamagedLayout({ engine, layout }: Setting): Promise<void> {
  const damaged = join(engine.root, "damaged");
  await run(["cp", "-a", layout, damaged]);
  const digest = (await readImage(damaged)).manifest.layers[0]?.digest ?? "";
  const path = rawBlobPath(damaged, digest);
  const bytes = await Deno.readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await Deno.writeFile(path, bytes);
  const refused = await runIt({ engine, layout: damaged }, ["--", "sh", "-c", "echo ran"]);
  assertEquals([refused.code, refused.text], [1, ""]);
  assertStringIncludes(refused.stderr, digest);
}

async function checkKeep(setting: Setting): Promise<void> {
  const { engine } = setting;
  const kept = await runIt(setting, ["--keep", "--", "sh", "-c", "exit 3"]);
  assertEquals(kept.code, 3, kept.stderr);
  const names = await engine.ask("images", "--format", "{{.Repository}}:{{.Tag}}");
  assertStringIncludes(names, "small:test");
  assertEquals(await engine.ask("ps", "--all", "--quiet"), "");
  // What was kept needs no loading, and the next run, which keeps nothing, leaves it alone.
  const again = await runIt(setting, ["-v", "--", "sh", "-c", "echo again"]);
  assertEquals(again.text, "again\n", again.stderr);
  assert(!again.stderr.includes("load sha256"), again.stderr);
  assertEquals(await engine.ask("images", "--format", "{{.Repository}}:{{.Tag}}"), names);
  await engine.ask("rmi", "--force", names.split("\n")[0] ?? "");
}

/** Shell: waits until the terminal has a size, and prints it. */
function untilSize(size: string): string {
  return `while [ "$(stty size)" != '${size}' ]; do sleep 0.1; done; stty size`;
}

async function checkTerminal(setting: Setting): Promise<void> {
  const { engine, layout } = setting;
  const socket = join(engine.root, "tmux");
  const tmux = async (...args: string[]): Promise<string> =>
    (await run(["tmux", "-S", socket, ...args], { env: engine.env })).stdout;
  const screen = async (wanted: RegExp): Promise<string> => {
    const deadline = Date.now() + 30_000;
    for (;;) {
      // tmux tells nobody that a pane changed.
      const text = await tmux("capture-pane", "-p");
      if (wanted.test(text)) return text;
      if (Date.now() > deadline) throw new Error(`No ${wanted} on the screen:\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const network = engine.name === "docker" ? ["--engine-arg=--network=none"] : [];
  const command = engine.runCommand(["--image-dir", layout, ...network, "-it", "--", "sh"]);
  const script = join(engine.root, "terminal.sh");
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  await Deno.writeTextFile(script, `${quoted}; echo "code=$?"; exec cat\n`);
  try {
    await tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", `sh '${script}'`);
    const first = await screen(/^#$/m);
    assert(!first.includes("load"), `progress is left on the terminal:\n${first}`);
    // The engine's client tells the size a moment after the shell has started.
    await tmux("send-keys", untilSize("24 80"), "Enter");
    await screen(/^24 80$/m);
    await tmux("resize-window", "-x", "100", "-y", "30");
    await tmux("send-keys", untilSize("30 100"), "Enter");
    await screen(/^30 100$/m);
    // Ctrl-C is the shell's, not ours: it ends what the shell runs, and the shell goes on.
    await tmux("send-keys", "echo begin; sleep 100", "Enter");
    await screen(/^begin$/m);
    await tmux("send-keys", "C-c");
    await tmux("send-keys", "echo after $((40 + 2))", "Enter");
    await screen(/^after 42$/m);
    await tmux("send-keys", "(exit 5)", "Enter");
    await tmux("send-keys", "C-d");
    await screen(/^code=5$/m);
  } finally {
    await run(["tmux", "-S", socket, "kill-server"], { allowFailure: true });
  }
}

const CHECKS: readonly (readonly [name: string, check: (setting: Setting) => Promise<void>])[] = [
  ["stdout and stderr are the container's, and nothing of ours is on stdout", checkStreams],
  ["-i passes 10 MB of binary through; without it the container reads nothing", checkBinary],
  ["the exit code is the container's, or the engine's own 126 and 127", checkExitCodes],
  ["C10: values with spaces, quotes, newlines and dashes arrive unchanged", checkValues],
  ["C10: docker's flags do what they do there, and a command needs no --", checkDockerFlags],
  ["D02: SIGINT, SIGTERM and SIGHUP end the container within three seconds", checkSignals],
  ["D02: SIGTERM while the image is loaded", checkInterruptedLoad],
  ["D01: what a killed run left is removed by the next run or load", checkKilled],
  ["five at once do not collide", checkFiveAtOnce],
  ["D06: a damaged layer is refused by its digest before anything is loaded", checkDamagedLayout],
  ["--keep keeps the image by its name, and the next run loads nothing", checkKeep],
  ["-it in a terminal: a clean screen, a shell, its size, Ctrl-C and Ctrl-D", checkTerminal],
];

/** Registers the tests of one engine. */
export function testRun(name: "podman" | "docker", parts: readonly Part[]): void {
  testWith(
    { needs: ["linux", "root", "base", "tmux", ...parts] },
    `run with ${name}`,
    async (t) => {
      await using engine = await startEngine(name);
      const layout = join(engine.root, "image");
      await makeSmallImage(layout, { tag: "small:test" });
      for (const [title, check] of CHECKS) {
        await t.step(title, async () => {
          await check({ engine, layout });
          await engine.assertEmpty(title);
        });
      }
    },
  );
}
