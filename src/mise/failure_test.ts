import { assertEquals, assertStringIncludes } from "@std/assert";
import type { MiseOciError } from "../errors.ts";
import { cleanMessage, compareVersions, explainFailure, maybePlace } from "./failure.ts";

function explain(stderr: string, more: { code?: number; killedBy?: string } = {}): MiseOciError {
  return explainFailure(["ls", "--json"], {
    code: 1,
    stdout: new Uint8Array(),
    stderr,
    ...more,
  });
}

Deno.test("explainFailure() turns an untrusted config into the command that trusts it", () => {
  const error = explain(
    "mise ERROR error parsing config file: /p/mise.toml\n" +
      "mise ERROR Config files in /p/mise.toml are not trusted.\nTrust them with `mise trust`. See https://x\n" +
      "mise ERROR Version: 2026.9.15 linux-x64 (2026-09-27)\n",
  );
  assertEquals(error.message, 'mise does not trust the config file "/p/mise.toml"');
  assertStringIncludes(error.hint ?? "", "run: mise trust /p/mise.toml");
});

Deno.test("C06: explainFailure() gives the file and line of a syntax error", () => {
  const error = explain(
    "mise WARN  Error loading settings file\nmise::config::parse_error\n\n" +
      "  × Invalid TOML in config file\n   ╭─[/p/mise.toml:3:7]\n 1 │ [tools\n   ·       ▲\n" +
      "   ·       ╰── unclosed table, expected `]`\n   ╰────\n",
  );
  assertEquals(error.code, "config");
  assertEquals(
    error.message,
    'Cannot parse config file "/p/mise.toml:3": unclosed table, expected `]`',
  );
});

Deno.test("explainFailure() names the template and why it does not render", () => {
  const error = explain(
    "mise ERROR failed to parse template: '{{ nope }}'\n" +
      "mise ERROR error: Variable `nope` is not defined. Available variables: cwd, env\n --> x:1:4\n",
  );
  assertEquals(
    error.message,
    "mise cannot render the template '{{ nope }}': Variable `nope` is not defined",
  );
});

Deno.test("C07: explainFailure() says which mise the project needs", () => {
  const error = explain(
    "mise ERROR mise version 2030.1 is required, but you are using 2026.9.15\n",
  );
  assertEquals(error.message, "The project needs mise 2030.1, but this is 2026.9.15");
});

Deno.test("C07: explainFailure() names the signal that ended mise", () => {
  const error = explain("", { code: 137, killedBy: "SIGKILL" });
  assertEquals(error.message, '"mise ls --json" was ended by SIGKILL');
  assertStringIncludes(error.hint ?? "", "memory");
});

Deno.test("C07: explainFailure() takes an unknown flag for an old mise", () => {
  const error = explain("error: unexpected argument '--json' found\n", { code: 2 });
  assertStringIncludes(error.hint ?? "", "too old");
  assertStringIncludes(error.message, "exit code 2: error: unexpected argument");
});

Deno.test("cleanMessage() drops colour, warnings and what every message has", () => {
  assertEquals(
    cleanMessage(
      "\x1b[31mmise ERROR\x1b[0m it broke\nmise WARN  old\nmise ERROR Version: 1\n" +
        "mise ERROR Run with --verbose or MISE_VERBOSE=1 for more information\n",
    ),
    "it broke",
  );
  assertEquals(cleanMessage("x\n".repeat(1000)).split("\n").length, 13);
  assertEquals(cleanMessage("y".repeat(5000)).length, 301);
});

Deno.test("maybePlace() finds the file in both kinds of message", () => {
  assertEquals(maybePlace("   ╭─[/a b/mise.toml:12:3]"), { file: "/a b/mise.toml", line: 12 });
  assertEquals(maybePlace("mise ERROR error parsing config file: /p/mise.toml\n"), {
    file: "/p/mise.toml",
  });
  assertEquals(maybePlace("anything"), undefined);
});

Deno.test("compareVersions() compares numbers, not text", () => {
  assertEquals(compareVersions("2026.10.0", "2026.9.15") > 0, true);
  assertEquals(compareVersions("2025.12.31", "2026.1.0") < 0, true);
  assertEquals(compareVersions("2026.4.19", "2026.4.19"), 0);
});

Deno.test("cleanMessage() leaves out the progress that mise draws while it installs", () => {
  const said =
    "mise by @jdx – installing 1 tool\nmise ✗ npm:a@1.0.0  57ms · failed: no such version\n" +
    "mise ████████ 1/1 · installed 0 tools · 1 failed in 66ms\n" +
    "mise ERROR Failed to install npm:a@1.0.0: no such version\nmise ERROR Version: 2026.9.15\n";
  assertEquals(cleanMessage(said), "Failed to install npm:a@1.0.0: no such version");
});

Deno.test("explainFailure() quotes the path in the command that trusts it", () => {
  const hintOf = (path: string): string | undefined =>
    explain(`mise ERROR Config files in ${path} are not trusted.\n`).hint;
  assertEquals(hintOf("/sp ace/mise.toml"), "Read it, then run: mise trust '/sp ace/mise.toml'");
  assertEquals(hintOf("/it's/m.toml"), "Read it, then run: mise trust '/it'\\''s/m.toml'");
  assertEquals(hintOf("/a\nb/m.toml"), "Read it, then run: mise trust $'/a\\nb/m.toml'");
});

Deno.test("explainFailure() calls mistakes in [env] the project's, and quotes no line of a .env file", () => {
  const required = explain(
    "mise ERROR Required environment variable 'REQ' is not defined. It must be set before mise runs or in a " +
      "later config file. (Required in: /p/mise.toml)\n",
  );
  assertEquals(required.code, "config");
  assertEquals(required.message, 'Variable "REQ" is required in "/p/mise.toml" and not set');
  const dotenv = explain(
    "mise ERROR failed to parse dotenv file: /p/.env\nmise ERROR Error parsing line: 'TOKEN = \"s3cret\n'\n",
  );
  assertEquals(dotenv.code, "config");
  assertStringIncludes(dotenv.message, '"/p/.env"');
  assertEquals(`${dotenv.message}${dotenv.hint}`.includes("s3cret"), false);
  const source = explain(
    'mise ERROR command ["/usr/bin/bash", "--noprofile", "-c", ". \\"/p/bad.sh\\"\\nexport -p\\n"] ' +
      "exited with code 3\n",
  );
  assertEquals(source.code, "config");
  assertStringIncludes(source.message, '"/p/bad.sh" (_.source): it ended with exit code 3');
  assertStringIncludes(source.hint ?? "", "bash /p/bad.sh");
});

Deno.test("explainFailure() says that mise may be too old only of what mise says of its arguments", () => {
  const old = explain("error: unexpected argument '--json-extended' found\n");
  assertStringIncludes(old.hint ?? "", "too old");
  const value = explain("mise ERROR invalid value: integer `-1`, expected u32\n");
  assertEquals(value.hint?.includes("too old"), false);
});
