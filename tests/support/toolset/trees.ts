/**
 * Tools that mise downloads from where the tests cannot: the same trees from elsewhere on the machine, or
 * trees of their shape, in the places where mise has them.
 * @module
 */
import { dirname, join } from "@std/path";
import { buildNodeMirror, NODE_VERSION, serveFiles } from "../node_mirror.ts";
import { aptSource, extractPackages } from "../testbed/base.ts";
import { exists, makeTempDir, run, which } from "../testbed/command.ts";
import { OCI_ARCH } from "../testbed/paths.ts";
import type { MiseHome } from "../testbed/tools.ts";

/** Where tools go. */
export interface TreeInput {
  readonly mise: string;
  readonly env: Readonly<Record<string, string>>;
  /** Directory of a project that mise is started in. */
  readonly project: string;
  readonly home: MiseHome;
}

/** Installs tools; gives their lines of `[tools]`, throws what this machine lacks. */
export type MakeTree = (input: TreeInput) => Promise<readonly string[]>;

async function link({ mise, env, project }: TreeInput, tool: string, tree: string): Promise<void> {
  await run([mise, "link", "--force", tool, tree], { env, cwd: project });
}

/** A tool of mise's name whose tree is on the machine. */
async function linked(
  input: TreeInput,
  tree: string,
  { name, version }: { readonly name: string; readonly version: RegExp },
): Promise<string> {
  const program = join(tree, "bin", name);
  const flag = name === "go" ? "version" : "--version";
  const { stdout } = await run([program, flag]);
  const found = version.exec(stdout)?.[1];
  if (found === undefined) throw new Error(`"${program}" says no version`);
  await link(input, `${name}@${found}`, tree);
  return `${name} = "${found}"`;
}

/** node as mise has it, with npm, of a mirror of nodejs.org. */
const node: MakeTree = async (input) => {
  const archive = join(
    await buildNodeMirror(),
    `v${NODE_VERSION}/node-v${NODE_VERSION}-linux-x64.tar.gz`,
  );
  const tree = join(input.home.data, "installs/node", NODE_VERSION);
  await Deno.mkdir(tree, { recursive: true });
  await run(["tar", "-xzf", archive, "-C", tree, "--strip-components=1"]);
  return [`node = "${NODE_VERSION}"`];
};

/** A Python that was compiled on this machine, as pyenv and python-build do. */
const python: MakeTree = async (input) => {
  const versions = join(Deno.env.get("HOME") ?? "/root", ".pyenv/versions");
  const tree = join(versions, "3.12.1");
  if (!await exists(tree)) throw new Error("pyenv has no Python 3.12.1");
  return [await linked(input, tree, { name: "python", version: /Python ([\d.]+)/ })];
};

const go: MakeTree = async (input) => {
  const program = which("go");
  if (program === undefined) throw new Error("go is not installed");
  const tree = dirname(dirname(await Deno.realPath(program)));
  return [await linked(input, tree, { name: "go", version: /go([\d.]+)/ })];
};

/** Java of distributions: its settings are links into /etc. */
const java: MakeTree = async (input) => {
  const trees: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync("/usr/lib/jvm")) {
    if (isDirectory && /^(?:java|temurin)-\d+/.test(name)) trees.push(join("/usr/lib/jvm", name));
  }
  if (trees.length === 0) throw new Error("no Java in /usr/lib/jvm");
  const lines: string[] = [];
  for (const tree of trees.sort()) {
    lines.push(await linked(input, tree, { name: "java", version: /^\S+ ([\d.]+)/ }));
  }
  const versions = lines.map((line) => line.slice("java = ".length));
  return [`java = [${versions.join(", ")}]`];
};

/** What mise makes of `rust`: a link to all of cargo's programs. */
const rust: MakeTree = async ({ env, home }) => {
  const toolchains = join(env["RUSTUP_HOME"] ?? "", "toolchains");
  if (!await exists(toolchains)) throw new Error("rustup is not installed");
  const version = [...Deno.readDirSync(toolchains)].map(({ name }) =>
    /^(\d+\.\d+\.\d+)-/.exec(name)?.[1]
  ).find((found) => found !== undefined);
  if (version === undefined) throw new Error("rustup has no toolchain by number");
  const path = join(home.data, "installs/rust", version);
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.symlink(join(env["CARGO_HOME"] ?? "", "bin"), path);
  return [`rust = "${version}"`];
};

/** Ruby, compiled for the very directory where mise has it, as ruby-build does. */
const ruby: MakeTree = async ({ home }) => {
  const { suite, mirror } = aptSource();
  const work = join(home.root, "ruby");
  await Deno.mkdir(join(work, "lists/partial"), { recursive: true });
  await Deno.writeTextFile(join(work, "sources.list"), `deb-src ${mirror} ${suite} main\n`);
  const apt = [
    "apt-get",
    "-qq",
    "-o",
    `Dir::Etc::SourceList=${join(work, "sources.list")}`,
    "-o",
    "Dir::Etc::SourceParts=-",
    "-o",
    `Dir::State::Lists=${join(work, "lists")}`,
  ] as const;
  const options = { cwd: work };
  await run([...apt, "update"], options);
  await run([...apt, "source", "--download-only", "ruby3.1"], options);
  const source = [...Deno.readDirSync(work)].map(({ name }) => name)
    .find((name) => /^ruby3\.1_.*\.orig\.tar\./.test(name));
  await run(["tar", "-xf", source ?? "", "--one-top-level=src", "--strip-components=1"], options);
  const version = "3.1.2";
  const flags = [`--prefix=${join(home.data, "installs/ruby", version)}`, "--enable-shared"];
  const cwd = { cwd: join(work, "src") };
  await run(["./configure", "--quiet", ...flags, "--disable-install-doc"], cwd);
  await run(["make", "-s", "-j2"], cwd);
  await run(["make", "-s", "install"], cwd);
  await Deno.remove(work, { recursive: true });
  return [`ruby = "${version}"`];
};

/** What mise makes of `dotnet`: the root that all its versions share. The host program is of C. */
const dotnet: MakeTree = async ({ home }) => {
  const root = join(home.data, "dotnet-root");
  const version = "9.0.100";
  await Deno.mkdir(join(root, "sdk", version), { recursive: true });
  await Deno.writeTextFile(join(root, "sdk", version, "dotnet.dll"), "MZ");
  const source = '#include <iostream>\nint main() { std::cout << "9.0.100" << std::endl; }\n';
  await run(["g++", "-x", "c++", "-", "-o", join(root, "dotnet")], { stdin: source });
  await Deno.mkdir(join(home.data, "installs/dotnet"), { recursive: true });
  await Deno.symlink(root, join(home.data, "installs/dotnet", version));
  return [`dotnet = "${version}"`];
};

const VGREET: Readonly<Record<string, string>> = {
  "metadata.lua": 'PLUGIN = { name = "vgreet", version = "0.1.0" }\n',
  "hooks/available.lua": 'function PLUGIN:Available(ctx) return { { version = "1.0.0" } } end\n',
  "hooks/pre_install.lua": "function PLUGIN:PreInstall(ctx) return { version = ctx.version } end\n",
  "hooks/post_install.lua": `function PLUGIN:PostInstall(ctx)
  local bin = ctx.rootPath .. "/bin"
  os.execute("mkdir -p '" .. bin .. "'")
  local file = io.open(bin .. "/vgreet", "w")
  file:write("#!/bin/sh\\nexec " .. ctx.rootPath .. "/libexec/real\\n")
  file:close()
  os.execute("mkdir -p '" .. ctx.rootPath .. "/libexec' && printf '#!/bin/sh\\necho 1.0.0\\n' >'" ..
    ctx.rootPath .. "/libexec/real' && chmod 755 '" .. bin .. "/vgreet' '" .. ctx.rootPath .. "/libexec/real'")
end
`,
  "hooks/env_keys.lua": `function PLUGIN:EnvKeys(ctx)
  return { { key = "PATH", value = ctx.path .. "/bin" } }
end
`,
};

const MYBK: Readonly<Record<string, string>> = {
  "metadata.lua": 'PLUGIN = { name = "mybk", version = "0.1.0" }\n',
  "hooks/backend_list_versions.lua":
    'function PLUGIN:BackendListVersions(ctx) return { versions = { "1.0.0" } } end\n',
  "hooks/backend_install.lua": `function PLUGIN:BackendInstall(ctx)
  os.execute("mkdir -p '" .. ctx.install_path .. "/bin'")
  local file = io.open(ctx.install_path .. "/bin/bktool", "w")
  file:write("#!/usr/bin/env bash\\necho 1.0.0\\n")
  file:close()
  os.execute("chmod 755 '" .. ctx.install_path .. "/bin/bktool'")
  return {}
end
`,
  "hooks/backend_exec_env.lua": `function PLUGIN:BackendExecEnv(ctx)
  return { env_vars = { { key = "PATH", value = ctx.install_path .. "/bin" } } }
end
`,
};

/** A vfox plugin and a backend plugin, each with a tool that is a script. */
const plugins: MakeTree = async (input) => {
  const { mise, env, project, home } = input;
  for (const [name, files] of Object.entries({ vgreet: VGREET, mybk: MYBK })) {
    const directory = join(home.root, "plugins", name);
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(directory, path)), { recursive: true });
      await Deno.writeTextFile(join(directory, path), text);
    }
    await run([mise, "plugin", "link", "--force", name, directory], { env, cwd: project });
  }
  const lines = ['vgreet = "1.0.0"', '"mybk:bktool" = "1.0.0"'];
  await install(input, lines);
  return lines;
};

/** Writes files that can be executed, and the directories for them. */
async function writePrograms(
  directory: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(directory, path)), { recursive: true });
    await Deno.writeTextFile(join(directory, path), text, { mode: 0o755 });
  }
}

/** Installs what a project asks for. */
async function install({ mise, env, project }: TreeInput, lines: readonly string[]): Promise<void> {
  await Deno.writeTextFile(join(project, "mise.toml"), `[tools]\n${lines.join("\n")}\n`);
  await run([mise, "trust", "--quiet"], { env, cwd: project });
  await run([mise, "install", "--yes"], { env, cwd: project });
}

const GEMSPEC = `Gem::Specification.new do |s|
  s.name = "acme"
  s.version = "1.0.0"
  s.summary = "Commands"
  s.authors = ["A"]
  s.files = Dir["{bin,lib}/**/*"]
  s.executables = ["acme", "acme-yaml"]
end
`;

/** A gem with two commands, of a source on the loopback; one needs an extension module of Ruby. */
const gem: MakeTree = async (input) => {
  const { home, env } = input;
  const ruby = [...Deno.readDirSync(join(home.data, "installs/ruby"))].map(({ name }) => name)
    .find((name) => /^\d+\.\d+\.\d+$/.test(name));
  if (ruby === undefined) throw new Error("there is no Ruby to install it with");
  await using work = await makeTempDir();
  await writePrograms(work.path, {
    "acme.gemspec": GEMSPEC,
    "bin/acme": 'require "acme"\nputs Acme::VERSION\n',
    "bin/acme-yaml": 'require "yaml"\nrequire "acme"\nputs [Acme::VERSION].to_yaml\n',
    "lib/acme.rb": 'require "set"\nmodule Acme\n  VERSION = "1.0.0"\nend\n',
  });
  const path = `${join(home.data, "installs/ruby", ruby, "bin")}:${env["PATH"]}`;
  const options = { env: { ...env, PATH: path }, cwd: work.path };
  await run(["gem", "build", "--quiet", "acme.gemspec"], options);
  const source = join(work.path, "source");
  await Deno.mkdir(join(source, "gems"), { recursive: true });
  await Deno.rename(join(work.path, "acme-1.0.0.gem"), join(source, "gems/acme-1.0.0.gem"));
  await run(["gem", "generate_index", "--directory", source], options);
  await using server = serveFiles((name) =>
    Deno.readFile(join(source, name)).then((bytes) => new Uint8Array(bytes), () => undefined)
  );
  const rc = join(home.root, "home/.gemrc");
  await Deno.writeTextFile(rc, `:sources:\n- ${server.url}/\n`);
  const more = { MISE_EXPERIMENTAL: "1", GEMRC: rc };
  const line = '"gem:acme" = "1.0.0"';
  await install({ ...input, env: { ...env, ...more } }, [`ruby = "${ruby}"`, line]);
  await Deno.remove(rc);
  return [line];
};

/** Erlang of a distribution's package, at the path where its start scripts say that it is. */
const erlang: MakeTree = async ({ home }) => {
  await using work = await makeTempDir();
  const root = join(work.path, "root");
  await Deno.mkdir(root);
  await extractPackages(root, { architecture: OCI_ARCH, packages: ["erlang-base"] });
  const version = "25.2.3";
  const tree = join(home.data, "installs/erlang", version);
  await Deno.mkdir(dirname(tree), { recursive: true });
  await run(["cp", "-a", join(root, "usr/lib/erlang"), tree]);
  const { stdout } = await run(["grep", "-rlI", "/usr/lib/erlang", tree]);
  for (const path of stdout.trim().split("\n")) {
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replaceAll("/usr/lib/erlang", tree));
  }
  return [`erlang = "${version}"`];
};

/** Maven of a distribution: start scripts of Java programs, and links to what is beside the tree. */
const maven: MakeTree = async (input) => {
  const tree = "/usr/share/maven";
  if (!await exists(join(tree, "bin/mvn"))) throw new Error("there is no /usr/share/maven");
  await link(input, "maven@3.8.7", tree);
  return ['maven = "3.8.7"'];
};

/** A plugin of asdf, which `[_.oci] allow_plugins` names. */
const asdf: MakeTree = async (input) => {
  const directory = join(input.home.root, "plugins/agreet");
  await writePrograms(directory, {
    "bin/list-all": "#!/usr/bin/env bash\necho 1.0.0\n",
    "bin/install": `#!/usr/bin/env bash
mkdir -p "$ASDF_INSTALL_PATH/bin" "$ASDF_INSTALL_PATH/share/agreet"
echo 1.0.0 >"$ASDF_INSTALL_PATH/share/agreet/version"
printf '#!/bin/sh\ncat "%s/share/agreet/version"\n' "$ASDF_INSTALL_PATH" >"$ASDF_INSTALL_PATH/bin/agreet"
chmod 755 "$ASDF_INSTALL_PATH/bin/agreet"
`,
  });
  const { mise, env, project } = input;
  await run([mise, "plugin", "link", "--force", "agreet", directory], { env, cwd: project });
  await install(input, ['agreet = "1.0.0"']);
  return ['agreet = "1.0.0"'];
};

/** Lines of a start script as programs of Java have them, longer than a page. */
const JAVA_SCRIPT = `#!/bin/sh
${"# A licence, as long as licences are.\n".repeat(200)}
if [ -n "$JAVA_HOME" ]; then
  JAVACMD="$JAVA_HOME/bin/java"
else
  JAVACMD=java
fi
command -v "$JAVACMD" >/dev/null || { echo "java: not found" >&2; exit 127; }
exec "$JAVACMD" -version
`;

/** Scripts of languages that images have, lack, or have a part of. */
const SCRIPTS: Readonly<Record<string, string>> = {
  "bin/s-awk": '#!/usr/bin/awk -f\nBEGIN { print "1.0.0"; exit }\n',
  "bin/s-bash": '#!/bin/bash\n[[ -n "$BASH_VERSION" ]] && echo 1.0.0\n',
  "bin/s-beside": '#!/bin/sh\nexec "$(dirname "$0")/../libexec/real" "$@"\n',
  "bin/s-env-split": "#!/usr/bin/env -S A=1 bash -e\necho 1.0.0\n",
  "bin/s-env-node": '#!/usr/bin/env -S node --no-warnings\nconsole.log("1.0.0")\n',
  "bin/s-java": JAVA_SCRIPT,
  // The archive that a self-starting jar ends in is not there: java says so, and not that it is missing.
  "bin/s-jar": `#!/bin/sh\n\nexec java -Xmx64m -jar "$0" "$@"\n\n\nPK\u0003\u0004${
    "\0".repeat(70_000)
  }`,
  "bin/s-lua": "#!/usr/bin/env lua5.4\nprint('1.0.0')\n",
  "bin/s-perl": '#!/usr/bin/perl\nuse strict;\nuse POSIX qw(floor);\nprint floor(1.5), "\\n";\n',
  "bin/s-perl-module":
    '#!/usr/bin/env perl\nuse strict;\nuse Text::Wrap qw(wrap);\nprint wrap("", "", "1.0.0"), "\\n";\n',
  "bin/s-php": "#!/usr/bin/env php\n<?php echo '1.0.0';\n",
  "bin/s-python": "#!/usr/bin/env python3\nimport json\nprint(json.dumps('1.0.0'))\n",
  "bin/s-python-exec": "#!/bin/sh\n'''exec' python3 \"$0\" \"$@\"\n'''\nprint(\"1.0.0\")\n",
  "bin/s-ruby": '#!/usr/bin/env ruby\nrequire "json"\nputs JSON.dump("1.0.0")\n',
  "bin/s-sed": "#!/bin/sed -n\n1p\n",
  "bin/s-sh": "#! /bin/sh -e\necho 1.0.0\n",
  "bin/s tool": "#!/usr/bin/env bash\necho 1.0.0\n",
  "libexec/real": "#!/bin/sh\nbasename /a/1.0.0\n",
};

/** A downloaded archive of scripts. */
const scripts: MakeTree = async (input) => {
  await using work = await makeTempDir();
  await writePrograms(work.path, SCRIPTS);
  const archive = join(work.path, "scripts.tar.gz");
  await run(["tar", "-czf", archive, "-C", work.path, "bin", "libexec"]);
  const bytes = await Deno.readFile(archive);
  await using server = serveFiles(() => bytes);
  const url = `${server.url}/scripts.tar.gz`;
  const line = `"http:scripts" = { version = "1.0.0", url = "${url}", bin_path = "bin" }`;
  await install(input, [line]);
  return [line];
};

/** Families by name. */
export const TREES: Readonly<Record<string, MakeTree>> = {
  "node (core)": node,
  "vfox and a plugin backend": plugins,
  "python (compiled here)": python,
  "go (core)": go,
  "java (of a distribution)": java,
  "rust (core)": rust,
  "dotnet (its shape)": dotnet,
  "ruby (compiled here)": ruby,
  "gem": gem,
  "erlang (of a distribution)": erlang,
  "maven (of a distribution)": maven,
  "asdf": asdf,
  "scripts": scripts,
};
