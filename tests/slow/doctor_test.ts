/**
 * `doctor` on a real project, whole and with one thing broken at a time; `init` before it, as users begin.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import { createMiseProject, type MiseProject, testWith } from "../support/testbed.ts";

interface Finding {
  readonly part: string;
  readonly state: string;
  readonly text: string;
  readonly fix?: string;
}

interface Diagnosis {
  readonly code: number;
  readonly findings: readonly Finding[];
  readonly broken: readonly string[];
}

async function diagnose(
  project: MiseProject,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = ["--offline"],
): Promise<Diagnosis> {
  const { code, stdout, stderr } = await runProgram(["doctor", "--json", ...args], {
    cwd: project.directory,
    env: { ...project.env, ...env },
  });
  assert(stdout.startsWith("{"), stderr);
  const { findings = [] } = JSON.parse(stdout) as { findings?: Finding[] };
  assert(findings.length > 0, stdout + stderr);
  const broken = findings.filter(({ state }) => state === "broken");
  for (const { fix } of broken) assert(fix !== undefined && fix !== "", stdout);
  return { code, findings, broken: broken.map(({ part }) => part) };
}

async function script(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

testWith(
  { needs: ["linux", "mise"] },
  "doctor names each broken set-up with its fix and ends with 1, and nothing on a machine that is well",
  async () => {
    await using project = await createMiseProject({ tools: ["prettier"], files: { "a/b": "" } });
    const bin = join(project.root, "bin");
    await Deno.mkdir(bin);
    const path = `${bin}:${project.env["PATH"] ?? ""}`;
    const engine = async (text: string): Promise<void> => await script(join(bin, "podman"), text);
    await engine("exit 0");
    const file = join(project.root, "file");
    await Deno.writeTextFile(file, "{ no json");
    const toml = join(project.directory, "mise.toml");
    const text = await Deno.readTextFile(toml);
    const breaks = async (
      part: string,
      why: string,
      env: Readonly<Record<string, string>> = {},
      args?: readonly string[],
    ): Promise<void> => {
      const { code, findings, broken } = await diagnose(project, { PATH: path, ...env }, args);
      assertEquals(broken, [part], JSON.stringify(findings));
      assertEquals(code, 1);
      const found = findings.find(({ state }) => state === "broken");
      assertStringIncludes(`${found?.text} ${found?.fix}`, why);
    };
    const init = await runProgram(["init"], { cwd: project.directory, env: project.env });
    assertEquals(init.code, 0, init.stderr);
    const whole = await diagnose(project, { PATH: path });
    assertEquals([whole.code, whole.broken], [0, []], JSON.stringify(whole.findings));

    await breaks("mise", "mise.run", { MISE_OCI_MISE: join(bin, "none") });
    await script(join(bin, "old"), "exit 3");
    await breaks("project", "mise", { MISE_OCI_MISE: join(bin, "old") });
    await breaks("login", "podman login", { REGISTRY_AUTH_FILE: file });
    await breaks("login", "no such file", { REGISTRY_AUTH_FILE: join(bin, "none.json") });
    await breaks("cache", "MISE_OCI_CACHE_DIR", { MISE_OCI_CACHE_DIR: join(file, "cache") });
    await breaks("registry", "127.0.0.1:1", {}, ["--from", "127.0.0.1:1/base:1"]);
    await engine("echo no daemon >&2; exit 1");
    await breaks("engine", "no daemon");
    await engine("exit 0");

    const output = join(project.directory, "mise-oci");
    await Deno.writeTextFile(output, "");
    await breaks("output", "is a file");
    await Deno.remove(output);
    await Deno.mkdir(output);
    await Deno.writeTextFile(join(output, "mine"), "");
    await breaks("output", "-o");
    await Deno.remove(output, { recursive: true });

    await Deno.writeTextFile(toml, text.replace("[tools]", '[tools]\n"npm:cowsay" = "1.6.0"'));
    await breaks("tools", "mise install");
    await Deno.writeTextFile(toml, `${text}\n[oci]\nform = "x"\n`);
    await breaks("project", "form");
    await Deno.writeTextFile(toml, "[tools\n");
    await breaks("project", "mise.toml");
  },
);
