import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { programCommand } from "../support/cli.ts";
import { createMiseProject, type MiseProject, run, testWith } from "../support/testbed.ts";

const COUNT = 300;

/** A project of many small tools, installed as mise would have them. */
async function openManyTools(): Promise<MiseProject> {
  const project = await createMiseProject({ tools: [], ownData: true });
  const names = Array.from({ length: COUNT }, (_, i) => `tool-${i + 1}`);
  const manifest: string[] = [];
  for (const name of names) {
    const directory = join(project.data, "installs", `npm-${name}`, "1.0.0", "bin");
    await Deno.mkdir(directory, { recursive: true });
    await Deno.writeTextFile(join(directory, name), `#!/bin/sh\necho ${name}\n`, { mode: 0o755 });
    manifest.push(
      `[npm-${name}]\nshort = "npm:${name}"\nfull = "npm:${name}"\nexplicit_backend = true\n`,
    );
  }
  await Deno.writeTextFile(
    join(project.data, "installs/.mise-installs.toml"),
    manifest.join("\n"),
  );
  const tools = names.map((name) => `"npm:${name}" = "1.0.0"\n`).join("");
  await Deno.writeTextFile(join(project.directory, "mise.toml"), `[tools]\n${tools}`);
  await project.runMise("trust", "--quiet");
  return project;
}

testWith(
  { needs: ["linux", "mise"] },
  "300 tools are 300 layers, with 128 open files at most, and docker's limit is told",
  async () => {
    await using project = await openManyTools();
    const output = join(project.root, "image");
    const [program, ...args] = programCommand([
      "build",
      "--from=scratch",
      "--no-mise",
      `--output=${output}`,
      "--json",
    ]);
    const command = ["sh", "-c", 'ulimit -n 128; exec "$0" "$@"', program, ...args] as const;
    const options = { cwd: project.directory, env: project.env };
    const { stdout, stderr } = await run([...command], options);
    const { layers } = JSON.parse(stdout) as { layers: { kind: string; digest: string }[] };
    const tools = layers.filter(({ kind }) => kind === "tool");
    assertEquals(tools.length, COUNT);
    assertEquals(new Set(tools.map(({ digest }) => digest)).size, COUNT);
    assertStringIncludes(stderr, `The image has ${layers.length} layers: docker takes 125 at most`);
  },
);
