/**
 * How much sooner Python tools start because layers keep bytecode: each tool in a container with a read-only root,
 * as another user, with the bytecode of its layer and as if there were none, in turns.
 *
 *     flock /tmp/bench.lock deno run -A bench/python_start.ts [ROUNDS]
 *
 * @module
 */
import { join } from "@std/path";
import { runProgram } from "../tests/support/cli.ts";
import { startPodman } from "../tests/support/testbed.ts";
import { toolsetBase } from "../tests/support/toolset/bases.ts";
import { makeToolset } from "../tests/support/toolset/toolset.ts";
import { writeProject } from "../tests/support/toolset/trials.ts";
import { spread } from "./measure.ts";

const FAMILIES = ["python (compiled here)", "pipx with uv"];
const COMMANDS = ["black", "yamllint", "http", "pre-commit", "poetry"];
/** Where Python looks for bytecode and finds none; that root cannot be written to either. */
const NONE = "PYTHONPYCACHEPREFIX=/none";

const rounds = Number(Deno.args[0] ?? 7);
const SCRIPT = `TIMEFORMAT="%R %U"
for round in $(seq ${rounds}); do for name in ${COMMANDS.join(" ")}; do
  echo "$name with $( { time $name --version >/dev/null; } 2>&1 | tail -1 )"
  echo "$name without $( { time env ${NONE} $name --version >/dev/null; } 2>&1 | tail -1 )"
done; done`;

await using podman = await startPodman();
const toolset = await makeToolset(FAMILIES);
const cwd = join(podman.root, "project");
await Deno.mkdir(cwd);
const env = await writeProject(toolset, cwd);
const layout = join(podman.root, "image");
const flags = [
  "--from",
  await toolsetBase("Debian"),
  "--compression",
  "none",
  "--no-mise",
  "--no-check",
];
const built = await runProgram(["build", ...flags, "-o", layout], { env, cwd });
if (built.code !== 0) throw new Error(built.stderr);
const { stdout: image } = await podman.run(["pull", "--quiet", `oci:${layout}`]);
const { stdout } = await podman.run([
  ...["run", "--rm", "--network=none", "--read-only", "--read-only-tmpfs=false", "--user=1000"],
  ...[image.trim(), "bash", "-c", SCRIPT],
]);
const rows = stdout.trim().split("\n").map((line) => line.split(" "));
for (const name of COMMANDS) {
  const median = (mode: string, column: number): number =>
    spread(
      rows.filter((row) => row[0] === name && row[1] === mode).map((row) => Number(row[column])),
    ).median;
  const [wall, user] = [2, 3].map((column) => median("with", column) / median("without", column));
  // deno-lint-ignore no-console
  console.log(
    `${name} --version: ${median("with", 2).toFixed(2)} s, without bytecode ${
      median("without", 2).toFixed(2)
    } s: ${wall?.toFixed(2)} of the wall time, ${
      user?.toFixed(2)
    } of the user time (${rounds} rounds)`,
  );
}
