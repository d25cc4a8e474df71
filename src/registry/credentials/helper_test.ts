import { assert, assertEquals, assertThrows } from "@std/assert";
import { dirname, join } from "@std/path";
import { MiseOciError } from "../../errors.ts";
import {
  helperProgram,
  type HelperResult,
  helperRunner,
  maybeHelperCredentials,
} from "./helper.ts";
import { writeHelper } from "../../../tests/support/credential_helper.ts";

const ignore = Deno.build.os === "windows"; // The fake helpers are shell scripts.

async function runFake(
  body: string,
  options: { timeoutMs?: number; maxBytes?: number } = {},
): Promise<HelperResult> {
  const directory = await Deno.makeTempDir();
  try {
    await writeHelper(directory, "fake", body);
    const run = helperRunner({
      env: (name) => name === "PATH" ? directory : undefined,
      ...options,
    });
    return await run("docker-credential-fake", "registry.example:5000");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("A09: a helper's name that could leave PATH or be a flag is refused", () => {
  for (
    const name of ["../../x", "/bin/sh", "a b", "", "x\0", "x\n", "é", "x;y", "-h", "..", 5, null]
  ) {
    assertThrows(() => helperProgram(name, "file"), MiseOciError, "Cannot use credential helper");
  }
  assertEquals(helperProgram("ecr-login", "file"), "docker-credential-ecr-login");
});

Deno.test({
  name: "a helper gets `get` as its argument and the registry on stdin",
  ignore,
  fn: async () => {
    const result = await runFake('printf "%s|%s" "$*" "$(cat)"');
    assert(result.kind === "exited");
    assertEquals(new TextDecoder().decode(result.stdout), "get|registry.example:5000");
  },
});

Deno.test({
  name: "A08: a helper that hangs with a child of its own is killed and not waited for",
  ignore,
  fn: async () => {
    // The child keeps the pipes open for longer than any test may take.
    const pid = join(await Deno.makeTempDir(), "pid");
    const result = await runFake(`sleep 300 & echo $! > '${pid}'; sleep 300`, { timeoutMs: 200 });
    assertEquals(result, { kind: "unusable", why: "did not answer in time" });
    Deno.kill(Number(await Deno.readTextFile(pid)));
    await Deno.remove(dirname(pid), { recursive: true });
  },
});

Deno.test({
  name: "A08: a helper that closes stdout and hangs is killed",
  ignore,
  fn: async () => {
    const result = await runFake("exec >&- ; sleep 5", { timeoutMs: 200 });
    assertEquals(result, { kind: "unusable", why: "did not answer in time" });
  },
});

Deno.test({
  name: "A08: a helper that floods stdout is cut off, one that floods stderr is not blocked",
  ignore,
  fn: async () => {
    assertEquals(await runFake("yes", { maxBytes: 1000 }), {
      kind: "unusable",
      why: "wrote too much",
    });
    const result = await runFake("head -c 10000000 /dev/zero >&2; echo '{}'");
    assert(result.kind === "exited");
    assertEquals(result.code, 0);
  },
});

Deno.test({
  name: "A07: a helper that is missing, not executable or only relative on PATH is not run",
  ignore,
  fn: async () => {
    const directory = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(join(directory, "docker-credential-plain"), "#!/bin/sh\n");
      await writeHelper(directory, "there", "echo '{}'");
      const absolute = helperRunner({ env: () => `${directory}/none:${directory}` });
      const missing = { kind: "unusable", why: "is not on PATH" } as const;
      assertEquals(await absolute("docker-credential-none", "h"), missing);
      assertEquals(await absolute("docker-credential-plain", "h"), missing);
      assertEquals((await absolute("docker-credential-there", "h")).kind, "exited");
      const relative = helperRunner({ env: () => ".:" });
      assertEquals(await relative("docker-credential-there", "h"), missing);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test({
  name: "A07: a helper that cannot be executed is unusable, not an error",
  ignore,
  fn: async () => {
    const directory = await Deno.makeTempDir();
    try {
      const path = join(directory, "docker-credential-bad");
      await Deno.writeTextFile(path, "#!/no/such/interpreter\n");
      await Deno.chmod(path, 0o755);
      const run = helperRunner({ env: () => directory });
      assertEquals((await run("docker-credential-bad", "h")).kind, "unusable");
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test("maybeHelperCredentials() reads an answer and tells identity tokens apart", () => {
  const parse = (value: unknown): unknown =>
    maybeHelperCredentials(new TextEncoder().encode(JSON.stringify(value)), "answer");
  assertEquals(parse({ ServerURL: "h", Username: "me", Secret: "p:w\n\0" }), {
    kind: "basic",
    username: "me",
    password: "p:w\n\0",
  });
  assertEquals(parse({ Username: "<token>", Secret: "refresh" }), {
    kind: "identity",
    token: "refresh",
  });
  assertEquals(parse({ Username: "me", Secret: "" }), undefined);
  assertEquals(maybeHelperCredentials(new TextEncoder().encode(" \n"), "answer"), undefined);
});
