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
