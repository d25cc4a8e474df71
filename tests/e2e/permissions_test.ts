/** Permissions: what commands need, and that no set has more than the documentation says. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { NARROW_SETS, narrowSet, permissionFlags } from "../../scripts/compile/permissions.ts";
import manifest from "../../deno.json" with { type: "json" };
import { compiledProgram, whyNoExecutable } from "../support/executable.ts";
import { testPermissions } from "../support/permission_cases.ts";
import { buildBase, makeTempDir, REPOSITORY, run, testUnless, which } from "../support/testbed.ts";

testPermissions("needed");

Deno.test("the narrower sets are parts of the default one that differ in what they start alone", () => {
  const { run: all, ...others } = manifest.permissions.default;
  assertEquals(Object.keys(manifest.permissions), ["default"]);
  const started = new Set<string>();
  for (const name of NARROW_SETS) {
    const { run: programs, ...rest } = narrowSet(name);
    assertEquals<unknown>(rest, others, name);
    assert(programs.length < all.length, name);
    assertEquals(programs.filter((program) => !all.includes(program)), [], name);
    for (const program of programs) started.add(program);
  }
  assertEquals([...started].sort(), all.toSorted());
});

Deno.test("docs/permissions.md has the flags of every narrower set", async () => {
  const text = await Deno.readTextFile(join(REPOSITORY, "docs/permissions.md"));
  for (const name of NARROW_SETS) {
    const [flag = ""] = permissionFlags({ run: narrowSet(name).run });
    assert(text.includes(flag), `${name}: deno run -A scripts/gen_permissions.ts`);
  }
});

testUnless(
  whyNoExecutable() ?? (which("script") === undefined ? "script is not installed" : undefined),
  {
    needs: ["linux", "base"],
    name: "the executable asks nothing on a terminal: what it may not do it says",
  },
  async () => {
    const program = await compiledProgram();
    await using temp = await makeTempDir();
    const command = `'${program}' inspect '${await buildBase()}' --html /etc/x.html`;
    const result = await run(["script", "-qec", command, "/dev/null"], {
      cwd: temp.path,
      env: { HOME: temp.path, PATH: "/usr/bin:/bin", NO_COLOR: "1" },
      allowFailure: true,
      signal: AbortSignal.timeout(30_000),
    });
    assertEquals(result.code, 1, result.stdout);
    assertMatch(result.stdout, /error: Deno does not permit write access to "\/etc\S*"/);
    assertMatch(result.stdout, /hint: Choose another directory/);
    assertEquals(/\[y\/n|Allow\?/.test(result.stdout), false);
  },
);
