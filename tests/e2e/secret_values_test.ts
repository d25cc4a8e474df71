/**
 * Secrets of a project: no value of one is in the image, its history, the output or the logs. Layers are
 * not compressed here, so that `grep` sees what they hold.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import { createMiseProject, type MiseProject, run, testWith } from "../support/testbed.ts";

const NEEDS = { needs: ["linux", "mise"] } as const;
const SENTINEL = "s3cret-sentinel/ü";

interface Built {
  readonly code: number;
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
}

async function build(
  project: MiseProject,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Built> {
  const output = join(project.root, `out-${crypto.randomUUID()}`);
  const fixed = ["build", "--from", "scratch", "--no-mise", "--compression", "none", "-o", output];
  const cache = { MISE_OCI_CACHE_DIR: join(project.root, "images") };
  const options = { cwd: project.directory, env: { ...project.env, ...cache, ...env } };
  const { code, stdout, stderr } = await runProgram([...fixed, ...args], options);
  return { code, output, stdout, stderr };
}

/** What a file of the image has; the first layer that has it counts. */
async function fileOf({ output }: Built, path: string): Promise<string | undefined> {
  for await (const { name } of Deno.readDir(join(output, "blobs/sha256"))) {
    const tar = ["tar", "-xOf", join(output, "blobs/sha256", name), path] as const;
    const read = await run([...tar], { allowFailure: true });
    if (read.code === 0) return read.stdout;
  }
  return undefined;
}

/** Whether a text is anywhere: what was printed, or written to the layout or the cache. */
async function isAnywhere(project: MiseProject, built: Built, text: string): Promise<boolean> {
  if (`${built.stdout}${built.stderr}`.includes(text)) return true;
  const places = [built.output, join(project.root, "images")];
  const found = await run(["grep", "-rlaF", "-e", text, ...places], { allowFailure: true });
  return found.stdout !== "";
}

/** Every form in which the sentinel of these tests could get somewhere. */
const FORMS = [SENTINEL, encodeURIComponent(SENTINEL), "czNjcmV0LXNlbnRpbmVs"];

const TEMPLATE = '[dotfiles]\n"/etc/app.conf" = { source = "app.tmpl", mode = "template" }\n';

testWith(
  NEEDS,
  "A16: a dotfile template reads the project's variables and none of the build's environment",
  async () => {
    await using project = await createMiseProject({
      toml: `${TEMPLATE}[env]\nNAME = "app {{ 1 }}"\n` +
        `REV = "{{ get_env(name='CI_REV', default='none') }}"\n[vars]\nwho = "you"\n`,
      files: {
        "app.tmpl": "{{ env.NAME }} {{ env.REV }} {{ vars.who }} " +
          "{{ get_env(name='DEPLOY_TOKEN', default='unset') }} " +
          "{{ exec(command='echo ${DEPLOY_TOKEN-unset}') }}",
      },
    });
    const env = { DEPLOY_TOKEN: SENTINEL, CI_REV: "abc123" };
    const built = await build(project, ["--strict-env", "-vv"], env);
    assertEquals(built.code, 0, built.stderr);
    assertEquals(await fileOf(built, "etc/app.conf"), "app 1 abc123 you unset unset");
    for (const form of FORMS) assert(!await isAnywhere(project, built, form), form);
    await Deno.writeTextFile(join(project.directory, "app.tmpl"), "{{ env.DEPLOY_TOKEN }}");
    const failed = await build(project, [], env);
    assertEquals(failed.code, 1, failed.stderr);
    assertStringIncludes(failed.stderr, "DEPLOY_TOKEN");
    assertStringIncludes(failed.stderr, "[env]");
    assert(!failed.stderr.includes(SENTINEL));
  },
);

testWith(
  NEEDS,
  "A16: the value of a dropped or redacted variable is nowhere in the image, and stops the build where it stands",
  async () => {
    const declared = `[env]\nDB_PASS = { value = "${SENTINEL}", redact = true }\n`;
    const dropped = '[_.oci]\ndrop_env = ["DB_PASS"]\n';
    await using project = await createMiseProject({
      files: { secret: `machine example.com password ${SENTINEL}`, "app/main": "x" },
    });
    const config = join(project.directory, "mise.toml");
    const cases: readonly (readonly [toml: string, place: string])[] = [
      [`DATABASE_URL = "postgres://app:{{ env.DB_PASS }}@db/app"\n${dropped}`, "DATABASE_URL"],
      [
        `URL = "{{ env.DB_PASS | urlencode_strict }}"\n${dropped}`,
        "URL contains the value of DB_PASS",
      ],
      [`${dropped}[oci]\ncmd = ["serve", "${SENTINEL}"]\n`, "cmd"],
      [`${dropped}[oci.labels]\n"a.b" = "${SENTINEL}"\n`, 'label "a.b"'],
      [`${dropped}[dotfiles]\n"/etc/c" = { content = "${SENTINEL}" }\n`, '"/etc/c"'],
      [`${dropped}[dotfiles]\n"/etc/n" = { source = "secret", mode = "copy" }\n`, '"/etc/n"'],
      [`${dropped}${TEMPLATE}`, '"/etc/app.conf"'],
    ];
    await Deno.writeTextFile(join(project.directory, "app.tmpl"), "pass {{ env.DB_PASS }}");
    for (const [toml, place] of cases) {
      await Deno.writeTextFile(config, declared + toml);
      const built = await build(project, ["-vv", "--debug", "--json"]);
      assertEquals(built.code, 1, toml + built.stderr);
      for (const text of [place, "DB_PASS"]) assertStringIncludes(built.stderr, text);
      for (const form of FORMS) assert(!await isAnywhere(project, built, form), toml + form);
    }
    await Deno.writeTextFile(config, `${declared}OTHER = "1"\n${dropped}`);
    const args = ["--strict-env", "-vv", "--debug", "--json", "--copy", "app:/app"];
    const built = await build(project, args);
    assertEquals(built.code, 0, built.stderr);
    for (const form of FORMS) assert(!await isAnywhere(project, built, form), form);
  },
);

testWith(
  NEEDS,
  "A17: every credential file of a copy is listed with -v and in --json, also when its layer is cached",
  async () => {
    const names = [...Array(7).keys()].map((i) => `${i}/.env`);
    await using project = await createMiseProject({
      files: Object.fromEntries(names.map((name) => [`app/${name}`, `TOKEN=${SENTINEL}\n`])),
    });
    const copy = ["--copy", "app:/srv/app"];
    const first = await build(project, copy);
    assertEquals(first.code, 0, first.stderr);
    assertStringIncludes(first.stderr, '"/srv/app/4/.env" and 2 more (-v lists them)');
    for (const args of [["-v"], ["--json"], ["--strict-env"]]) {
      const again = await build(project, [...copy, ...args]);
      const said = args[0] === "--json" ? again.stdout : again.stderr;
      for (const name of names) assertStringIncludes(said, `/srv/app/${name}`);
      assert(!`${again.stdout}${again.stderr}`.includes(SENTINEL));
      assertEquals(again.code, args[0] === "--strict-env" ? 1 : 0);
    }
    const allowed = await build(project, [...copy, "--strict-env", "--allow-env", "/srv/app/*"]);
    assertEquals(allowed.code, 0, allowed.stderr);
    assert(!allowed.stderr.includes("changes nothing"));
  },
);

testWith(
  NEEDS,
  "A17: .dockerignore of a copied directory keeps files out, by docker's rules, and decides the layer",
  async () => {
    await using project = await createMiseProject({
      toml: '[[oci.copy]]\nhost = "app dir"\nimage = "/srv"\n',
      files: {
        "app dir/.dockerignore": "# secrets\n**/.env\n/docs\n!docs/keep/README.md\n*.log\n",
        "app dir/.env": `TOKEN=${SENTINEL}\n`,
        "app dir/web/.env": `TOKEN=${SENTINEL}\n`,
        "app dir/docs/a.md": "a",
        "app dir/docs/keep/README.md": "kept",
        "app dir/docs/keep/b.md": "b",
        "app dir/web/a.log": "log",
        "app dir/a.log": "log",
      },
    });
    const note = '.dockerignore of "';
    const planned = await build(project, ["--dry-run"]);
    assertStringIncludes(planned.stdout, note);
    const built = await build(project, ["--strict-env", "-v"]);
    assertEquals(built.code, 0, built.stderr);
    assertStringIncludes(built.stderr, note);
    assert(!await isAnywhere(project, built, SENTINEL));
    assertEquals(await fileOf(built, "srv/docs/keep/README.md"), "kept");
    assertEquals(await fileOf(built, "srv/web/a.log"), "log");
    const gone = ["docs/a.md", "docs/keep/b.md", "a.log", ".env", "web/.env"];
    for (const path of gone) assertEquals(await fileOf(built, `srv/${path}`), undefined, path);
    await Deno.writeTextFile(join(project.directory, "app dir/.dockerignore"), "**/.env\n");
    const other = await build(project);
    assertEquals(await fileOf(other, "srv/docs/a.md"), "a");
    await Deno.writeTextFile(join(project.directory, "app dir/.dockerignore"), "a[\n");
    const refused = await build(project);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, "app dir/.dockerignore");
  },
);

testWith(
  NEEDS,
  "A17: a token in .git/config of a tool is named; keys of its tests do not stop --strict-env",
  async () => {
    await using project = await createMiseProject({ tools: ["prettier"], ownData: true });
    const install = project.installPath("prettier");
    const key = `-----BEGIN PRIVATE ${"KEY"}-----\nAAAA\n`;
    for (const directory of ["src/crypto/tls/testdata", "src/crypto/x509", "lib/test"]) {
      await Deno.mkdir(join(install, directory), { recursive: true });
    }
    await Deno.writeTextFile(join(install, "src/crypto/tls/testdata/example-key.pem"), key);
    await Deno.writeTextFile(join(install, "src/crypto/x509/platform_root_key.pem"), key);
    await Deno.writeTextFile(join(install, "lib/test/keycert.pem"), key);
    const strict = await build(project, ["--strict-env", "--no-check"]);
    assertEquals(strict.code, 0, strict.stderr);
    await Deno.mkdir(join(install, ".git"));
    const url = `https://oauth2:${encodeURIComponent(SENTINEL)}@example.com/r.git`;
    await Deno.writeTextFile(join(install, ".git/config"), `[remote "o"]\n\turl = ${url}\n`);
    for (const [args, code] of [[[], 0], [[], 0], [["--strict-env"], 1]] as const) {
      const built = await build(project, ["--no-check", ...args]);
      assertEquals(built.code, code, built.stderr);
      assertStringIncludes(built.stderr, "/.git/config");
      assert(!built.stderr.includes("s3cret-sentinel"));
    }
  },
);

testWith(
  NEEDS,
  "a tool whose directory is a link to mise's own directories is refused by name",
  async () => {
    await using project = await createMiseProject({ tools: ["prettier"], ownData: true });
    const install = project.installPath("prettier");
    await Deno.remove(install, { recursive: true });
    for (const target of [project.data, join(project.data, "installs"), join(install, "..")]) {
      await Deno.symlink(target, install);
      const built = await build(project, ["--no-check"]);
      assertEquals(built.code, 1, `${target}: ${built.stderr}`);
      assertStringIncludes(built.stderr, "npm:prettier");
      assertStringIncludes(built.stderr, "holds other tools of mise");
      await Deno.remove(install);
    }
    await Deno.symlink(install, install);
    const loop = await build(project, ["--no-check"]);
    assertEquals(loop.code, 1);
    assert(!loop.stderr.includes("bug"), loop.stderr);
  },
);
