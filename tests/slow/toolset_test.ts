/**
 * Tools of several families: what `check` says is what happens, and layers name nothing of the host that the
 * build did not name. All families on all bases: bench/toolset.ts.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import { rawBlobPath, readImage } from "../support/layout.ts";
import { makeTempDir, run, startPodman, testUnless, which } from "../support/testbed.ts";
import { makeToolset } from "../support/toolset/toolset.ts";
import {
  isFalseBad,
  isFalseGood,
  type ToolsetTrial,
  tryToolset,
  writeProject,
} from "../support/toolset/trials.ts";

/** What is installed in a minute. */
const FAMILIES = [
  "node",
  "npm by auto",
  "npm by pnpm",
  "npm by bun",
  "http and github",
  "vfox and a plugin backend",
];
const NEEDS = ["linux", "root", "mise", "base", "mmdebstrap", "podman", "runc"] as const;
const NO_GCC = which("gcc") === undefined ? "gcc is not installed" : undefined;

const shown = ({ base, user, command, verdict, failure }: ToolsetTrial): string =>
  `${base}, ${user}: ${command}: said ${verdict ?? "good"}, was ${failure ?? "good"}`;

testUnless(
  NO_GCC,
  {
    needs: NEEDS,
    name:
      "no command of tools of six families is called good and does not start, or the other way round",
  },
  async () => {
    await using podman = await startPodman();
    const trials: ToolsetTrial[] = [];
    for (
      const [base, user] of [["without ca-certificates", "root"], ["musl", "uid 1000"], [
        "no shell",
        "read-only",
      ]] as const
    ) {
      trials.push(...await tryToolset(podman, { base, users: [user], families: FAMILIES }));
    }
    assertEquals(trials.filter(isFalseGood).map(shown), []);
    const bad = trials.filter(({ severity }) => severity === "start");
    assertEquals(trials.filter(isFalseBad).map(shown).slice(bad.length * 0.02), []);
    // Both kinds are among them.
    assertEquals(bad.length > 20 && trials.length - bad.length > 20, true);
  },
);

/** How many files `-v` says that name the host's directories, by layer. */
function namedFiles(stderr: string): Readonly<Record<string, number>> {
  const rows = stderr.matchAll(/^\s*(\S+) \S+: (\d+) files? still names? install directories/gm);
  return Object.fromEntries(Array.from(rows, ([, name, count]) => [name, Number(count)]));
}

testUnless(
  NO_GCC,
  {
    needs: NEEDS,
    name: "a layer names the host's directories in those files only that the build counts",
  },
  async () => {
    const toolset = await makeToolset(FAMILIES);
    await using temp = await makeTempDir();
    // What a cached layer says may be of a project with other tools.
    const cache = { MISE_OCI_CACHE_DIR: join(temp.path, "cache") };
    const env = { ...await writeProject(toolset, temp.path), ...cache };
    const output = join(temp.path, "image");
    const args = ["build", "-v", "--from", "scratch", "--compression", "none", "--no-mise"];
    const built = await runProgram([...args, "--no-check", "-o", output], { env, cwd: temp.path });
    assertEquals(built.code, 0, built.stderr);
    const named = namedFiles(built.stderr);
    const { manifest } = await readImage(output);
    for (const [i, { digest, annotations = {} }] of manifest.layers.entries()) {
      const tree = join(temp.path, `layer-${i}`);
      await Deno.mkdir(tree);
      await run(["tar", "-xf", rawBlobPath(output, digest), "-C", tree]);
      const { stdout } = await run(["grep", "-rlaF", toolset.home.root, tree], {
        allowFailure: true,
      });
      const files = stdout.split("\n").filter((line) => line !== "" && !line.endsWith(".pyc"));
      const tool = annotations["dev.mise.tool.short"] ?? "";
      assertEquals([tool, files.length], [tool, named[tool] ?? 0], files.join("\n"));
    }
  },
);
