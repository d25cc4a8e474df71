/**
 * `build --output-archive` and `load`, read by the programs that users give archives to.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { makeSmallImage, startEngine } from "../support/containers.ts";
import { readImage } from "../support/layout.ts";
import { createMiseProject, exists, type MiseProject, run, testWith } from "../support/testbed.ts";

interface Built {
  readonly digest: string;
  readonly output?: string;
  readonly archive?: { readonly path: string; readonly format: string };
}

/** A project whose image is a shell and a tool, built on a layout. */
async function makeProject(): Promise<{ project: MiseProject; args: readonly string[] }> {
  const project = await createMiseProject({ tools: ["prettier"] });
  const base = join(project.root, "base");
  await makeSmallImage(base);
  return { project, args: ["--from", `oci:${base}`, "--no-mise"] };
}

const PARTS = { podman: ["podman", "runc"], docker: ["docker", "dockerd"] } as const;
const SCRIPT = "ls /mise/installs";

testWith(
  { needs: ["linux", "root", "mise", "podman", "runc", "skopeo"] },
  "build --output-archive: podman load and skopeo take an oci-archive with the layout's digest",
  async () => {
    const { project, args } = await makeProject();
    await using _project = project;
    await using engine = await startEngine("podman");
    const options = { cwd: project.directory, env: { ...project.env, SOURCE_DATE_EPOCH: "1" } };
    const file = join(project.root, "image.tar");
    const build = ["build", ...args, "-t", "app:dev"];
    const built = await runProgramJson<Built>([...build, "--output-archive", file], options);
    assertEquals(built.archive, { path: file, format: "oci-archive" });
    assertEquals([built.output, await exists(join(project.directory, "mise-oci"))], [
      undefined,
      false,
    ]);
    const both = join(project.root, "both");
    const again = await runProgramJson<Built>(
      [...build, "--output-archive", join(project.root, "again.tar"), "-o", both],
      options,
    );
    assertEquals(again.digest, built.digest);
    assertEquals((await readImage(both)).entry.digest, built.digest);
    const bytes = await Promise.all(
      ["image.tar", "again.tar"].map((name) => Deno.readFile(join(project.root, name))),
    );
    assertEquals(bytes[0], bytes[1]);

    const inspected = await run(["skopeo", "inspect", `oci-archive:${file}`]);
    assertEquals(JSON.parse(inspected.stdout).Digest, built.digest);
    assertStringIncludes(await engine.ask("load", "-q", "-i", file), "app:dev");
    assertEquals(await engine.ask("run", "--rm", "app:dev", "sh", "-c", SCRIPT), "npm-prettier");
  },
);

for (const name of ["podman", "docker"] as const) {
  testWith(
    {
      needs: [
        "linux",
        "root",
        "mise",
        ...PARTS[name],
      ],
    },
    `build --output-archive --format docker-archive: ${name} load takes it by its name`,
    async () => {
      const { project, args } = await makeProject();
      await using _project = project;
      await using engine = await startEngine(name);
      const file = join(project.root, "image.tar");
      await runProgramJson<Built>(
        [
          "build",
          ...args,
          "-t",
          "team/app",
          "--output-archive",
          file,
          "--format",
          "docker-archive",
        ],
        { cwd: project.directory, env: project.env },
      );
      assertStringIncludes(await engine.ask("load", "-q", "-i", file), "team/app:latest");
      const ran = ["run", "--rm", "--network", "none", "team/app:latest", "sh", "-c", SCRIPT];
      assertEquals(await engine.ask(...ran), "npm-prettier");
    },
  );

  testWith(
    {
      needs: [
        "linux",
        "root",
        ...PARTS[name],
      ],
    },
    `load: ${name} gets the image to keep, and of a changed one only the changed layers`,
    async () => {
      await using engine = await startEngine(name);
      const load = async (marks: readonly string[]): Promise<string> => {
        const layout = join(engine.root, marks.join("-"));
        await makeSmallImage(layout, { tag: "v1", marks });
        const args = ["load", "--engine", name, "--image-dir", layout, "-v"];
        const result = await runProgram(args, { cwd: "/", env: engine.env });
        assertEquals(result.code, 0, result.stderr);
        assertStringIncludes(result.stdout, `into ${name} as mise-oci:v1`);
        return result.stderr;
      };
      assertStringIncludes(await load(["one", "two", "three"]), "fetched 4 layers");
      assert(
        !(await load(["one", "two", "three"])).includes("fetched"),
        "nothing was to be loaded",
      );
      // docker knows a layer by everything below it as well, podman by itself.
      assertStringIncludes(await load(["one", "two", "other"]), "fetched 1 layers");
      const middle = await load(["one", "new", "other"]);
      assertStringIncludes(middle, name === "podman" ? "fetched 1 layers" : "fetched 2 layers");
      const shown = [
        "run",
        "--rm",
        "--network",
        "none",
        "mise-oci:v1",
        "cat",
        "/marks/1",
        "/marks/2",
      ];
      assertEquals(await engine.ask(...shown), "newother");
    },
  );
}

testWith(
  { needs: ["linux", "mise"] },
  "build --output-archive: what cannot be written is said before the build, and no file appears",
  async () => {
    const { project, args } = await makeProject();
    await using _project = project;
    const options = { cwd: project.directory, env: project.env };
    for (
      const [file, why] of [
        [project.root, "it is a directory"],
        [join(project.root, "no/image.tar"), "there is no directory"],
      ] as const
    ) {
      const result = await runProgram(["build", ...args, "--output-archive", file], options);
      assertEquals([result.code, result.stdout], [1, ""]);
      assertStringIncludes(result.stderr, why);
      assert(!result.stderr.includes("layers"), result.stderr);
    }
    const alone = await runProgram(["build", ...args, "--format", "docker-archive"], options);
    assertEquals(alone.code, 2);
    assertStringIncludes(alone.stderr, "--output-archive");
  },
);
