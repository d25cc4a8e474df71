/**
 * Every command under exactly the permissions that docs/permissions.md has for it, and under those less one:
 * then it either does not need it, or says in one line which flag is missing.
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { narrowSet, permissionFlags, type SetName } from "../../scripts/compile/permissions.ts";
import { inPairs } from "./in_pairs.ts";
import {
  createMiseProject,
  type MiseProject,
  pushBase,
  REPOSITORY,
  run,
  type RunResult,
  startDockerRegistry,
  startPodman,
  testWith,
} from "./testbed.ts";

const CONFIG = join(REPOSITORY, "deno.json");
const KINDS = ["read", "write", "net", "run", "env", "sys"] as const;
type Kind = typeof KINDS[number];

/** One command line with the set it runs under and the permissions that it cannot do without. */
interface Case {
  readonly set: SetName;
  readonly args: readonly string[];
  readonly needs: readonly Kind[];
}

/** Starts the program from its sources, nobody being asked anything. */
function start(
  args: readonly string[],
  flags: readonly string[],
  options: Place,
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

/** Where a command runs. */
interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs a command under its set. */
async function checkExact({ set, args }: Case, options: Place): Promise<void> {
  const { run: programs } = narrowSet(set);
  const exact = await start(args, ["-P", ...permissionFlags({ run: programs })], options);
  assertEquals(exact.code, 0, `${args.join(" ")} under ${set}: ${exact.stderr}`);
}

/** Runs a command under its set less each of some permissions in turn. */
async function checkLess(
  { set, args, needs }: Case,
  kinds: readonly Kind[],
  options: Place,
): Promise<void> {
  const whole = narrowSet(set);
  await inPairs(kinds, async (kind) => {
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
    { set: "inspect", args: ["cache", "df"], needs: ["read", "write", "env"] },
    { set: "inspect", args: ["cache", "path"], needs: ["read", "env"] },
    { set: "inspect", args: ["completion", "bash"], needs: ["env"] },
    { set: "inspect", args: ["build", "--help"], needs: [] },
  ];
}

/**
 * Registers the test of every command with real parts.
 * @param part `needed`: under exactly its permissions, and less each of those that it needs; `others`: less each
 * of those that it does without.
 */
export function testPermissions(part: "needed" | "others"): void {
  const names = {
    needed: "each command works under exactly its permissions, and without one names the flag",
    others: "each command does without each permission that the documentation does not list for it",
  };
  testWith(
    { needs: ["linux", "root", "mise", "base", "podman", "runc", "docker-registry", "skopeo"] },
    names[part],
    async () => {
      await using registry = await startDockerRegistry();
      await using podman = await startPodman();
      await using project = await createMiseProject({ tools: ["prettier"] });
      const from = await pushBase(registry.host);
      const options = { cwd: project.directory, env: { ...podman.env, ...project.env } };
      for (const one of cases(project, { from, host: registry.host })) {
        await checkExact(one, options);
        const needed = part === "needed";
        const kinds = KINDS.filter((kind) => one.needs.includes(kind) === needed);
        await checkLess(one, kinds, options);
      }
    },
  );
}
