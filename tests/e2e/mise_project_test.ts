import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { readProjectIn, type ReadResult } from "../support/read_project.ts";
import {
  createMiseProject,
  MISE_VERSION,
  type MiseProject,
  type MiseProjectOptions,
  testWith,
  TOOLS,
} from "../support/testbed.ts";

const NEEDS = { needs: ["mise"] } as const;

/** Everything below a directory, for proving that nothing appeared. */
function listing(directory: string): readonly string[] {
  const names: string[] = [];
  const walk = (path: string): void => {
    for (const entry of Deno.readDirSync(path)) {
      names.push(join(path, entry.name));
      if (entry.isDirectory) walk(join(path, entry.name));
    }
  };
  walk(directory);
  return names.sort();
}

async function globalConfig(project: MiseProject, text: string): Promise<string> {
  const path = join(project.env["MISE_CONFIG_DIR"] ?? "", "config.toml");
  await Deno.writeTextFile(path, text);
  return path;
}

/** Makes a project, reads it, and gives the answer. */
async function readOf(
  options: MiseProjectOptions,
  env: Readonly<Record<string, string>> = {},
): Promise<ReadResult> {
  await using project = await createMiseProject(options);
  return await readProjectIn({ ...project.env, ...env }, { directory: project.directory });
}

testWith(NEEDS, "readProject() reads the tools of a real project in its order", async () => {
  await using project = await createMiseProject({ tools: ["prettier", "node"] });
  const { directory } = project;
  const { project: read, error, warnings } = await readProjectIn(project.env, { directory });
  assertEquals(error, undefined);
  assertEquals(warnings, []);
  assertEquals(read?.misePath, project.mise);
  assertEquals(read?.miseVersion, MISE_VERSION);
  const config = join(directory, "mise.toml");
  assertEquals(read?.configFiles, [config]);
  const expected = (["prettier", "node"] as const).map((name) => ({
    short: TOOLS[name].key,
    backend: TOOLS[name].key,
    version: TOOLS[name].version,
    installPath: project.installPath(name),
    installDir: `${TOOLS[name].key.replace(":", "-")}/${TOOLS[name].version}`,
    installed: true,
    binPaths: [join(project.installPath(name), "bin")],
    binDirs: ["bin"],
    backendManifest: { full: TOOLS[name].key },
    realInstallPath: Deno.realPathSync(project.installPath(name)),
    source: config,
    requested: TOOLS[name].version,
  }));
  assertEquals<unknown>(read?.tools, expected);
});

testWith(
  NEEDS,
  "A16: readProject() says where variables come from and which are secrets",
  async () => {
    await using project = await createMiseProject({
      tools: ["prettier"],
      toml: '[env]\nGREETING = "hello"\nROOTED = "{{ config_root }}/x"\n' +
        'SECRET = { value = "hunter2", redact = true }\n_.file = ".env"\n_.path = ["./bin"]\n' +
        `LATE = { value = "{{ tools['${TOOLS.prettier.key}'].version }}", tools = true }\n`,
      files: { ".env": "FROM_FILE=1\n" },
    });
    const { directory } = project;
    const { project: read } = await readProjectIn(project.env, { directory });
    const config = join(directory, "mise.toml");
    const rows = (read?.env ?? []).map(({ name, ...rest }) => [name, rest]);
    assertEquals(Object.fromEntries(rows), {
      FROM_FILE: { value: "1", source: join(directory, ".env"), redacted: false },
      GREETING: { value: "hello", source: config, redacted: false },
      LATE: { value: TOOLS.prettier.version, source: config, redacted: false },
      ROOTED: { value: join(directory, "x"), source: config, redacted: false },
      SECRET: { value: "hunter2", source: config, redacted: true },
    });
  },
);

testWith(NEEDS, "readProject() reads [oci] and mise's settings of it", async () => {
  await using project = await createMiseProject({
    toml: '[oci]\ntag = "x:1"\n[[oci.copy]]\nhost = "dist"\nimage = "/srv/"\n' +
      '[settings]\noci.default_from = "debian:12"\noci.insecure_registries = ["r:5000"]\n',
  });
  const { directory } = project;
  const { project: read } = await readProjectIn(project.env, { directory });
  assertEquals(read?.oci.tag, "x:1");
  const copy = { host: join(directory, "dist"), image: "/srv", directory: true };
  assertEquals(read?.oci.copy, [copy]);
  assertEquals(read?.settings.defaultFrom, "debian:12");
  assertEquals(read?.settings.insecureRegistries, ["r:5000"]);
});

testWith(NEEDS, "C08: reading never installs what is missing, in data or elsewhere", async () => {
  await using project = await createMiseProject({
    tools: ["node"],
    ownData: true,
    toml: '"npm:cowsay" = "1.6.0"\n',
  });
  const before = listing(project.data);
  const { project: read } = await readProjectIn(
    { ...project.env, MISE_AUTO_INSTALL: "1", MISE_YES: "1" },
    { directory: project.directory },
  );
  assertEquals(read?.tools.map(({ installed }) => installed), [true, false]);
  assertEquals(read?.tools[1]?.installDir, "npm-cowsay/1.6.0");
  assertEquals(listing(project.data), before);
});

testWith(
  NEEDS,
  "readProject() leaves global config out: tools, env, [oci], redactions",
  async () => {
    await using project = await createMiseProject({
      tools: ["node"],
      toml: '[env]\nOWN = "{{ env.GLOBAL }}-own"\n_.file = "own.env"\n',
      files: { "own.env": "OWN_FILE=1\n" },
    });
    const global = await globalConfig(
      project,
      `[tools]\n"${TOOLS.prettier.key}" = "${TOOLS.prettier.version}"\n` +
        '[env]\nGLOBAL = "g"\n_.file = "{{ config_root }}/../config/global.env"\n[oci]\ntag = "global:1"\n' +
        '[settings]\noci.default_mount_point = "/opt/mise"\nnpm.package_manager = "npm"\n',
    );
    await Deno.writeTextFile(join(dirname(global), "global.env"), "GLOBAL_FILE=1\n");
    const { directory } = project;
    const { project: read } = await readProjectIn(project.env, { directory });
    assertEquals(read?.tools.map(({ short }) => short), [TOOLS.node.key]);
    assertEquals(read?.env.map(({ name }) => name), ["OWN", "OWN_FILE"]);
    assertEquals(read?.oci.tag, undefined);
    assertEquals(read?.settings.defaultMountPoint, "/opt/mise");
    const { project: all } = await readProjectIn(project.env, { directory, includeGlobal: true });
    assertEquals(all?.tools.map(({ short }) => short), [TOOLS.node.key, TOOLS.prettier.key]);
    assertEquals(all?.oci.tag, "global:1");
    assertEquals(all?.env.some(({ name }) => name === "GLOBAL"), true);
  },
);

testWith(NEEDS, "readProject() ignores MISE_<TOOL>_VERSION of the shell", async () => {
  const { project, details } = await readOf({
    tools: ["node"],
    files: { ".tool-versions": "" },
  }, { MISE_JQ_VERSION: "1.7.1", MISE_OFFLINE: "1" });
  assertEquals(project?.tools.map(({ short }) => short), [TOOLS.node.key]);
  assertStringIncludes(details.join("\n"), "Ignoring MISE_JQ_VERSION");
});

testWith(
  NEEDS,
  "readProject() takes parents up to the root of a monorepo, in mise's order",
  async () => {
    await using project = await createMiseProject({
      tools: ["node"],
      files: {
        "mono/mise.toml": `monorepo_root = true\n[tools]\n"${TOOLS.prettier.key}" = "3.6.1"\n` +
          `"${TOOLS.eslint.key}" = "${TOOLS.eslint.version}"\n[oci]\ntag = "root:1"\nuser = "r"\n`,
        "mono/app/mise.toml":
          `[tools]\n"${TOOLS.typescript.key}" = "${TOOLS.typescript.version}"\n` +
          `"${TOOLS.prettier.key}" = "${TOOLS.prettier.version}"\n[oci]\ntag = "app:1"\n`,
      },
      toml: '[oci]\nworkdir = "/above"\n',
    });
    const directory = join(project.directory, "mono/app");
    for (const path of ["mono/mise.toml", "mono/app/mise.toml"]) {
      await project.runMise("trust", join(project.directory, path));
    }
    const { project: read, error } = await readProjectIn(project.env, { directory });
    assertEquals(error, undefined);
    assertEquals(
      read?.configFiles,
      ["mono/mise.toml", "mono/app/mise.toml"].map((path) => join(project.directory, path)),
    );
    assertEquals(read?.tools.map(({ short, version }) => `${short} ${version}`), [
      `${TOOLS.typescript.key} ${TOOLS.typescript.version}`,
      `${TOOLS.prettier.key} ${TOOLS.prettier.version}`,
      `${TOOLS.eslint.key} ${TOOLS.eslint.version}`,
    ]);
    assertEquals([read?.oci.tag, read?.oci.user, read?.oci.workdir], ["app:1", "r", undefined]);
  },
);

testWith(
  NEEDS,
  "readProject() reads linked tools, .tool-versions and several versions",
  async () => {
    await using project = await createMiseProject({
      tools: ["node"],
      ownData: true,
      toml: '"npm:own" = ["2.0.0", "1.0.0"]\n',
      files: {
        ".tool-versions": "npm:other 1.0.0\n",
        "tree/1/bin/own": "#!/bin/sh\n",
        "tree/2/bin/own": "#!/bin/sh\n",
      },
    });
    const tree = (version: number): string => join(project.directory, `tree/${version}`);
    for (const version of [1, 2]) {
      await Deno.chmod(join(tree(version), "bin/own"), 0o755);
      await project.runMise("link", `npm:own@${version}.0.0`, tree(version));
    }
    await project.runMise("link", "npm:other@1.0.0", tree(1));
    const { project: read, error } = await readProjectIn(project.env, {
      directory: project.directory,
    });
    assertEquals(error, undefined);
    const rows = read?.tools.map((tool) => [tool.installDir, tool.realInstallPath, tool.binDirs]);
    assertEquals(rows?.slice(1), [
      ["npm-own/2.0.0", tree(2), ["bin"]],
      ["npm-own/1.0.0", tree(1), ["bin"]],
      ["npm-other/1.0.0", tree(1), ["bin"]],
    ]);
  },
);

testWith(NEEDS, "C06: what is wrong with mise.toml names file, line and key", async () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["[tools\n", ["mise.toml:1", "unclosed table"]],
    ['[oci]\nentrypont = ["x"]\n', ['Unknown key "oci.entrypont"', "mise.toml:2"]],
    ['[oci]\nuser_id = "x"\n', ['"oci.user_id"', "mise.toml:2", "a whole number"]],
    ['[oci]\nallow_env = ["A"]\n', ['"oci.allow_env"', "mise.toml:2"]],
    ['[oci]\ntag = "a"\ntag = "b"\n', ["mise.toml:3", "duplicate key"]],
    ['[env]\nA = "{{ nope }}"\n', ["mise cannot render the template", "`nope` is not defined"]],
    ['min_version = "2099.1.0"\n', ["The project needs mise 2099.1.0"]],
    ["[bootstrap.macos.defaults]\nx = { y = 1 }\n", ["[bootstrap.macos]"]],
    [`# ${"x".repeat(10 * 1024 * 1024)}\n`, ["mise.toml", "at most 4194304 are read"]],
  ];
  for (const [toml, expected] of cases) {
    const { error } = await readOf({ toml: "", files: { "mise.toml": toml } });
    for (const part of expected) assertStringIncludes(error?.message ?? "no error", part);
  }
});

testWith(
  NEEDS,
  "C06: a config that is not UTF-8, or a link to itself, is a clear error",
  async () => {
    await using project = await createMiseProject();
    const { directory } = project;
    const config = join(directory, "mise.toml");
    await Deno.writeFile(config, new Uint8Array([0xff, 0xfe, 0x5b]));
    const bytes = await readProjectIn(project.env, { directory });
    assertStringIncludes(bytes.error?.message ?? "", `"${config}"`);
    assertStringIncludes(bytes.error?.message ?? "", "UTF-8");
    await Deno.remove(config);
    await Deno.symlink("mise.toml", config);
    const loop = await readProjectIn(project.env, { directory });
    assertStringIncludes(loop.error?.message ?? "", "No project mise config");
  },
);

testWith(NEEDS, "readProject() says how to trust a config that mise does not trust", async () => {
  // Another process, whose end is waited for: a question that was given up does not keep it from ending.
  const { error } = await readOf({ toml: '[env]\nA = "{{ 1 }}"\n', trust: false });
  assertStringIncludes(error?.message ?? "", "mise does not trust the config file");
  assertStringIncludes(error?.hint ?? "", "mise trust /");
});

testWith(NEEDS, "readProject() reads TOML 1.1, which mise understands", async () => {
  const { project, error } = await readOf({
    toml: '[env]\nA = { value = "1",\n  redact = true }\n[_.oci]\ndrop_env = ["A"]\n' +
      '[oci]\ntag = "x:1"\n',
  });
  assertEquals(error, undefined);
  assertEquals(project?.oci.tag, "x:1");
});

testWith(
  NEEDS,
  "readProject() takes dotfiles as mise merges them, templates rendered",
  async () => {
    await using project = await createMiseProject({
      toml: '[vars]\nwho = "you"\n[dotfiles]\n"~/.a" = { source = "a.tmpl", mode = "template" }\n' +
        '"~/.b" = { source = "b", mode = "symlink-each", exclude = ["*.md"] }\n' +
        '"/etc/c" = { content = "c\\n" }\n"~/.c*" = { source = "c*.conf", mode = "copy" }\n',
      files: {
        "a.tmpl": 'hi {{ vars.who }} {{ read_file(path="snippet") }}',
        snippet: "there",
        "b/x": "",
        "c1.conf": "1",
      },
    });
    const { directory } = project;
    const before = listing(project.root);
    const { project: read, error } = await readProjectIn(project.env, { directory });
    assertEquals(error, undefined);
    const source = join(directory, "mise.toml");
    const byTarget = Object.fromEntries((read?.dotfiles ?? []).map((dotfile) => [
      dotfile.target,
      dotfile,
    ]));
    assertEquals(byTarget["~/.a"]?.content, "hi you there");
    assertEquals(byTarget["~/.a"]?.hostPath, join(directory, "a.tmpl"));
    assertEquals(byTarget["~/.b"], {
      target: "~/.b",
      mode: "symlink-each",
      exclude: ["*.md"],
      source,
      hostPath: join(directory, "b"),
    });
    assertEquals(byTarget["/etc/c"]?.content, "c\n");
    assertEquals(byTarget["~/.c1"]?.hostPath, join(directory, "c1.conf"));
    // mise notes which configs it has seen; nothing else may appear, above all no dotfile.
    const ignored = /\/mise\/(state|cache)(\/|$)/;
    const appeared = listing(project.root).filter((path) =>
      !before.includes(path) && !ignored.test(path)
    );
    assertEquals(appeared, []);
  },
);

testWith(NEEDS, "readProject() does not run the project's dotfile hooks", async () => {
  const { error } = await readOf({
    toml: '[dotfiles]\n"~/.a" = { source = "a.tmpl", mode = "template" }\n' +
      '[bootstrap.hooks]\npre-dotfiles = "touch ran"\n',
    files: { "a.tmpl": "a" },
  });
  assertEquals(error?.code, "unsupported");
  assertStringIncludes(error?.message ?? "", "pre-dotfiles");
});

testWith(
  NEEDS,
  "readProject() refuses asdf plugins of a real mise, and not those of vfox",
  async () => {
    const { error } = await readOf({
      toml: '[tools]\n"asdf:x/one" = "1"\n"vfox:x/two" = "1"\n',
    }, { MISE_OFFLINE: "1" });
    assertEquals(error?.code, "tool");
    assertStringIncludes(error?.message ?? "", '"asdf:x/one" (asdf:x/one)');
    assertEquals(error?.message.includes("vfox"), false);
  },
);
