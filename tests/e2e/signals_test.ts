/** Signals during a build: the documented exit code, without finishing a layer, and nothing half-made left behind. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { programCommand, runProgramJson } from "../support/cli.ts";
import { checkLayout } from "../support/layout.ts";
import { createMiseProject, type MiseProject, run, testWith } from "../support/testbed.ts";

interface Ended {
  readonly code: number;
  readonly stderr: string;
}

/** Starts a build, sends a signal once its largest layer is being built, and waits for its end. */
async function interrupt(
  project: MiseProject,
  signals: readonly Deno.Signal[],
  output: string,
): Promise<Ended> {
  const [program, ...args] = programCommand([
    ...["build", "--from", "scratch", "--no-cache", "--progress", "plain", "-o", output],
  ]);
  const child = new Deno.Command(program, {
    args,
    cwd: project.directory,
    env: project.env,
    clearEnv: true,
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let stderr = "";
  let isSent = false;
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    stderr += text;
    if (!isSent && /node-linux-\w+ 24\.11\.0 .*\.\.\./.test(stderr)) {
      isSent = true;
      for (const signal of signals) child.kill(signal);
    }
  }
  const { code } = await child.status;
  assert(isSent, `the build never began its largest layer:\n${stderr}`);
  return { code, stderr };
}

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  testWith(
    { needs: ["linux", "mise"] },
    `D02: ${signal} ends a build with ${code} and leaves nothing half-made`,
    async () => {
      await using project = await createMiseProject({ tools: ["node", "prettier"] });
      const output = join(project.root, "image");
      const ended = await interrupt(project, [signal], output);
      assertEquals(ended.code, code, ended.stderr);
      assertStringIncludes(ended.stderr, `Interrupted by ${signal}`);
      assert(!/node-linux-\w+ 24\.11\.0: built/.test(ended.stderr), ended.stderr);
      assertEquals(await Deno.stat(join(output, "index.json")).catch(() => "absent"), "absent");
      const cache = join(project.root, "mise/home/.cache/mise-oci");
      const left = await run(["find", cache, "-name", ".tmp-*"]);
      assertEquals(left.stdout, "");
      const args = ["build", "--from", "scratch", "-o", output];
      await runProgramJson(args, { cwd: project.directory, env: project.env });
      await checkLayout(output);
    },
  );
}

testWith({ needs: ["linux", "mise"] }, "D02: a second SIGINT ends a build at once", async () => {
  await using project = await createMiseProject({ tools: ["node"] });
  const ended = await interrupt(project, ["SIGINT", "SIGINT"], join(project.root, "image"));
  assertEquals(ended.code, 130);
});
