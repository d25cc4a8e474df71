/**
 * What an image is made of when several config files apply, field by field, with the real mise.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { buildProject, tryBuild } from "../support/image_project.ts";
import { type RawImage, readImage } from "../support/layout.ts";
import {
  createMiseProject,
  type MiseProject,
  run,
  testWith,
  type ToolName,
  TOOLS,
} from "../support/testbed.ts";

function tools(...names: readonly ToolName[]): string {
  const lines = names.map((name) => `"${TOOLS[name].key}" = "${TOOLS[name].version}"\n`);
  return `[tools]\n${lines.join("")}`;
}

/** The user's own config: none of it belongs to the project. */
const GLOBAL = `${tools("eslint")}[env]
GLOBAL = "global"
SHARED = "global"
[oci]
tag = "global:1"
workdir = "/global"
cmd = ["global"]
[oci.labels]
global = "1"
[settings]
npm.package_manager = "npm"
minimum_release_age = "0s"
`;
/** The root of the monorepo. */
const ROOT = `monorepo_root = true
${tools("oldPrettier", "node")}[env]
ROOT = "root"
SHARED = "root"
[oci]
tag = "root:1"
workdir = "/root-workdir"
user = "root-user"
user_id = 10
group_id = 20
entrypoint = ["root"]
[oci.env]
IMAGE = "root"
IMAGE_ROOT = "root"
[oci.labels]
owner = "root"
root = "1"
[[oci.copy]]
host = "shared"
image = "/srv/shared"
`;
/** The project. */
const PROJECT = `${tools("prettier")}[env]
PROJECT = "project"
SHARED = "project"
[oci]
tag = "project:1"
user_id = 1000
cmd = ["project"]
[oci.env]
IMAGE = "project"
[oci.labels]
owner = "project"
[[oci.copy]]
host = "app"
image = "/srv/app"
`;
/** What only this checkout has. */
const LOCAL = `[env]
LOCAL = "local"
[oci]
mount_point = "/opt/mise"
`;
/** The environment \`prod\`. */
const PROD = `[env]
SHARED = "prod"
[oci]
tag = "project:prod"
[oci.labels]
stage = "prod"
`;

async function makeMonorepo(): Promise<MiseProject & { readonly member: string }> {
  const project = await createMiseProject({
    tools: ["node"],
    files: {
      "mise.toml": ROOT,
      "shared/x": "x",
      "team/member/mise.toml": PROJECT,
      "team/member/mise.local.toml": LOCAL,
      "team/member/mise.prod.toml": PROD,
      "team/member/app/y": "y",
      // Above the root of the monorepo: nobody's.
      "../mise.toml": '[env]\nABOVE = "above"\n[oci]\nworkdir = "/above"\n',
    },
  });
  await Deno.writeTextFile(join(project.env["MISE_CONFIG_DIR"] ?? "", "config.toml"), GLOBAL);
  const member = join(project.directory, "team/member");
  for (const cwd of [dirname(project.directory), project.directory, member]) {
    await run([project.mise, "trust", "--all"], { env: project.env, cwd });
    await run([project.mise, "trust", "--all"], { env: { ...project.env, MISE_ENV: "prod" }, cwd });
  }
  return { ...project, member };
}

async function imageOf(
  project: MiseProject,
  args: readonly string[],
): Promise<RawImage & { readonly name: string | undefined }> {
  const { output } = await buildProject(project, [
    "-C",
    join(project.directory, "team/member"),
    "--from",
    "scratch",
    "--no-mise",
    ...args,
  ]);
  const image = await readImage(output);
  await Deno.remove(output, { recursive: true });
  return { ...image, name: image.entry.annotations?.["org.opencontainers.image.ref.name"] };
}

/** Everything that the specification says about a merged config, as one object. */
function fields({ manifest, config, name }: Awaited<ReturnType<typeof imageOf>>): unknown {
  const { Env, Labels, User, WorkingDir, Entrypoint, Cmd } = config.config;
  const labels = Object.entries(Labels).filter(([key]) =>
    !key.startsWith("dev.mise.") && !key.startsWith("org.opencontainers.")
  );
  const annotation = (key: string): string[] =>
    manifest.layers.flatMap(({ annotations }) => annotations?.[key] ?? []);
  const versions = annotation("dev.mise.tool.version");
  return {
    name,
    env: Object.fromEntries(
      Env.filter((line) => !line.startsWith("PATH=")).map((line) => line.split("=")),
    ),
    path: (Env.find((line) => line.startsWith("PATH=")) ?? "").slice(5).split(":").filter((dir) =>
      dir.includes("/installs/")
    ),
    labels: Object.fromEntries(labels),
    User,
    WorkingDir,
    Entrypoint,
    Cmd,
    tools: annotation("dev.mise.tool.short").map((short, i) => `${short}@${versions[i]}`),
    owners: [...new Set(annotation("dev.mise.layer.owner"))],
    copies: annotation("dev.mise.copy"),
  };
}

const NODE = `${TOOLS.node.key}@${TOOLS.node.version}`;
const PRETTIER = `${TOOLS.prettier.key}@${TOOLS.prettier.version}`;
const NODE_BIN = `/opt/mise/installs/${TOOLS.node.key.replace(":", "-")}/${TOOLS.node.version}/bin`;
const PRETTIER_BIN = `/opt/mise/installs/npm-prettier/${TOOLS.prettier.version}/bin`;
/** Monorepo root, project and \`mise.local.toml\` merged. */
const MERGED = {
  name: "project:1",
  env: {
    HOME: "/home/1000",
    ROOT: "root",
    SHARED: "project",
    PROJECT: "project",
    LOCAL: "local",
    IMAGE: "project",
    IMAGE_ROOT: "root",
    MISE_SHARED_INSTALL_DIRS: "/opt/mise/installs",
    MISE_TRUSTED_CONFIG_PATHS: "/root-workdir",
  },
  path: [PRETTIER_BIN, NODE_BIN],
  labels: { "devcontainer.metadata": '[{"remoteUser":"root-user"}]', owner: "project", root: "1" },
  // A name has a number of its own in an image from scratch: the one that owns the files.
  User: "1000:1000",
  WorkingDir: "/root-workdir",
  Entrypoint: ["root"],
  Cmd: ["project"],
  tools: [PRETTIER, NODE],
  // The project sets user_id and no group_id: the root's group_id is not inherited.
  owners: ["1000:1000"],
  copies: ["/srv/shared", "/srv/app"],
};

testWith(
  { needs: ["linux", "mise"] },
  "layered configs (global, above, monorepo root, project, local, -E prod) give exactly this image",
  async () => {
    await using project = await makeMonorepo();
    const table: readonly (readonly [readonly string[], unknown])[] = [
      [[], MERGED],
      [["-E", "prod"], {
        ...MERGED,
        name: "project:prod",
        env: { ...MERGED.env, SHARED: "prod" },
        labels: { ...MERGED.labels, stage: "prod" },
      }],
      [["-t", "flag:1", "--owner", "5:6", "--mount-point", "/flag", "--copy", "app/y:/srv/z"], {
        ...MERGED,
        name: "flag:1",
        env: { ...MERGED.env, MISE_SHARED_INSTALL_DIRS: "/flag/installs" },
        path: MERGED.path.map((dir) => dir.replace("/opt/mise", "/flag")),
        owners: ["5:6"],
        copies: [...MERGED.copies, "/srv/z"],
      }],
    ];
    for (const [args, expected] of table) {
      assertEquals(fields(await imageOf(project, args)), expected, args.join(" "));
    }
    const all = fields(await imageOf(project, ["--include-global"])) as typeof MERGED;
    assertEquals((all.env as Record<string, string>)["GLOBAL"], "global");
    assertEquals((all.env as Record<string, string>)["SHARED"], "project");
    assert(all.tools.includes(`${TOOLS.eslint.key}@${TOOLS.eslint.version}`));
    assertEquals((all.labels as Record<string, string>)["global"], "1");
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "a variable marked as a secret stops the build, and its value is nowhere, at -vv too",
  async () => {
    const sentinel = "s3cret-sentinel";
    await using project = await createMiseProject({
      tools: ["prettier"],
      toml: `[env]\nTOKEN = { value = "${sentinel}", redact = true }\n`,
    });
    const args = ["--from", "scratch", "--no-mise", "-vv"];
    const files = async (): Promise<readonly string[]> => {
      const found = await run(["grep", "-rlF", sentinel, project.root], { allowFailure: true });
      return found.stdout.trim().split("\n");
    };
    const config = join(project.directory, "mise.toml");
    const stopped = await tryBuild(project, args);
    assertEquals(stopped.code, 1);
    for (const word of ["TOKEN", config, "--drop-env TOKEN", "--allow-env TOKEN", "-e TOKEN"]) {
      assertStringIncludes(stopped.stderr, word);
    }
    for (
      const more of [["--drop-env", "TOKEN"], ["--drop-env", "TOKEN", "--json"], ["--dry-run"]]
    ) {
      const result = await tryBuild(project, [...args, ...more]);
      assertEquals(result.code, more[0] === "--dry-run" ? 1 : 0, result.stderr);
      assert(!`${result.stdout}${result.stderr}`.includes(sentinel), more.join(" "));
    }
    assert(!`${stopped.stdout}${stopped.stderr}`.includes(sentinel));
    assertEquals(await files(), [config]);
    const blobs = join(project.root, "image/blobs/sha256");
    const unpacked = `for blob in ${blobs}/*; do gzip -dcf "$blob"; done | grep -cF ${sentinel}`;
    const count = await run(["sh", "-c", unpacked], { allowFailure: true });
    assertEquals(count.stdout, "0\n", "no layer has it");
    const image = await readImage(join(project.root, "image"));
    assert(!image.config.config.Env.some((line) => line.startsWith("TOKEN=")));

    const allowed = await tryBuild(project, [...args, "--allow-env", "TOKEN"]);
    assertEquals(allowed.code, 0, allowed.stderr);
    assert(!`${allowed.stdout}${allowed.stderr}`.includes(sentinel), "only the image has it");
    const { config: baked } = await readImage(join(project.root, "image"));
    assert(baked.config.Env.includes(`TOKEN=${sentinel}`));
  },
);
