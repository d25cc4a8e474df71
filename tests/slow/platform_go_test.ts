/**
 * `go:` tools are compiled for the other platform by this machine's own go.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import { envOf, FOREIGN, unpackFirstLayer } from "../support/platforms.ts";
import {
  createMiseProject,
  exists,
  type MiseProject,
  run,
  testUnless,
  which,
} from "../support/testbed.ts";

const MODULE = "example.com/hello";
const VERSION = "v1.0.0";

/** A Go module proxy in a directory, with one module that prints what it was compiled for. */
async function writeProxy(root: string): Promise<string> {
  const source = join(root, `${MODULE}@${VERSION}`);
  await Deno.mkdir(source, { recursive: true });
  const mod = `module ${MODULE}\n\ngo 1.20\n`;
  await Deno.writeTextFile(join(source, "go.mod"), mod);
  await Deno.writeTextFile(
    join(source, "main.go"),
    'package main\n\nimport "runtime"\n\nfunc main() { println("hello from", runtime.GOARCH) }\n',
  );
  const proxy = join(root, "proxy", MODULE, "@v");
  await Deno.mkdir(proxy, { recursive: true });
  await Deno.writeTextFile(join(proxy, "list"), `${VERSION}\n`);
  const info = JSON.stringify({ Version: VERSION, Time: "2026-01-01T00:00:00Z" });
  await Deno.writeTextFile(join(proxy, `${VERSION}.info`), info);
  await Deno.writeTextFile(join(proxy, `${VERSION}.mod`), mod);
  // Files only: go takes no entries of directories.
  const pack = "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n" +
    "  for name in sys.argv[2:]: z.write(name)\n";
  const files = ["go.mod", "main.go"].map((name) => `${MODULE}@${VERSION}/${name}`);
  const archive = join(proxy, `${VERSION}.zip`);
  await run(["python3", "-c", pack, archive, ...files], { cwd: root });
  return `file://${join(root, "proxy")}`;
}

async function goEnv(project: MiseProject, go: string): Promise<Record<string, string>> {
  const env = envOf(project);
  return {
    ...env,
    PATH: `${env["PATH"]}:${dirname(go)}`,
    GOPROXY: await writeProxy(join(project.root, "go")),
    GOSUMDB: "off",
    GOFLAGS: "-modcacherw",
    GOPATH: join(project.root, "gopath"),
    GOCACHE: join(project.root, "gocache"),
    GOTOOLCHAIN: "local",
  };
}

const go = which("go");
const NAME = "go: tools are compiled for the other platform, and only there";

async function test(): Promise<void> {
  await using project = await createMiseProject({ toml: `[tools]\n"go:${MODULE}" = "1.0.0"\n` });
  const env = await goEnv(project, go ?? "");
  const output = join(project.root, "image");
  const flags = ["--platform", `linux/${FOREIGN}`, "--from", "scratch", "--no-mise", "-o", output];
  const result = await runProgram(["build", ...flags], { cwd: project.directory, env });
  assertEquals(result.code, 0, result.stderr);
  const tree = join(project.root, "tree");
  await unpackFirstLayer(output, tree);
  const program = join(tree, "mise/installs/go-example-com-hello/1.0.0/bin/hello");
  const { stdout } = await run(["go", "version", "-m", program], { env });
  assertStringIncludes(stdout, `build\tGOARCH=${FOREIGN}`);
  assertStringIncludes(stdout, "build\tCGO_ENABLED=0");
  assertEquals(await exists(join(project.data, "installs/go-example-com-hello")), false);
  assertEquals(await exists(join(project.root, "gopath/bin")), false);
}

testUnless(
  go === undefined ? "go is not installed" : undefined,
  { needs: ["linux", "mise", "python3"], name: NAME },
  test,
);
