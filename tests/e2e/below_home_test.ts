/**
 * A project below HOME, with mise's directories where it has them by default: mise writes such paths with `~/`,
 * and everything is as it is elsewhere.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { basename, join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import { buildProject, listLayer, tryBuild } from "../support/image_project.ts";
import { readImage } from "../support/layout.ts";
import { readProjectIn, type ReadResult } from "../support/read_project.ts";
import { createMiseProject, type MiseProject, run, testWith } from "../support/testbed.ts";

const NEEDS = { needs: ["linux", "mise"] } as const;
const SCRATCH = ["--from", "scratch", "--no-mise", "--no-check"];

/** Mistakes in config files, and what the error begins with. */
const MISTAKES: readonly (readonly [toml: string, message: string])[] = [
  ['[oci]\nform = "x"\n', 'Unknown key "oci.form" in "P/mise.toml:2"'],
  ['[oci]\ncompression = "zstd"\n', 'mise does not accept "oci.compression" in "P/mise.toml:2"'],
  ['[oci]\nuser_id = "1000"\n', 'Cannot use "oci.user_id" in "P/mise.toml:2"'],
  ["[oci]\nuser_id = -1\n", 'Cannot use "oci.user_id" in "P/mise.toml:2"'],
  ["[oci]\nfrom = 3\n", 'Cannot use "oci.from" in "P/mise.toml:2"'],
  ['[oci]\nmount_point = "/usr"\n', 'Cannot use "oci.mount_point" in "P/mise.toml:2"'],
  ['[[oci.copy]]\nhost = "x"\n', 'Cannot use "oci.copy" in "P/mise.toml:1"'],
  ["[oci.env]\nA = 1\n", 'Cannot use "oci.env.A" in "P/mise.toml:2"'],
  ['[oci]\ntag = "x\n', 'Cannot parse config file "P/mise.toml:2"'],
  ['[tools]\nnode = { versoin = "1" }\n', 'Cannot parse config file "P/mise.toml:2"'],
  ["[env]\nREQ = { required = true }\n", 'Variable "REQ" is required in "P/mise.toml"'],
  ['[env]\n_.file = "bad.env"\n', 'Cannot parse env file "P/bad.env"'],
  ['[env]\n_.source = "./bad.sh"\n', 'Cannot read the variables of "P/bad.sh"'],
  ['[env]\nA = "{{ nope }}"\n', "mise cannot render the template"],
  ['[oci.labels]\na = "{{ nope }}"\n', 'Cannot use "oci.labels.a" in "P/mise.toml:2"'],
  ['[_.oci]\ncompression = "zip"\n', 'Cannot use "_.oci.compression" in "P/mise.toml:2"'],
];

async function readMistake(project: MiseProject, toml: string): Promise<ReadResult["error"]> {
  const { directory } = project;
  await Deno.writeTextFile(join(directory, "mise.toml"), toml);
  const { error } = await readProjectIn(project.env, { directory });
  return JSON.parse(JSON.stringify(error ?? null).replaceAll(directory, "P")) ?? undefined;
}

testWith(
  NEEDS,
  "below HOME a mistake in a config file is named with its place, as elsewhere",
  async () => {
    const files = { "bad.env": 'A = "unclosed\nB B\n', "bad.sh": "exit 3\n" };
    await using home = await createMiseProject({ belowHome: true, files });
    for (const [toml, message] of MISTAKES) {
      const error = await readMistake(home, toml);
      assertEquals([error?.code, error?.message.slice(0, message.length)], ["config", message]);
      assertEquals(/too old|Run it in the project/.test(error?.hint ?? ""), false, error?.hint);
    }
  },
);

testWith(NEEDS, "below HOME an untrusted config is named in full, quoted in the hint", async () => {
  await using project = await createMiseProject({
    belowHome: true,
    trust: false,
    toml: '[env]\nA = "{{ cwd }}"\n',
  });
  const { error } = await readProjectIn(project.env, { directory: project.directory });
  const file = join(project.directory, "mise.toml");
  assertEquals(error?.message, `mise does not trust the config file ${JSON.stringify(file)}`);
  assertEquals(error?.hint, `Read it, then run: mise trust '${file}'`);
});

testWith(
  NEEDS,
  "below HOME dotfiles of every mode, copies and bases with ~/ are found",
  async () => {
    await using project = await createMiseProject({
      belowHome: true,
      files: { "dots/a": "a\n", "dots/b": "b\n", "dots/.skip": "s\n" },
      toml: "[dotfiles]\n" +
        '"~/.copy" = { source = "dots/a", mode = "copy" }\n' +
        '"~/.default" = "dots/b"\n' +
        '"~/.each" = { source = "dots", mode = "symlink-each", exclude = [".skip"] }\n' +
        '"/etc/motd" = { source = "dots/a", mode = "copy", permissions = "0640" }\n' +
        '"/etc/gone" = { mode = "absent" }\n' +
        '"/etc/lost" = { source = "dots/a", mode = "hardlink" }\n' +
        '"/etc/text" = { content = "t", permissions = "0755" }\n' +
        '[oci]\nfrom = "oci:~/base"\n[[oci.copy]]\nhost = "~/work/my project/dots"\nimage = "/srv/dots"\n' +
        '[tool]\nx = "1"\n[envv]\nY = "1"\n',
    });
    const home = project.env["HOME"] ?? "";
    const bare = await createMiseProject({ files: { gone: "x" } });
    await using _bare = bare;
    await buildProject(bare, [...SCRATCH, "--copy", "gone:/etc/gone"]);
    await run(["cp", "-r", join(bare.root, "image"), join(home, "base")]);
    const { code, stderr } = await tryBuild(project, SCRATCH.slice(2));
    assertEquals(code, 0, stderr);
    const { manifest } = await readImage(join(project.root, "image"));
    const layers = await Promise.all(
      manifest.layers.map((layer) => listLayer(join(project.root, "image"), layer)),
    );
    const files = layers.flat().filter((line) => !line.startsWith("d")).map((line) =>
      line.replace(" 0/0 ", " ")
    );
    assertEquals(files.filter((line) => !line.includes("etc/mise/")), [
      "-rw-r--r-- etc/gone",
      "-rw-r--r-- srv/dots/.skip",
      "-rw-r--r-- srv/dots/a",
      "-rw-r--r-- srv/dots/b",
      "-rw-r--r-- etc/.wh.gone",
      "-rw-r----- etc/motd",
      "-rwxr-xr-x etc/text",
      "-rw-r--r-- root/.copy",
      "-rw-r--r-- root/.default",
      "-rw-r--r-- root/.each/a",
      "-rw-r--r-- root/.each/b",
    ]);
    // What mise drops is said without -v.
    for (const lost of ['"tool"', '"envv"', '"/etc/lost"']) assertStringIncludes(stderr, lost);
    assertMatch(stderr, /did you mean "tools"/);
    const flags = ["--from", "oci:~/base", "-o", "~/out", "--copy=~/base/index.json:/x"];
    const again = await runProgram(["build", ...flags, "--no-mise", "--no-check"], {
      cwd: project.directory,
      env: project.env,
    });
    assertEquals(again.code, 0, again.stderr);
    assertEquals((await readImage(join(home, "out"))).manifest.layers.length, 6);
  },
);

testWith(
  NEEDS,
  "templates in [oci] and [_.oci] are rendered by mise; $PATH is the image's",
  async () => {
    await using project = await createMiseProject({
      belowHome: true,
      files: { VERSION: "1.2\n", sub: "" },
      toml: '[vars]\nv = "7"\n[env]\nNAME = "in{{ vars.v }}"\n[oci]\ntag = "app:{{ vars.v }}"\n' +
        'cmd = ["sh", "-c", "echo {{ env.NAME }} $HOME"]\n' +
        '[oci.env]\nPATH = "/srv/{{ vars.v }}:$PATH"\nCOST = "5$ {{ vars.v }}$"\n' +
        "[oci.labels]\nwhere = \"{{ exec(command='pwd') }}\"\n" +
        'version = "{{ read_file(path=\'VERSION\') | trim }}"\nraw = "{% raw %}{{.ID}}{% endraw %}"\n' +
        "[_.oci]\ncompression = \"{{ 'none' }}\"\n",
    });
    await buildProject(project, SCRATCH);
    const { entry, manifest, config } = await readImage(join(project.root, "image"));
    assertEquals(entry.annotations?.["org.opencontainers.image.ref.name"], "app:7");
    assertEquals(config.config["Cmd"], ["sh", "-c", "echo in7 $HOME"]);
    const { where, version, raw } = config.config.Labels;
    assertEquals([where, version, raw], [project.directory, "1.2", "{{.ID}}"]);
    const usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert(config.config.Env.includes(`PATH=/srv/7:${usual}`), config.config.Env.join("\n"));
    assert(config.config.Env.includes("COST=5$ 7$"));
    assertEquals(manifest.layers.map(({ mediaType }) => mediaType), [
      "application/vnd.oci.image.layer.v1.tar",
    ]);
    assertEquals(basename(project.directory), "my project");
  },
);

testWith(NEEDS, "tools of tasks are in the image if asked for, and named once if not", async () => {
  // Another version than the project's: both are there, and PATH has the project's.
  await using project = await createMiseProject({
    tools: ["prettier"],
    toml: '[tasks.fmt]\ntools = { "npm:prettier" = "3.6.1" }\nrun = "prettier ."\n',
  });
  const { project: without } = await readProjectIn(project.env, { directory: project.directory });
  assertEquals(without?.tools.length, 1);
  assertStringIncludes(without?.warnings.join() ?? "", "(fmt)");
  const file = join(project.directory, "mise.toml");
  await Deno.writeTextFile(file, "[_.oci]\ntask_tools = true\n", { append: true });
  const { layers } = await buildProject(project, SCRATCH);
  assertEquals(layers.filter(({ kind }) => kind === "tool").length, 2);
  const { config } = await readImage(join(project.root, "image"));
  const path = config.config.Env.find((variable) => variable.startsWith("PATH=")) ?? "";
  assertEquals([path.includes("3.6.2"), path.includes("3.6.1")], [true, false], path);
});

testWith(NEEDS, "MISE_DATA_DIR may be relative or have ..", async () => {
  await using project = await createMiseProject({ tools: ["prettier"], ownData: true });
  const { directory, data } = project;
  for (const written of [`${directory}/../mise/data`, "../mise/data"]) {
    const env = { ...project.env, MISE_DATA_DIR: written };
    const { project: read, error } = await readProjectIn(env, { directory });
    assertEquals([error, read?.tools[0]?.installPath], [
      undefined,
      join(await Deno.realPath(data), "installs/npm-prettier/3.6.2"),
    ]);
  }
});
