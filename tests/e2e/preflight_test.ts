/**
 * The check as users meet it.
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { buildElf } from "../support/elf_fixture.ts";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { makeSmallImage } from "../support/containers.ts";
import { tryBuild } from "../support/image_project.ts";
import { rawBlobPath, readImage } from "../support/layout.ts";
import {
  buildBase,
  createMiseProject,
  makeTempDir,
  type MiseProject,
  pushBase,
  run,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

/** How often a text is in another. */
function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

testWith(
  { needs: ["linux"] },
  "D05: check refuses a layout whose layer was damaged, also when it knows the image",
  async () => {
    await using temp = await makeTempDir();
    const layout = join(temp.path, "a layout");
    await makeSmallImage(layout);
    const env = {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: temp.path,
      DENO_DIR: Deno.env.get("DENO_DIR") ?? join(Deno.env.get("HOME") ?? "/root", ".cache/deno"),
      MISE_OCI_CACHE_DIR: join(temp.path, "cache"),
    };
    const check = () => runProgram(["check", layout], { cwd: "/", env });
    const first = await check();
    assertEquals([first.code, (await check()).code], [0, 0], first.stderr);
    const { manifest } = await readImage(layout);
    const digest = manifest.layers[0]?.digest ?? "";
    const path = rawBlobPath(layout, digest);
    const info = await Deno.stat(path);
    const bytes = await Deno.readFile(path);
    // Another value, whatever it was.
    bytes[bytes.length - 2000] = 255 - (bytes[bytes.length - 2000] ?? 0);
    await Deno.writeFile(path, bytes);
    // Neither size nor time of change tells.
    await Deno.utime(path, info.atime ?? 0, info.mtime ?? 0);
    const damaged = await check();
    assertEquals([damaged.code, damaged.stdout], [1, ""]);
    assertStringIncludes(damaged.stderr, `Cannot read blob "${digest}" of image layout`);
    await Deno.remove(path);
    const gone = await check();
    assertEquals(gone.code, 1);
    assertStringIncludes(gone.stderr, digest);
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "check: programs for other machines and links that lead nowhere are told of once",
  async () => {
    await using project = await createMiseProject({
      toml: '[tools]\nbun = "1.0.0"\nnode = "1.0.0"\n[oci]\nfrom = "scratch"\n',
      ownData: true,
    });
    const { root } = project;
    const [bun, node] = [join(root, "bun/bin"), join(root, "node/bin")];
    for (const directory of [bun, node]) await Deno.mkdir(directory, { recursive: true });
    for (const name of ["alien", "visitor"]) {
      await Deno.writeFile(join(bun, name), buildElf({ machine: 0xb6, type: 2 }), { mode: 0o755 });
    }
    await Deno.symlink("/opt/nothing/prog", join(node, "prog"));
    await project.runMise("link", "bun@1.0.0", join(root, "bun"));
    await project.runMise("link", "node@1.0.0", join(root, "node"));
    const told = async (...flags: readonly string[]): Promise<readonly number[]> => {
      const { code, stderr } = await tryBuild(project, ["--no-mise", ...flags]);
      assertEquals(code, 0, stderr);
      return ["alien", "visitor", "/opt/nothing/prog"].map((text) => count(stderr, text));
    };
    // "alien" is named as a command and, once, as a path.
    assertEquals(await told(), [2, 1, 1]);
    assertEquals(await told("--no-check"), [1, 0, 1]);
    assertEquals(await told("--dry-run"), [1, 0, 0]);
    assertEquals((await tryBuild(project, ["--no-mise", "--strict"])).code, 1);
  },
);

testWith(
  { needs: ["linux", "root", "base", "docker-registry", "skopeo"] },
  "check: a Debian image of a registry gives no false alarm, the second time without a download",
  async () => {
    await using registry = await startDockerRegistry();
    const reference = await pushBase(registry.host);
    await using temp = await makeTempDir();
    const env = { ...Deno.env.toObject(), XDG_CACHE_HOME: join(temp.path, "cache") };
    const first = await runProgramJson<{ readonly ok: boolean; readonly problems: unknown }>([
      "check",
      reference,
    ], {
      env,
      cwd: temp.path,
    });
    assertEquals([first.ok, first.problems], [true, []]);
    const { stdout, stderr, code } = await runProgram(["check", "-v", reference], {
      env,
      cwd: temp.path,
    });
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /: \d{3} commands, all start\n$/);
    assertEquals(stderr.includes("Reading the programs"), false);
  },
);

const NPM_SHIM = `#!/bin/sh
basedir=$(dirname "$0")
if [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir/../a/cli.js" "$@"
else
  exec node  "$basedir/../a/cli.js" "$@"
fi
`;

/** A certificate of nobody. */
async function makeCertificate(path: string): Promise<void> {
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=corp", "-days", "2"];
  await run(["openssl", ...args, "-keyout", `${path}.key`, "-out", path]);
}

/** A tool of commands that do not start for a reason each, and one that does. */
async function linkDeadTool(project: MiseProject): Promise<void> {
  const tree = join(project.root, "bun");
  await Deno.mkdir(join(tree, "bin"), { recursive: true });
  const files = {
    shim: NPM_SHIM,
    empty: "",
    placeholder: "this is to be replaced\n",
    wrapper: `#!/bin/sh\nHOST=${tree}\nexec "$HOST/libexec/real" "$@"\n`,
    fine: "#!/bin/sh\nexec /bin/true\n",
  };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(tree, "bin", name), text, { mode: 0o755 });
  }
  await Deno.mkdir(join(tree, "conf"));
  await Deno.symlink("/etc/java-17-openjdk/java.security", join(tree, "conf/java.security"));
  await project.runMise("link", "bun@1.0.0", tree);
}

testWith(
  { needs: ["linux", "root", "mise", "base", "podman", "runc", "openssl"] },
  "T1, T6: what the check says of shims, placeholders, wrappers and certificates is what happens",
  async () => {
    await using project = await createMiseProject({
      toml: `[tools]\nbun = "1.0.0"\n[oci]\nfrom = "oci:${await buildBase()}:latest"\n`,
      ownData: true,
    });
    const { root, directory, env } = project;
    await linkDeadTool(project);
    const built = await tryBuild(project, []);
    assertEquals(built.code, 0, built.stderr);
    for (
      const text of [
        "shim does not start in the image: node is not on the image's PATH",
        "empty does not start in the image",
        "placeholder starts from a shell only",
        "wrapper does not start in the image",
        "java.security",
        "The image has no CA certificates: HTTPS fails for mise",
        '"apt:ca-certificates"',
      ]
    ) assertStringIncludes(built.stderr, text);
    const checked = await runProgram(["check", "--json", join(root, "image")], {
      env,
      cwd: directory,
    });
    const { problems } = JSON.parse(checked.stdout) as {
      readonly problems: readonly {
        readonly commands: readonly string[];
        readonly severity: string;
      }[];
    };
    const failing = problems.filter(({ severity }) => severity === "start");
    assertEquals(failing.flatMap(({ commands }) => commands).sort(), ["empty", "shim", "wrapper"]);
    await using podman = await startPodman();
    const loop = "for c in shim wrapper fine; do $c >/dev/null 2>&1; echo $c $?; done";
    const ran = await podman.runLayout(join(root, "image"), ["sh", "-c", loop]);
    assertEquals(ran.stdout, "shim 127\nwrapper 127\nfine 0\n", ran.stderr);

    const pem = join(directory, "corp.pem");
    await makeCertificate(pem);
    await Deno.writeTextFile(join(directory, "mise.toml"), '\n[_.oci]\nca = ["corp.pem"]\n', {
      append: true,
    });
    const trusted = await tryBuild(project, []);
    assertEquals(trusted.code, 0, trusted.stderr);
    assertEquals(trusted.stderr.includes("CA certificates"), false, trusted.stderr);
    const show = await podman.runLayout(join(root, "image"), [
      "sh",
      "-c",
      'cat "$SSL_CERT_FILE" && cmp "$NODE_EXTRA_CA_CERTS" "$GIT_SSL_CAINFO"',
    ]);
    assertEquals(show.stdout, await Deno.readTextFile(pem), show.stderr);
  },
);
