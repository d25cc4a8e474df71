import { assertEquals, assertStringIncludes } from "@std/assert";
import { abortOnSignals, type EndingSignal, Interruption } from "./failure.ts";

const main = new URL("../../main.ts", import.meta.url);

function program(args: readonly string[], permissions: readonly string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...permissions, main.pathname, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

Deno.test("C12: help and version need no permission; build names the first it lacks", async () => {
  const decoder = new TextDecoder();
  for (const args of [["--help"], ["build", "--help"], ["--version"]]) {
    const { code, stderr } = await program(args, []).output();
    assertEquals([args, code, decoder.decode(stderr)], [args, 0, ""]);
  }
  const { code, stderr } = await program(["build"], ["--allow-env", "--allow-run"]).output();
  assertEquals(code, 1);
  assertStringIncludes(decoder.decode(stderr), "error: Deno does not permit read access");
  assertStringIncludes(decoder.decode(stderr), "hint: Run with --allow-read");
});

Deno.test("C15: a closed stdout ends the program quietly", async () => {
  const child = program(["build", "--help"], []).spawn();
  await child.stdout.cancel();
  const [stderr, { code }] = await Promise.all([new Response(child.stderr).text(), child.status]);
  assertEquals([code, stderr], [0, ""]);
});

Deno.test({
  name: "a stdout that takes nothing more is an error without a stack, and its exit code is 1",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const command = ["run", "--no-prompt", main.pathname, "build", "--help"];
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", '"$0" "$@" > /dev/full', Deno.execPath(), ...command],
    }).output();
    const text = new TextDecoder().decode(stderr);
    assertEquals(code, 1);
    assertEquals(text.split("\n")[0], "error: Cannot write to stdout: No space left on device");
  },
});

Deno.test("D02: the first signal asks for an orderly end, the second ends at once", () => {
  const handlers = new Map<EndingSignal, () => void>();
  const exits: number[] = [];
  const signal = abortOnSignals({
    listen: (name, handler) => void handlers.set(name, handler),
    exit: (code) => void exits.push(code),
  });
  assertEquals([signal.aborted, exits], [false, []]);
  handlers.get("SIGINT")?.();
  assertEquals(signal.reason instanceof Interruption && signal.reason.exitCode, 130);
  assertEquals(exits, []);
  handlers.get("SIGINT")?.();
  assertEquals(exits, [130]);
});
