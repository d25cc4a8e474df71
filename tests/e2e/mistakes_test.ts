/**
 * What people get wrong, and that the answer names the object, the cause and the next step. The commands run in
 * this process, in a project below HOME with a real mise.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { COMMANDS } from "../../src/commands/mod.ts";
import { type Ran, runFake, runWithEnv } from "../support/cli_fixture.ts";
import { startFaultRegistry } from "../support/faultreg/mod.ts";
import { createMiseProject, type MiseProject, testWith } from "../support/testbed.ts";

/** A command line as it is typed; `'…'` is one word. */
function words(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

/** A command line, the exit code, what the error says and what the hint says. */
type Row = readonly [line: string, code: number, error: string, hint: string];

function assertAnswer({ code, stderr, stdout }: Ran, [line, wanted, error, hint]: Row): void {
  const [, message = "", next = ""] = /^error: (.*)\nhint: (.*)\n/m.exec(stderr) ?? [];
  assertEquals(code, wanted, `${line}\n${stderr}`);
  assertStringIncludes(message, error, `${line}\n${stderr}`);
  assertStringIncludes(next, hint, `${line}\n${stderr}`);
  assertEquals(stdout, "", line);
}

/** Command lines that are wrong whatever there is. */
const LINES: readonly Row[] = [
  // A slip of the finger.
  ["build --platfrom x", 2, '"--platfrom" of mise-oci build', "Did you mean --platform?"],
  ["build --no-cach", 2, '"--no-cach"', "Did you mean --no-cache?"],
  ["bulid", 2, '"bulid"', "Did you mean mise-oci build?"],
  ["--verison", 2, '"--verison"', "Did you mean --version?"],
  ["cache prnue", 2, '"cache prnue"', "Did you mean mise-oci cache prune?"],
  ["--from x build", 2, '"--from"', "Write it after the command: mise-oci build --from"],
  // Commands and arguments of docker, crane and mise.
  ["build .", 2, '"."', "Leave it out"],
  ["build app", 2, '"app"', "-C app"],
  ["build app:v1", 2, '"app:v1"', "-t app:v1"],
  ["load app.tar", 2, '"app.tar"', "--image app.tar"],
  ["tag app:v1 ghcr.io/me/app:v1", 2, '"tag app:v1"', "mise-oci copy IMAGE REF"],
  ["tag list", 2, '"tag list"', "mise-oci tag ls"],
  ["login ghcr.io", 2, '"login"', "docker login"],
  ["images", 2, '"images"', "mise-oci inspect"],
  ["pull app", 2, '"pull"', "mise-oci load --image"],
  ["save app", 2, '"save"', "--output-archive"],
  ["cp a b", 2, '"cp"', "mise-oci copy"],
  ["cache clean", 2, '"cache clean"', "mise-oci cache prune"],
  ["cache du", 2, '"cache du"', "mise-oci cache df"],
  ["system df", 2, '"system"', "mise-oci cache df"],
  ["install", 2, '"install"', "mise-oci build --install"],
  ["build -f Dockerfile", 2, '"-f"', "-C DIR"],
  ["build -p 80:80", 2, '"-p"', "mise-oci run -p"],
  ["build --rm", 2, '"--rm"', "Leave it out"],
  ["build --push", 2, '"--push" needs a value', "--push REF"],
  ["build --label", 2, '"--label" needs a value', "--label NAME=VALUE"],
  ["push --all-tags ghcr.io/a/b", 2, '"--all-tags"', "mise-oci push REF REF"],
  ["run -v .:/work true", 2, '".:/work"', "--volume .:/work"],
  ["run -v.:/work true", 2, '"-."', "--volume .:/work"],
  ["run -d app", 2, '"-d"', "mise-oci load"],
  ["run --memory 1g true", 2, '"--memory"', "--engine-arg=--memory=1g"],
  ["run --volume .:work true", 2, '".:work"', "absolute container path"],
  ["run -w work true", 2, '"work"', "such as /work"],
  ["run --name 'a b' true", 2, '"a b"', "letters, digits"],
  ["run --json true", 2, "--json with run", "stdout"],
  // Values.
  ["build -j 0", 2, '--jobs: Cannot parse number of jobs "0"', "1 to 1024"],
  ["build --pull", 2, '"--pull" needs a value', "missing|always|never"],
  ["build --owner bob", 2, 'owner "bob"', "1000:1000"],
  ["build --compression zstd:99", 2, '"zstd:99"', "1 to 19"],
  ["build --compression lzma", 2, '"lzma"', "gzip"],
  ["build --format tar", 2, '"tar"', "oci-archive, docker-archive"],
  ["build --platform linux/", 2, '"linux/"', "linux/amd64"],
  ["build --copy x", 2, '"x": there is no colon', "HOST:IMAGE"],
  ["build --copy x:y", 2, 'path "y" is not absolute', "HOST:IMAGE"],
  ["build --mount-point srv", 2, '"srv": it is not absolute', "/mise"],
  ["build --output-archive", 2, '"--output-archive" needs a value', "FILE"],
  ["cache prune --max-size 10", 2, 'size "10"', "a unit, such as 500MB"],
  ["cache prune --older-than 7", 2, 'time "7"', "a unit"],
  ["push", 2, "Missing argument REF", "mise-oci push [FLAGS] REF"],
  ["copy ./mise-oci", 2, "Missing argument REF", "mise-oci copy [FLAGS] IMAGE REF"],
  ["diff ./mise-oci", 2, "Missing argument B", "mise-oci diff [FLAGS] A B"],
  ["push foo", 2, '"foo": no registry host', "docker.io/USER/foo"],
  ["push ghcr.io", 2, '"ghcr.io": no repository', "ghcr.io/NAME:TAG"],
  ["push https://ghcr.io/a/b", 2, "no scheme", "Leave https:// out: ghcr.io/a/b"],
  ["push https://ghcr.io/a/b", 2, "no scheme", "Leave https:// out: ghcr.io/a/b"],
  ["push ghcr.io/Team/App:v1", 2, "lower case", "Write ghcr.io/team/app:v1"],
  ["push ghcr.io/a/b:1:2", 2, 'tag "1:2"', "write ghcr.io/a/b:1"],
  ["push --image-dir d --from x ghcr.io/a/b", 2, "--from together with --image-dir", "leave one"],
  ["-C nowhere build", 2, '"nowhere": there is no such directory', "-C"],
];

Deno.test("a wrong command line is answered with what to write", async () => {
  for (const row of LINES) assertAnswer(await runFake(words(row[0])), row);
});

/** Flags of `docker build` and of `docker buildx build` that are not in `mise-oci build` under the same name. */
const BUILD =
  "--add-host --allow --attest --build-arg --build-context --builder --cache-from --cache-to " +
  "--call --cgroup-parent --check --compress --cpu-period --cpu-quota --cpu-shares --cpuset-cpus " +
  "--cpuset-mems --file -f --force-rm --isolation --memory -m --memory-swap --network --no-cache-filter --rm " +
  "--secret --security-opt --shm-size --squash --ssh --target --ulimit";
/** Those of others, by the command that people would give them to. */
const FLAGS: Readonly<Record<string, string>> = {
  build: BUILD,
  push: "--all-tags -a --insecure --tls-verify --creds --authfile",
  copy: "--all --src-creds --dest-creds --src-tls-verify --dest-tls-verify --insecure",
  load: "--input -i",
  inspect: "--format -f --filter --insecure --tls-verify",
  run:
    "-d --detach --memory -m --cpus --privileged --cap-add --device --gpus --hostname --label -l --link " +
    "--restart --security-opt --shm-size --tmpfs --ulimit -P --publish-all --read-only --init --add-host --dns " +
    "--ipc --pid --userns --log-driver",
};

Deno.test("flags of docker, podman, crane and skopeo are answered with what to use", async () => {
  for (const [command, flags] of Object.entries(FLAGS)) {
    for (const flag of flags.split(" ")) {
      const own = COMMANDS.find(({ name }) => name === command)?.flags ?? {};
      assertEquals(flag.slice(2) in own, false, `${command} has ${flag}`);
      const { code, stderr } = await runFake([command, flag, "x"]);
      assertEquals(code, 2, stderr);
      assertMatch(stderr, /^error: Unknown flag .*\nhint: (?!Run |Did you mean ).+\n$/, stderr);
    }
  }
});

/** Config files, and what is said of the key in them. */
const CONFIGS: readonly Row[] = [
  ['[oci]\nform = "x"\n', 1, '"oci.form" in "P/mise.toml:2"', 'Did you mean "from"?'],
  ["[oci]\nfrom = 3\n", 1, '"oci.from" in "P/mise.toml:2"', 'from = "'],
  ['[oci]\ncompression = "zstd"\n', 1, '"oci.compression" in "P/mise.toml:2"', "[_.oci]"],
  ['[oci]\nuser_id = "1000"\n', 1, '"oci.user_id" in "P/mise.toml:2"', "user_id = 1000"],
  ['[oci]\ncmd = "node"\n', 1, '"oci.cmd" in "P/mise.toml:2"', 'cmd = ["node", "server.js"]'],
  ['[[oci.copy]]\nhost = "x"\n', 1, '"oci.copy" in "P/mise.toml:1"', 'image = "'],
  ["[oci.env]\nA = 1\n", 1, '"oci.env.A" in "P/mise.toml:2"', 'NAME = "value"'],
  ['[oci]\ntag = "Dev:1"\n', 1, '"oci.tag" in "P/mise.toml:2"', "Write dev:1"],
  ['[_.oci]\ncompresion = "zstd"\n', 1, '"_.oci.compresion"', 'Did you mean "compression"?'],
  ["[_.oci]\ncompression = 3\n", 1, '"_.oci.compression"', 'compression = "zstd:3"'],
  ["oci = 3\n", 1, '"P/mise.toml:1"', "Correct the file"],
  ['[oci]\nfrom = "x\n', 1, '"P/mise.toml:2"', "Correct the file"],
  ["[oci\n", 1, '"P/mise.toml:1"', "Correct the file"],
  ['[env]\nA = "{{ nope( }}"\n', 1, "'{{ nope( }}'", "Correct it"],
  ['[oci.labels]\nv = "{{vars.v}}"\n', 1, '"oci.labels.v"', "Correct it"],
  ["[env]\nREQ = {required = true}\n", 1, '"REQ" is required in "P/mise.toml"', "Set it"],
  ['[env]\n_.file = "bad.env"\n', 1, '"P/bad.env"', '"mise env"'],
  ['[env]\n_.source = "fail.sh"\n', 1, '"P/fail.sh"', "bash P/fail.sh"],
  ['[tools]\nnoddee = "1"\n', 1, '"noddee@1" of "P/mise.toml"', "Did you mean node"],
  ['[tools]\nnode = { versoin = "1" }\n', 1, '"P/mise.toml:2"', "Correct the file"],
  ['[tools]\nnode = "path:/opt/x"\n', 1, '"node" (path:/opt/x)', "mise link"],
  ['[[oci.copy]]\nhost = "none"\nimage = "/x"\n', 1, '"P/none" to "/x": no such file', "path"],
];

/** What is a mistake and does not stop a build: the warning. */
const WARNED: readonly (readonly [toml: string, warning: string])[] = [
  ['[tool]\nnode = "24"\n', 'Unknown key "tool" in "P/mise.toml:1"'],
  ['[envv]\nA = "1"\n', 'did you mean "env"?'],
  [
    '[dotfiles]\n"~/.x" = { source = "x", mode = "hardlink" }\n',
    `Dotfile "~/.x" in "P/mise.toml:2" is left out, because mise ignores it: unknown mode 'hardlink'`,
  ],
  [
    '[env]\nDB = "postgres://me:hunter2@db/app"\n',
    "DB holds what looks like a URL with a password",
  ],
];

const BUILD_NOTHING = ["build", "--from", "scratch", "--no-mise", "--no-check", "-q", "-o", "out"];

function below(project: MiseProject): (args: readonly string[], env?: object) => Promise<Ran> {
  const { directory: cwd } = project;
  return async (args, more = {}) => {
    const place = ["-C", cwd, ...args];
    const ran = await runWithEnv(place, { cwd, env: { ...project.env, ...more } });
    return { ...ran, stderr: ran.stderr.replaceAll(cwd, "P").replaceAll("'P/", "P/") };
  };
}

testWith(
  { needs: ["linux", "mise"] },
  "a mistake in a config file is named with its place and the next step",
  async () => {
    const files = { x: "x", "bad.env": 'A B C = "x', "fail.sh": "exit 3\n" };
    await using project = await createMiseProject({ belowHome: true, files });
    const run = below(project);
    const file = join(project.directory, "mise.toml");
    for (const row of CONFIGS) {
      await Deno.writeTextFile(file, row[0]);
      assertAnswer(await run(BUILD_NOTHING), row);
    }
    for (const [toml, warning] of WARNED) {
      await Deno.writeTextFile(file, toml);
      const { code, stderr } = await run(BUILD_NOTHING.filter((arg) => arg !== "-q"));
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, warning);
    }
  },
);

/** What is not there, or is something else. */
const PLACES: readonly Row[] = [
  ["inspect dev:latest", 1, '"docker.io/library/dev:latest"', "oci:mise-oci:dev:latest"],
  ["inspect ./nope", 1, '"P/nope"', "mise-oci build"],
  ["inspect ./mise.toml", 1, '"P/mise.toml": it is not a tar archive', "Name the directory"],
  ["inspect oci:mise-oci:dev:old", 1, '"dev:old"', "Check the name"],
  ["diff ./mise-oci ./nope", 1, '"P/nope"', "mise-oci build"],
  ["check oci-archive:nope.tar", 1, '"P/nope.tar": no such file', "--output-archive"],
  ["tag rm ./mise-oci", 2, "none is named", "oci:P/mise-oci:dev:latest"],
  ["tag rm oci:mise-oci:nope", 1, '"nope"', "It has dev:latest"],
  ["build --from HOST/team/nope:1", 1, '"HOST/team/nope:1"', "name"],
  ["build --from localhost:2/x/y", 1, '"localhost:2/x/y:latest"', "registry"],
  [
    "push --image-dir mise-oci localhost:2/x/y",
    1,
    '"localhost:2/x/y:latest"',
    "registry is running",
  ],
  ["build --from oci:nope", 1, '"P/nope"', ""],
  ["build -o mise.toml", 1, '"P/mise.toml" is a file', "-o"],
  ["build -o /", 1, '"/": it is a root directory', "-o"],
  ["build -o .", 1, '"P": it holds', "-o"],
  ["build --copy nope:/x", 1, '"P/nope" to "/x": no such file', "--copy"],
  ["build --mise /nope", 1, '"/nope" (--mise)', "--mise"],
  ["build --mise FAKE127", 1, "exit code 127", "real mise"],
  ["build --mise FAKETEXT", 1, '": not JSON', "real mise"],
  ["run --image ./mise-oci true", 1, "podman", "Install"],
  ["run --engine dokcer true", 2, '"dokcer"', "auto, podman, docker"],
  ["run --image ./nope true", 1, '"P/nope"', "mise-oci build"],
];

/** Variables that are wrong. */
const VARIABLES: readonly (readonly [name: string, value: string, error: string, hint: string])[] =
  [
    ["SOURCE_DATE_EPOCH", "", 'SOURCE_DATE_EPOCH "": it is empty', "git log"],
    ["SOURCE_DATE_EPOCH", "yesterday", '"yesterday"', "git log"],
    ["SOURCE_DATE_EPOCH", "-1", '"-1"', "git log"],
    ["MISE_OCI_MISE", "/nope", '"/nope" (MISE_OCI_MISE)', "--mise"],
  ];

testWith(
  { needs: ["linux", "mise"] },
  "what is not there is named with the next step",
  async () => {
    await using project = await createMiseProject({ belowHome: true });
    await using registry = await startFaultRegistry();
    const run = below(project);
    const script = async (name: string, text: string): Promise<string> => {
      const path = join(project.root, name);
      await Deno.writeTextFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      return path;
    };
    const [fake127, fakeText] = [
      await script("gone", "exit 127"),
      await script("text", "printf hi"),
    ];
    // No engine is on PATH.
    const env = { PATH: join(project.mise, "..") };
    const made = await run([...BUILD_NOTHING.slice(0, -1), "mise-oci", "-t", "dev:latest"], env);
    assertEquals(made.code, 0, made.stderr);
    for (const row of PLACES) {
      const line = row[0].replace("HOST", registry.host).replace("FAKE127", fake127)
        .replace("FAKETEXT", fakeText);
      const more = line.startsWith("build") ? ["--no-mise"] : [];
      const scratch = line.startsWith("build") && !line.includes("--from")
        ? ["--from", "scratch"]
        : [];
      const [command = "", ...args] = words(line);
      const { stderr, ...ran } = await run([command, ...more, ...scratch, ...args], env);
      // Progress comes before the error.
      const answer = stderr.slice(Math.max(0, stderr.indexOf("error: ")));
      assertAnswer({ ...ran, stderr: answer.replaceAll(registry.host, "HOST") }, row);
    }
    await script("podman", "exit 125");
    const mount = ["run", "--image", "./mise-oci", "--volume", "./nope:/x", "true"];
    const mounted = await run(mount, { PATH: `${project.root}:${env.PATH}` });
    assertAnswer(mounted, ["--volume", 1, '"P/nope": no such file', "Create the directory"]);
    for (const [name, value, error, hint] of VARIABLES) {
      const ran = await run(BUILD_NOTHING, { ...env, [name]: value });
      assertAnswer(ran, [`${name}=${value}`, ran.code, error, hint]);
      assert(ran.code > 0);
    }
  },
);
