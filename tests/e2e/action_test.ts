/**
 * `action.yml`'s script as a runner runs it: INPUT_* and the GITHUB_* files, and a real registry that wants a login.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { programCommand } from "../support/cli.ts";
import { encodeBase64Utf8 } from "../support/credential_helper.ts";
import {
  createMiseProject,
  type MiseProject,
  REPOSITORY,
  run,
  type RunResult,
  startDockerRegistry,
  testWith,
} from "../support/testbed.ts";

const LOGIN = { user: "me", password: "SENTINEL pass" };

/** A runner's surroundings of one job. */
interface Runner {
  /** Runs a step of the script with inputs. */
  step(name: "install" | "run", inputs: Readonly<Record<string, string>>): Promise<RunResult>;
  /** What the steps so far wrote to a file of the runner, which is emptied. */
  take(file: "GITHUB_OUTPUT" | "GITHUB_STEP_SUMMARY" | "GITHUB_PATH"): Promise<string>;
  /** Names in RUNNER_TEMP. */
  leftovers(): Promise<readonly string[]>;
}

async function makeRunner(project: MiseProject): Promise<Runner> {
  const directory = join(project.root, "a runner");
  const temp = join(directory, "temp");
  const bin = join(directory, "bin");
  await Deno.mkdir(temp, { recursive: true });
  await Deno.mkdir(bin);
  const words = programCommand([]).map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(join(bin, "mise-oci"), `#!/bin/sh\nexec ${words} "$@"\n`, {
    mode: 0o755,
  });
  const files = Object.fromEntries(
    ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH"].map((name) =>
      [name, join(directory, name)] as const
    ),
  );
  for (const path of Object.values(files)) await Deno.writeTextFile(path, "");
  const env = {
    ...project.env,
    ...files,
    PATH: `${bin}:${project.env["PATH"] ?? ""}`,
    RUNNER_TEMP: temp,
    GITHUB_REPOSITORY: "Acme/Dev",
    GITHUB_REF_NAME: "feature/x",
    SOURCE_DATE_EPOCH: "1700000000",
  };
  return {
    step: (name, inputs) =>
      run([join(REPOSITORY, "scripts/action.sh"), name], {
        env: { ...env, ...inputs },
        cwd: project.directory,
        allowFailure: true,
      }),
    take: async (file) => {
      const text = await Deno.readTextFile(files[file] ?? "");
      await Deno.writeTextFile(files[file] ?? "", "");
      return text;
    },
    leftovers: async () => (await Array.fromAsync(Deno.readDir(temp))).map(({ name }) => name),
  };
}

/** The outputs of a step by name. */
function parseOutputs(text: string): Readonly<Record<string, string>> {
  const found = text.matchAll(/^(\w+)<<(\S+)\n([^]*?)\n\2$/gm);
  return Object.fromEntries([...found].map(([, name = "", , value = ""]) => [name, value]));
}

testWith(
  { needs: ["linux", "root", "mise", "docker-registry"] },
  "the action pushes with a login of its own, gives outputs and a summary, and reuses the layers on the second run",
  async () => {
    await using registry = await startDockerRegistry({ htpasswd: LOGIN });
    await using project = await createMiseProject({ tools: ["prettier"] });
    const runner = await makeRunner(project);
    const inputs = {
      INPUT_IMAGE: `${registry.host}/team/dev:1`,
      INPUT_FROM: "scratch",
      INPUT_USERNAME: LOGIN.user,
      INPUT_PASSWORD: LOGIN.password,
      INPUT_TOKEN: "TOKEN",
      INPUT_ARGS: "--no-mise\n--no-check\n",
    };
    const installed = await runner.step("install", { INPUT_VERSION: "installed" });
    assertEquals(installed.code, 0, installed.stdout + installed.stderr);
    assertMatch(parseOutputs(await runner.take("GITHUB_OUTPUT"))["cache"] ?? "", /^\//);

    const first = await runner.step("run", inputs);
    assertEquals(first.code, 0, first.stdout + first.stderr);
    const outputs = parseOutputs(await runner.take("GITHUB_OUTPUT"));
    assertMatch(outputs["digest"] ?? "", /^sha256:[0-9a-f]{64}$/);
    assertEquals(outputs["reference"], `${registry.host}/team/dev@${outputs["digest"]}`);
    assertEquals(JSON.parse(outputs["metadata"] ?? "").digest, outputs["digest"]);
    const summary = await runner.take("GITHUB_STEP_SUMMARY");
    assertMatch(summary, /\| npm:prettier \S+ \| [\d.]+ MB \| \w+ \| `sha256:/);
    assertStringIncludes(summary, "Check:");

    // What is seen is masked, and what is written is gone.
    const unmasked = first.stdout.split("\n").filter((line) => !line.startsWith("::add-mask::"));
    for (const secret of [LOGIN.password, encodeBase64Utf8(`${LOGIN.user}:${LOGIN.password}`)]) {
      assert(!(unmasked.join("\n") + first.stderr + summary).includes(secret));
      assertStringIncludes(first.stdout, `::add-mask::${secret}`);
    }
    assertEquals((await runner.leftovers()).filter((name) => name.includes("login")), []);

    const second = await runner.step("run", inputs);
    assertEquals(second.code, 0, second.stdout + second.stderr);
    assertEquals(parseOutputs(await runner.take("GITHUB_OUTPUT"))["digest"], outputs["digest"]);
    assertMatch(await runner.take("GITHUB_STEP_SUMMARY"), /; 0 blobs sent/);
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "the action builds a layout, and says what is wrong as an annotation",
  async () => {
    await using project = await createMiseProject({ tools: ["prettier"] });
    const runner = await makeRunner(project);
    const build = {
      INPUT_COMMAND: "build",
      INPUT_FROM: "scratch",
      INPUT_IMAGE: "dev:1",
      INPUT_ARGS: "--no-mise\n--no-check",
    };
    const built = await runner.step("run", build);
    assertEquals(built.code, 0, built.stdout + built.stderr);
    assertEquals(parseOutputs(await runner.take("GITHUB_OUTPUT"))["reference"], "dev:1");
    await Deno.stat(join(project.directory, "mise-oci/index.json"));

    const wrong = async (inputs: Record<string, string>, why: string): Promise<void> => {
      const result = await runner.step("run", { ...build, ...inputs });
      assertEquals(result.code, 1);
      assertStringIncludes(result.stdout, `::error::${why}`);
    };
    await wrong({ INPUT_FROM: "oci:./none" }, "mise-oci: Cannot");
    await wrong({ INPUT_COMMAND: "deploy" }, 'Input "command" is "deploy"');
    await wrong({ INPUT_STRICT_ENV: "yes" }, 'Input "strict-env" is "yes"');
    await wrong(
      { INPUT_COMMAND: "push", INPUT_IMAGE: "dev" },
      'mise-oci: Cannot push to "dev": no registry host. Name',
    );
  },
);
