import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fakeWorkflows, runFake } from "../tests/support/cli_fixture.ts";
import { Interruption } from "./cli/failure.ts";
import { MiseOciError } from "./errors.ts";

function failing(error: unknown): { readonly workflows: ReturnType<typeof fakeWorkflows> } {
  return { workflows: fakeWorkflows({ buildImage: () => Promise.reject(error) }) };
}

Deno.test("--help and help print help of the program and of each command on stdout", async () => {
  for (
    const args of [["--help"], ["-h"], ["help"], ["--help", "build"], ["build", "-h", "--jobs=x"]]
  ) {
    const { code, stdout, stderr } = await runFake(args);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "Usage: mise-oci");
    assertStringIncludes(stdout, "Examples:");
  }
  assertEquals(await runFake(["help", "cache", "prune"]), await runFake(["cache", "prune", "-h"]));
});

Deno.test("without a command help goes to stderr and the exit code is 2", async () => {
  for (const args of [[], ["cache"], ["-q"]]) {
    const { code, stdout, stderr } = await runFake(args);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, args[0] === "cache" ? "Commands:" : "Build and run:");
  }
});

Deno.test("C15: without a command --json gives an object too", async () => {
  for (
    const [args, hint] of [[["--json"], "mise-oci --help"], [
      ["cache", "--json"],
      "cache --help",
    ]] as const
  ) {
    const { code, stdout } = await runFake([...args]);
    const { error } = JSON.parse(stdout);
    assertEquals([code, error.code], [2, "usage"]);
    assertStringIncludes(error.hint, hint);
  }
});

Deno.test("--version prints the version of deno.json, with --json Deno's too", async () => {
  const manifest = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
  assertEquals((await runFake(["--version"])).stdout, `mise-oci ${manifest.version}\n`);
  assertEquals((await runFake(["version"])).stdout, `mise-oci ${manifest.version}\n`);
  const { stdout } = await runFake(["--version", "--json"]);
  assertEquals(JSON.parse(stdout).version, manifest.version);
  assertEquals(JSON.parse(stdout).deno, Deno.version.deno);
});

Deno.test("errors print the message and the hint on stderr and give the exit code of their kind", async () => {
  const error = new MiseOciError("registry", 'Cannot read "x"', { hint: "Try again" });
  assertEquals(await runFake(["build"], failing(error)), {
    code: 1,
    stdout: "",
    stderr: 'error: Cannot read "x"\nhint: Try again\n',
  });
  assertEquals((await runFake(["build", "--nope"])).code, 2);
  assertEquals((await runFake(["build"], failing(new MiseOciError("usage", "X")))).code, 2);
});

Deno.test("C15: with --json an error is an object on stdout too, for usage errors as well", async () => {
  const error = new MiseOciError("auth", "No access", { hint: "Log in" });
  const { code, stdout, stderr } = await runFake(["build", "--json"], failing(error));
  assertEquals(code, 1);
  assertEquals(JSON.parse(stdout), {
    error: { code: "auth", message: "No access", hint: "Log in" },
  });
  assertStringIncludes(stderr, "error: No access");
  const usage = await runFake(["--json", "biuld"]);
  assertEquals([usage.code, JSON.parse(usage.stdout).error.code], [2, "usage"]);
});

Deno.test("what nobody foresaw is called a bug and shows its stack; others only with --debug", async () => {
  const bug = await runFake(["build"], failing(new TypeError("x is undefined")));
  assertEquals(bug.code, 1);
  assertMatch(bug.stderr, /error: x is undefined\n {2}TypeError: x is undefined\n\s+at /);
  assertStringIncludes(bug.stderr, "bug in mise-oci");
  const error = new MiseOciError("io", "Cannot write", { cause: new Error("disk on fire") });
  assertEquals(
    (await runFake(["build"], failing(error))).stderr,
    "error: Cannot write\nhint: Check the path, its permissions and the space that is left\n",
  );
  const debug = await runFake(["build", "--debug"], failing(error));
  assertStringIncludes(debug.stderr, "Caused by: Error: disk on fire");
});

Deno.test("text from outside cannot move the cursor or pass for a line of ours", async () => {
  const error = new MiseOciError("registry", "Said \x1b[2J\r\nerror: \u202efake\x9b1m", {
    hint: "\x07",
  });
  const { stderr } = await runFake(["build"], failing(error));
  assertEquals(stderr, "error: Said \\x1b[2J\n  error: \\u202efake\\x9b1m\nhint: \\x07\n");
});

Deno.test("C12: a permission that Deno denies names the flag and the object", async () => {
  for (
    const [message, object, hint] of [
      [
        'Requires read access to "/x/y", run again with the --allow-read flag',
        '"/x/y"',
        "--allow-read=/x/y",
      ],
      [
        'Requires write access to "/x/.tmp-1", run again with the --allow-write flag',
        '"/x"',
        "--allow-write=/x,",
      ],
      [
        'Requires write access to "/etc/mise/.tmp-1", run again with the --allow-write flag',
        '"/etc/mise"',
        "Choose another directory",
      ],
      [
        'Requires all access to "/proc/x", run again with the --allow-all flag',
        '"/proc/x"',
        "Run with --allow-all, or",
      ],
      [
        'Requires run access to "mise", run again with the --allow-run flag',
        '"mise"',
        "--allow-run=mise",
      ],
      [
        'Requires env access to "HOME", run again with the --allow-env flag',
        '"HOME"',
        "--allow-env=HOME",
      ],
      [
        'Requires net access to "r.io:443", specify the required permissions during compilation using `deno compile --allow-net`',
        '"r.io:443"',
        "compiled without --allow-net",
      ],
    ] as const
  ) {
    const denied = new Deno.errors.NotCapable(message);
    for (const error of [denied, new MiseOciError("io", "Cannot read", { cause: denied })]) {
      const { code, stderr } = await runFake(["build"], failing(error));
      assertEquals(code, 1);
      assertStringIncludes(stderr, `access to ${object}`);
      assertStringIncludes(stderr, hint);
      assertEquals(stderr.split("\n").length, 3, stderr);
    }
  }
});

Deno.test("D02: an interrupted command gives the signal's exit code, whatever it throws", async () => {
  for (const [name, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    const controller = new AbortController();
    const workflows = fakeWorkflows({
      buildImage: (_request, { signal }) => {
        controller.abort(new Interruption(name));
        assertEquals(signal.aborted, true);
        return Promise.reject(new DOMException("aborted", "AbortError"));
      },
    });
    const ran = await runFake(["build"], { workflows, signal: controller.signal });
    assertEquals(ran, { code, stdout: "", stderr: `error: Interrupted by ${name}\n` });
  }
});

Deno.test("C15: a reader of stdout that went away is no error", async () => {
  const stdout = {
    write: (): void => {
      throw new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
    },
  };
  const { code, stderr } = await runFake(["--help"], { stdout });
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("colours only on a terminal, and not with --no-color, NO_COLOR or a dumb terminal", async () => {
  const colored = async (args: readonly string[], env: Record<string, string>): Promise<boolean> =>
    (await runFake([...args, "build", "--nope"], { env, terminal: ["stderr"] })).stderr.includes(
      "\x1b[",
    );
  assertEquals(await colored([], {}), true);
  assertEquals(await colored(["--no-color"], {}), false);
  assertEquals(await colored([], { NO_COLOR: "1" }), false);
  assertEquals(await colored([], { NO_COLOR: "" }), true);
  assertEquals(await colored([], { TERM: "dumb" }), false);
  assertEquals((await runFake(["build", "--nope"])).stderr.includes("\x1b["), false);
});

Deno.test("--cd that is no directory is an error before anything else", async () => {
  const { code, stderr } = await runFake(["-C", "/no/such/place", "build"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, '"/no/such/place"');
});

Deno.test("a part of the program that Deno cannot fetch or keep says which of the two it is", async () => {
  const failing = async (message: string): Promise<string> => {
    const buildImage = (): never => {
      throw new TypeError(message);
    };
    const { code, stderr } = await runFake(["build"], { workflows: fakeWorkflows({ buildImage }) });
    assertEquals(code, 1);
    return stderr;
  };
  const failed = "Failed caching npm package 'long@5.3.2': ";
  assertStringIncludes(await failing(`${failed}error sending request`), "Check the network");
  const kept = await failing(`${failed}failed to create '/x': Permission denied (os error 13)`);
  assertStringIncludes(kept, "hint: Set DENO_DIR to a directory that can be written");
});
