import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createFakeMise } from "../../tests/support/fake_mise.ts";
import { MiseOciError } from "../errors.ts";
import { callMise, MAX_ANSWER_BYTES } from "./command.ts";

Deno.test("C07: callMise() gives up on a mise that hangs, also when its child holds the pipes", async () => {
  await using fake = await createFakeMise(() => ({
    "hang": { shell: "trap '' TERM\nsleep 300 &\necho $! > \"$0.child\"\nwait\nwait" },
  }));
  const error = await assertRejects(
    () => callMise({ misePath: fake.path, directory: "/", args: ["hang"], timeoutMs: 200 }),
    MiseOciError,
  );
  assertEquals(error.message, '"mise hang" did not answer in 0.2 seconds');
  // The child outlives every test that waits for it.
  Deno.kill(Number(await Deno.readTextFile(`${fake.path}.child`)));
});

Deno.test("C07: callMise() stops reading an endless answer", async () => {
  await using fake = await createFakeMise(() => ({ "flood": { shell: "exec cat /dev/zero" } }));
  const error = await assertRejects(
    () => callMise({ misePath: fake.path, directory: "/", args: ["flood"] }),
    MiseOciError,
  );
  assertStringIncludes(error.message, `printed more than ${MAX_ANSWER_BYTES} bytes`);
});

Deno.test("callMise() keeps the end of a long stderr", async () => {
  await using fake = await createFakeMise(() => ({
    "loud": { code: 1, stderr: `${"x".repeat(300_000)}the end` },
  }));
  const answer = await callMise({ misePath: fake.path, directory: "/", args: ["loud"] });
  assertEquals(answer.code, 1);
  assert(answer.stderr.endsWith("the end"));
  assert(answer.stderr.length < 200_000);
});

Deno.test("callMise() gives mise no terminal and no input", async () => {
  await using fake = await createFakeMise(() => ({
    "ask": { shell: "if read -r line; then echo asked; else echo end; fi" },
  }));
  const answer = await callMise({ misePath: fake.path, directory: "/", args: ["ask"] });
  assertEquals(new TextDecoder().decode(answer.stdout), "end\n");
});

Deno.test("callMise() says what is wrong with a file that cannot run", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "#!/no/such/interpreter\n");
    await Deno.chmod(path, 0o755);
    const error = await assertRejects(
      () => callMise({ misePath: path, directory: "/", args: ["x"] }),
      MiseOciError,
    );
    assertEquals(error.code, "mise");
    assertStringIncludes(error.message, `Cannot run mise at "${path}"`);
  } finally {
    await Deno.remove(path);
  }
});
