import { assertEquals } from "@std/assert";
import type { CheckRequest, CheckResult } from "../workflow/check_image.ts";
import { DIGEST, platform, run } from "../../tests/support/commands_fixture.ts";

const PROBLEM: CheckResult["problems"][number] = {
  type: "missing-library",
  message: "node does not start in the image: the library libatomic.so.1 is missing",
  severity: "start",
  commands: ["node"],
  dependents: ["prettier"],
  ofBase: false,
  causes: [{ type: "missing-library", library: "libatomic.so.1", file: "/node" }],
  remedies: [{ text: 'Add "apt:libatomic1"' }, { text: "Use another base" }],
};
const RESULT: CheckResult = {
  image: "app",
  digest: DIGEST,
  platform,
  platforms: [platform],
  commands: 9,
  problems: [PROBLEM, { ...PROBLEM, ofBase: true, message: "perl is missing", commands: ["x"] }],
  duplicates: [{
    message: "node is that of node; bun has one too",
    command: "node",
    winner: { path: "/node/bin/node", tool: "node" },
    shadowed: [{ path: "/bun/bin/node", tool: "bun" }],
  }],
};

async function check(
  args: readonly string[],
  result: CheckResult,
): Promise<{ request: CheckRequest | undefined; code: number; stdout: string }> {
  let request: CheckRequest | undefined;
  const { code, stdout } = await run(["check", ...args], {
    checkImage: (given) => {
      request = given;
      return Promise.resolve(result);
    },
  });
  return { request, code, stdout };
}

Deno.test("check asks for ./mise-oci, or for what is named", async () => {
  assertEquals((await check([], RESULT)).request, {
    source: { kind: "path", location: "/work/mise-oci" },
    directory: "/work",
  });
  assertEquals((await check(["oci:d:t", "--platform=arm64"], RESULT)).request, {
    source: { kind: "layout", location: "/work/d:t" },
    directory: "/work",
    platform: { os: "linux", architecture: "arm64" },
  });
});

Deno.test("check prints problems with what to do, and ends with 1", async () => {
  const { code, stdout } = await check([], RESULT);
  assertEquals(code, 1);
  assertEquals(
    stdout,
    `app: 9 commands, 3 do not start

Problems:
- node does not start in the image: the library libatomic.so.1 is missing
  fix: Add "apt:libatomic1"
  or:  Use another base

Problems of the base:
- perl is missing
  fix: Add "apt:libatomic1"
  or:  Use another base

Commands provided by two tools:
- node is that of node; bun has one too
`,
  );
});

Deno.test("check ends with 0 where only the base has problems", async () => {
  const result = { ...RESULT, problems: [{ ...PROBLEM, ofBase: true }] };
  assertEquals((await check([], result)).code, 0);
  assertEquals((await check(["-q"], result)).stdout, "");
});

Deno.test("check --json gives everything", async () => {
  const { stdout } = await check(["--json"], RESULT);
  const json = JSON.parse(stdout);
  assertEquals([json.ok, json.commands, json.platform], [false, 9, "linux/amd64"]);
  assertEquals(json.problems[0].remedies[1].text, "Use another base");
  assertEquals(json.duplicates[0].shadowed, [{ path: "/bun/bin/node", tool: "bun" }]);
});
