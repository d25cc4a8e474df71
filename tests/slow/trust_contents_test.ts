/**
 * A bill of materials compared with what an independent scanner finds in the same image.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { cycloneDxErrors } from "../support/attest/cyclonedx_schema.ts";
import { spdxErrors } from "../support/attest/spdx_schema.ts";
import { runProgram } from "../support/cli.ts";
import {
  buildBase,
  createMiseProject,
  makeTempDir,
  type MiseProject,
  program,
  run,
  testUnless,
  TOOLS,
  which,
} from "../support/testbed.ts";

const PIPX = "pipx==1.7.1";
const MORE_TOOLS = `"pipx:black" = "25.1.0"\n"go:mvdan.cc/gofumpt" = "0.8.0"\n`;

/** Why tools of Python and Go cannot be installed here, or `undefined` if they can. */
async function whyNoInstallers(): Promise<string | undefined> {
  if (which("go") === undefined) return "go is not installed";
  if (which("python3") === undefined) return "python3 is not installed";
  await using temp = await makeTempDir();
  const tries = (command: readonly [string, ...string[]]): Promise<boolean> =>
    run(command, { cwd: temp.path, allowFailure: true }).then(({ code }) => code === 0);
  if (!await tries(["go", "list", "-m", "mvdan.cc/gofumpt@v0.8.0"])) return "no Go module proxy";
  const download = ["python3", "-m", "pip", "download", "-q", "--no-deps", PIPX] as const;
  return await tries(download) ? undefined : "no PyPI, or no pip";
}

/** Installs the project's tools with a pipx of its own. */
async function install(project: MiseProject): Promise<void> {
  const venv = join(project.root, "venv");
  await run(["python3", "-m", "venv", venv]);
  await run([join(venv, "bin/pip"), "install", "-q", PIPX]);
  await run([project.mise, "install", "--yes"], {
    cwd: project.directory,
    env: {
      ...project.env,
      PATH: `${join(venv, "bin")}:${project.env["PATH"]}`,
      GOPATH: join(project.root, "gopath"),
      GOCACHE: join(project.root, "gocache"),
      GOFLAGS: "-modcacherw",
      GOTOOLCHAIN: "local",
    },
  });
}

interface Named {
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
}

/** Name, version and package URL; of a program that the scanner has no package URL for, the first two. */
function describe({ name, version = "", purl = "" }: Named): string {
  return `${name} ${version === "UNKNOWN" ? "" : version} ${purl}`;
}

/** Builds an image without a cache and lists its packages in both formats, from the blobs. */
async function buildAndList(
  project: MiseProject,
  name: string,
): Promise<{ readonly layout: string; readonly cycloneDx: string; readonly spdx: string }> {
  const layout = join(project.root, name);
  const run = async (...args: string[]): Promise<string> => {
    const result = await runProgram(args, {
      cwd: project.directory,
      env: {
        ...project.env,
        SOURCE_DATE_EPOCH: "1700000000",
        MISE_OCI_CACHE_DIR: join(project.root, `cache-${name}`),
      },
    });
    assertEquals(result.code, 0, result.stderr);
    return result.stdout;
  };
  await run("build", "--no-check", "--from", `oci:${await buildBase()}`, "-o", layout);
  return {
    layout,
    cycloneDx: await run("sbom", layout),
    spdx: await run("sbom", "--format", "spdx", layout),
  };
}

testUnless(
  await whyNoInstallers(),
  {
    needs: ["linux", "root", "mise", "base", "syft"],
    name:
      "trust: no package that syft finds is missing, tools that it does not see are listed, and two builds " +
      "give the same bytes",
  },
  async () => {
    await using project = await createMiseProject({
      tools: ["node", "prettier", "eslint"],
      toml: MORE_TOOLS,
      ownData: true,
    });
    await install(project);
    const { layout, cycloneDx, spdx } = await buildAndList(project, "one");
    const document = JSON.parse(cycloneDx);
    assertEquals(await cycloneDxErrors(document), []);
    assertEquals(spdxErrors(JSON.parse(spdx)), []);

    const components: readonly Named[] = document.components;
    const known = new Set(
      components.flatMap((one) => [describe(one), describe({ ...one, purl: "" })]),
    );
    const scan = await run([program("syft"), `oci-dir:${layout}`, "-q", "-o", "json"], {
      env: { ...project.env },
    });
    const artifacts: readonly Named[] = JSON.parse(scan.stdout).artifacts;
    assert(artifacts.length > 150, String(artifacts.length));
    assertEquals(artifacts.map(describe).filter((one) => !known.has(one)), []);
    // What the scanner does not see, and what it sees as a package of an installer, is a tool of mise here.
    const purls = components.map(({ purl = "" }) => purl);
    const tools = ["pypi/black@25.1.0", "golang/mvdan.cc/gofumpt@v0.8.0", "npm/prettier@3.6.2"];
    for (const tool of ["github/jdx/mise@v", ...tools, `npm/${TOOLS.node.key.slice(4)}@`]) {
      assert(purls.some((purl) => purl.startsWith(`pkg:${tool}`)), tool);
    }

    const again = await buildAndList(project, "two");
    assertEquals([again.cycloneDx, again.spdx], [cycloneDx, spdx]);
  },
);
