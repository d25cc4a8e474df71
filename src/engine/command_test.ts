import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { makeFakeProgram } from "../../tests/support/fake_engine.ts";
import { runEngineCommand } from "./command.ts";

const ignore = Deno.build.os === "windows";

/** Writes so much that no pipe holds it. */
async function feedMuch(stream: WritableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
  const writer = stream.getWriter();
  for (let i = 0; i < 100; i++) await writer.write(new Uint8Array(100_000));
  await writer.close();
}

function engineTest(name: string, script: string, check: (path: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    fn: async () => {
      await using program = await makeFakeProgram("docker", script);
      await check(program.path);
    },
  });
}

engineTest("everything that is fed arrives", "wc -c", async (path) => {
  const outcome = await runEngineCommand([path, "load"], { feed: feedMuch });
  assertEquals([outcome.code, outcome.stdout.trim()], [0, "10000000"]);
});

engineTest(
  "C11: a load that dies mid-stream shows the broken pipe and what the engine said",
  "head -c 1000 >/dev/null; echo 'the daemon crashed' >&2; exit 3",
  async (path) => {
    const error = await assertRejects(
      () => runEngineCommand([path, "load"], { feed: feedMuch }),
      MiseOciError,
    );
    assertStringIncludes(error.message, "ended with code 3 before it had read the image");
    assertStringIncludes(error.message, "Broken pipe");
    assertStringIncludes(error.message, "the daemon crashed");
  },
);

engineTest(
  "C11: a load that closes its stdin and lives on does not hold us up",
  "exec <&-; echo 'no space left on device' >&2; sleep 0.2; exit 1",
  async (path) => {
    const error = await assertRejects(
      () => runEngineCommand([path, "load"], { feed: feedMuch }),
      MiseOciError,
      "no space left on device",
    );
    assertEquals(error.code, "engine");
  },
);

engineTest(
  "C11: a flood on stderr is read while the image is fed, and its end is shown",
  "head -c 5000000 /dev/zero | tr '\\0' x >&2; cat >/dev/null; echo >&2; echo 'the end' >&2; exit 1",
  async (path) => {
    const outcome = await runEngineCommand([path, "load"], { feed: feedMuch });
    assertEquals(outcome.code, 1);
    assert(outcome.errors.endsWith("the end"));
    assert(outcome.errors.length <= 1000);
  },
);

engineTest(
  "what we cannot read for the engine is the cause, with the engine's words beside it",
  "cat >/dev/null; echo 'unexpected EOF' >&2; exit 1",
  async (path) => {
    const cause = new MiseOciError("integrity", "Blob is damaged");
    const feed = async (stream: WritableStream<Uint8Array<ArrayBuffer>>): Promise<void> => {
      await stream.abort(cause);
      throw cause;
    };
    const error = await assertRejects(() => runEngineCommand([path], { feed }), MiseOciError);
    assertStringIncludes(error.message, "Blob is damaged");
    assertStringIncludes(error.message, "unexpected EOF");
    assertEquals(error.cause, cause);
  },
);

engineTest("a signal ends the program", "echo started; exec sleep 100", async (path) => {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error("enough")), 100);
  await assertRejects(
    () => runEngineCommand([path], { signal: controller.signal }),
    Error,
    "enough",
  );
  clearTimeout(timer);
});

Deno.test("a program that is not there is named", async () => {
  await assertRejects(
    () => runEngineCommand(["/nowhere/podman", "ps"]),
    MiseOciError,
    'Cannot start "/nowhere/podman"',
  );
});
