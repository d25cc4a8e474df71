/**
 * Every command under exactly the permission set that deno.json has for it, and under that set less one
 * permission: then it either does not need it, or says in one line which flag is missing.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { permissionFlags, type PermissionSet } from "../../scripts/compile/permissions.ts";
import { inPairs } from "../support/in_pairs.ts";
import { compiledProgram, whyNoExecutable } from "../support/executable.ts";
import {
  buildBase,
  createMiseProject,
  makeTempDir,
  type MiseProject,
  pushBase,
  REPOSITORY,
  run,
  type RunResult,
  startDockerRegistry,
  startPodman,
  testWith,
  which,
} from "../support/testbed.ts";

const CONFIG = join(REPOSITORY, "deno.json");
const SETS: Readonly<Record<string, PermissionSet>> =
  JSON.parse(Deno.readTextFileSync(CONFIG)).permissions;
const KINDS = ["read", "write", "net", "run", "env", "sys"] as const;
type Kind = typeof KINDS[number];

/** One command line with the set it runs under and the permissions that it cannot do without. */
interface Case {
  readonly set: string;
  readonly args: readonly string[];
  readonly needs: readonly Kind[];
}

/** Starts the program from its sources, nobody being asked anything. */
function start(
  args: readonly string[],
  flags: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<RunResult> {
  const main = join(REPOSITORY, "main.ts");
  const deno = ["run", "--quiet", "--frozen", "--no-prompt", "--config", CONFIG] as const;
  return run([Deno.execPath(), ...deno, ...flags, main, ...args], {
    ...options,
    allowFailure: true,
  });
}

function assertDenied({ code, stdout, stderr }: RunResult, kind: Kind, what: string): void {
  const errors = stderr.split("\n").filter((line) => line.startsWith("error:"));
  assertEquals([code, stdout, errors.length], [1, "", 1], `${what} without ${kind}: ${stderr}`);
  const [error = ""] = errors;
  assertMatch(error, new RegExp(`^error: Deno does not permit ${kind} access( to ".*")?$`), what);
  const hint = stderr.split("\n").find((line) => line.startsWith("hint:")) ?? "";
  assertMatch(hint, new RegExp(`^hint: Run with --allow-${kind}(=\\S+)?, or with -P `), what);
}

/** Runs a command under its set, then under the set less each permission in turn. */
async function checkCase(
  { set, args, needs }: Case,
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<void> {
  const whole = SETS[set];
  assert(whole !== undefined, set);
  const exact = await start(args, [`-P=${set}`], options);
  assertEquals(exact.code, 0, `${args.join(" ")} under ${set}: ${exact.stderr}`);
  await inPairs(KINDS, async (kind) => {
    const { [kind]: _, ...less } = whole;
    const result = await start(args, permissionFlags(less), options);
    const what = `${args.join(" ")} under ${set}`;
    if (needs.includes(kind)) assertDenied(result, kind, what);
    else assertEquals(result.code, 0, `${what} without ${kind}: ${result.stderr}`);
  });
}

function cases(project: MiseProject, image: { from: string; host: string }): readonly Case[] {
  const { from, host } = image;
  const build = ["build", "--no-mise", "--from", from];
  return [
    {
      set: "build",
      args: [...build, "--pull", "always"],
      needs: ["read", "write", "net", "run", "env"],
    },
    { set: "build", args: [...build, "--dry-run"], needs: ["read", "run", "env"] },
    {
      set: "push",
      args: ["push", "--image-dir", "mise-oci", `${host}/team/app:v1`],
      needs: ["read", "net", "env"],
    },
    {
      set: "run",
      args: ["run", "--image-dir", "mise-oci", "--engine", "podman", "--", "true"],
      needs: ["read", "write", "net", "run", "env"],
    },
    {
      set: "run",
      args: ["load", "--engine", "podman", "-t", "localhost/app:v1"],
      needs: ["read", "write", "run", "env"],
    },
    { set: "inspect", args: ["inspect", `${host}/team/app:v1`], needs: ["read", "net", "env"] },
    {
      set: "inspect",
      args: ["inspect", "--html", join(project.root, "map.html")],
      needs: ["read", "write", "env"],
    },
    { set: "inspect", args: ["check", from], needs: ["read", "write", "net", "env"] },
    { set: "inspect", args: ["diff", "mise-oci", "mise-oci"], needs: ["read", "env"] },
    { set: "inspect", args: ["cache", "ls"], needs: ["read", "write", "env"] },
    { set: "inspect", args: ["cache", "path"], needs: ["read", "env"] },
    { set: "inspect", args: ["completion", "bash"], needs: ["env"] },
    { set: "inspect", args: ["build", "--help"], needs: [] },
  ];
}

testWith(
  { needs: ["linux", "root", "mise", "base", "podman", "runc", "docker-registry", "skopeo"] },
  "each command works under exactly its permission set, and without one names the flag",
  async () => {
    await using registry = await startDockerRegistry();
    await using podman = await startPodman();
    await using project = await createMiseProject({ tools: ["prettier"] });
    const from = await pushBase(registry.host);
    const env = { ...podman.env, ...project.env };
    const options = { cwd: project.directory, env };
    for (const one of cases(project, { from, host: registry.host })) await checkCase(one, options);
  },
);

Deno.test("the named permission sets are parts of the default one, which has nothing more", () => {
  const { default: whole = {}, ...named } = SETS;
  assertEquals(Object.keys(named), ["build", "push", "run", "inspect"]);
  const programs = new Set<string>();
  for (const [name, { run: own, ...rest }] of Object.entries(named)) {
    const { run: all, ...others } = whole;
    assertEquals(rest, others, name);
    assert(Array.isArray(own) && Array.isArray(all));
    assertEquals(own.filter((program) => !all.includes(program)), [], name);
    for (const program of own) programs.add(program);
  }
  assertEquals([...programs].sort(), [...(whole["run"] as readonly string[])].sort());
});

const compiledName = "the executable asks nothing on a terminal: what it may not do it says";
const reason = whyNoExecutable() ??
  (which("script") === undefined ? "script is not installed" : undefined);
if (reason !== undefined) {
  Deno.test({ name: `${compiledName} (skipped: ${reason})`, ignore: true, fn: () => {} });
} else {
  testWith({ needs: ["linux", "base"] }, compiledName, async () => {
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
    assertMatch(result.stdout, /error: Deno does not permit write access to "\/etc\/x\.html\S*"/);
    assertMatch(result.stdout, /hint: Choose another directory/);
    assertEquals(/\[y\/n|Allow\?/.test(result.stdout), false);
  });
}
