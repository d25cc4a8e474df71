import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { LineSplitter, OutputTooLong, ProcessTimeout, runProcess } from "./run.ts";

const words = { failure: "Cannot run it", explain: (cause: unknown): unknown => cause };
const keep = { maxBytes: 1000, beyond: "drop" } as const;

function sh(script: string): { readonly command: readonly string[] } & typeof words {
  return { command: ["/bin/sh", "-c", script], ...words };
}

Deno.test("lines are whole wherever chunks are cut, also within a character", () => {
  const bytes = new TextEncoder().encode("downloading ünï😀\r\n\r50 %\r100 %\nno end");
  for (let size = 1; size <= bytes.length; size++) {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    for (let at = 0; at < bytes.length; at += size) splitter.take(bytes.subarray(at, at + size));
    splitter.end();
    assertEquals(lines, ["downloading ünï😀", "50 %", "100 %", "no end"], `chunks of ${size}`);
  }
});

Deno.test("a line without an end is cut, not kept", () => {
  const lengths: number[] = [];
  const splitter = new LineSplitter((line) => lengths.push(line.length));
  for (let i = 0; i < 10; i++) splitter.take(new Uint8Array(3000).fill(0x78));
  assertEquals(lengths, Array(7).fill(4096));
  splitter.end();
  assertEquals(lengths, [...Array(7).fill(4096), 30_000 - 7 * 4096]);
});

Deno.test("two streams that speak in turns do not mix their lines and characters", async () => {
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  // Each printf is a chunk of its own: the bytes of "ü" come with something else between them.
  const parts = [`'down\\303'`, `'wa' >&2`, `'\\274loading\\n'`, `'rning \\360\\237' >&2`]
    .concat([`'\\230\\200\\n' >&2`]).map((part) => `printf ${part}; sleep 0.02`);
  const result = await runProcess({
    ...sh(parts.join("; ")),
    stdout: { ...keep, onLine },
    stderr: { ...keep, onLine },
  });
  assertEquals([result.code, lines.sort()], [0, ["downüloading", "warning 😀"]]);
});

Deno.test("the end of a long output is kept, or it is a failure", async () => {
  const script = "head -c 100000 /dev/zero | tr '\\0' x; printf end";
  const { stdout } = await runProcess({ ...sh(script), stdout: { ...keep, maxBytes: 10 } });
  assertEquals(new TextDecoder().decode(stdout), "xxxxxxxend");
  const flood = { ...sh("cat /dev/zero"), stdout: { maxBytes: 10, beyond: "fail" } as const };
  await assertRejects(() => runProcess(flood), OutputTooLong);
});

Deno.test("a program that ignores SIGTERM is killed, and a child of its own is not waited for", async () => {
  const started = performance.now();
  const hang = { ...sh("trap '' TERM; sleep 30 & wait; wait"), stdout: keep, graceMs: 50 };
  await assertRejects(() => runProcess({ ...hang, timeoutMs: 100 }), ProcessTimeout);
  const stop = new AbortController();
  const reason = new Error("stopped");
  const running = runProcess({ ...hang, signal: stop.signal });
  stop.abort(reason);
  assertEquals(await assertRejects(() => running, Error), reason);
  assertLess(performance.now() - started, 5_000);
});

Deno.test("a program is told by its exit code and signal, and gets what it is fed", async () => {
  const end = await runProcess({
    ...sh("cat; exit 3"),
    stdout: keep,
    feed: (stdin) => new Blob(["hello"]).stream().pipeTo(stdin),
  });
  assertEquals([end.code, new TextDecoder().decode(end.stdout)], [3, "hello"]);
  assertEquals((await runProcess(sh("kill -KILL $$"))).killedBy, "SIGKILL");
});

Deno.test("a program that may not be run is an error that names the flag", async () => {
  const script = `import { runProcess } from ${JSON.stringify(import.meta.resolve("./run.ts"))};
    await runProcess({ command: ["/bin/sh"], failure: "Cannot run it", explain: (e) => e })
      .catch((e) => console.log(JSON.stringify([e.code, e.message, e.hint])));`;
  const { stdout } = await runProcess({
    command: [
      Deno.execPath(),
      "run",
      "--quiet",
      "--no-prompt",
      `data:text/typescript,${encodeURIComponent(script)}`,
    ],
    ...words,
    stdout: keep,
  });
  const text = new TextDecoder().decode(stdout);
  assertStringIncludes(text, '["permission","Cannot run it: not permitted"');
  assertStringIncludes(text, "Allow it with --allow-run=/bin/sh");
});

Deno.test("a program that does not exist is what its caller makes of it", async () => {
  const error = await assertRejects(() =>
    runProcess({
      command: ["/none/at/all"],
      failure: "x",
      explain: (cause) => new MiseOciError("mise", "No mise", { cause }),
    }), MiseOciError);
  assertEquals(error.message, "No mise");
  assert(error.cause instanceof Deno.errors.NotFound);
});
