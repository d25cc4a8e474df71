/**
 * A tool is the same layer wherever and whenever it was installed, and works elsewhere than there.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { computeDiffId } from "../../src/layer/mod.ts";
import { tracelessEnv } from "../../src/mise/install_env.ts";
import { buildForTest, NO_BASE, toolPlan } from "../support/layer.ts";
import { compiledProgram, whyNoExecutable } from "../support/executable.ts";
import { buildProject } from "../support/image_project.ts";
import { readImage } from "../support/layout.ts";
import { whyNoIsolation } from "../support/shell_rootfs.ts";
import {
  copyBase,
  createMiseProject,
  exists,
  IS_ROOT,
  makeTempDir,
  type MiseProject,
  removeTree,
  run,
  startPodman,
  testUnless,
  testWith,
  which,
} from "../support/testbed.ts";
import { makeInstallers } from "../support/toolset/installers.ts";
import { languageHomes } from "../support/toolset/toolset.ts";

async function toolDigests(project: MiseProject): Promise<Readonly<Record<string, string>>> {
  const { layers } = await buildProject(project, ["--from", "scratch", "--no-mise", "--no-cache"]);
  return Object.fromEntries(
    layers.filter(({ kind }) => kind === "tool").map(({ name, digest }) => [name, digest]),
  );
}

testWith(
  { needs: ["linux", "mise"] },
  "the npm tools of the bench project, installed twice in two places, are the same layers",
  async () => {
    await using project = await createMiseProject({
      tools: ["node", "prettier", "typescript", "eslint"],
    });
    const data = join(project.root, "another/place/data");
    const env = { ...project.env, MISE_DATA_DIR: data };
    await run([project.mise, "install", "--yes"], { env, cwd: project.directory });
    const [here, there] = [await toolDigests(project), await toolDigests({ ...project, env })];
    assertEquals(Object.keys(here).length, 4);
    assert((await Deno.stat(join(data, "installs/npm-eslint"))).isDirectory);
    assertEquals(there, here);
  },
);

/** mise's own choice is aube, which it brings along. It knows no others (`npm.package_manager`) but aube's own program. */
const INSTALLERS = ["auto", "npm", "pnpm", "bun"];

/** Starts a program as another user, who may read what the user of the tests may. */
const AS_OTHER = [
  ...["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"],
  ...["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"],
] as const;

/**
 * The same where a directory of the user of the tests is at a place of the other's own: linkers ask `access(2)`,
 * which knows no capabilities.
 */
const SHOWING = [
  ...["unshare", "--mount", "sh", "-c"],
  'mkdir -p "$2" && mount --bind "$1" "$2" && shift 2 && exec "$@"',
  "sh",
] as const;

/** A tool and what its installs need. */
interface Trial {
  /** Line of `[tools]`. */
  readonly line: string;
  /** Its directory below `installs`. */
  readonly directory: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A directory of the user of the tests that the other has below its home, by the variable that names it. */
  readonly shows?: readonly [variable: string, path: string];
  /** Looks at an install, whether it is what is to be tried. */
  readonly look?: (root: string) => Promise<void>;
}

/**
 * The diff IDs of a tool that was installed twice: by the user of the tests, and by another one in a home with
 * another data directory. Neither layer may name the place.
 */
async function installTwice(
  { line, directory, env: more, shows, look }: Trial,
): Promise<readonly string[]> {
  const installers = await makeInstallers();
  const digests: string[] = [];
  // Cargo takes the two halves of a path with a space for two flags: such a home stays in what it compiles.
  const another = directory.startsWith("cargo-") ? "a-home/of/another" : "a home/of another/user";
  for (const deeper of ["", another]) {
    await using project = await createMiseProject({ belowHome: true, toml: `[tools]\n${line}\n` });
    const home = join(project.root, deeper, "home");
    await Deno.mkdir(home, { recursive: true });
    const userConfig = project.env["npm_config_userconfig"] ?? "";
    if (await exists(userConfig)) await Deno.copyFile(userConfig, join(home, ".npmrc"));
    const data = join(home, deeper === "" ? ".local/share/mise" : "elsewhere");
    const own = {
      ...project.env,
      HOME: home,
      XDG_CACHE_HOME: join(home, ".cache"),
      MISE_DATA_DIR: data,
      PATH: `${installers}:${project.env["PATH"]}`,
      MISE_MINIMUM_RELEASE_AGE: "0s",
      AUBE_MINIMUM_PACKAGE_AGE: "0",
      npm_config_userconfig: join(home, ".npmrc"),
      npm_config_cache: join(home, ".npm"),
      ...more,
    };
    const isOther = deeper !== "" && IS_ROOT && which("setpriv") !== undefined;
    const [variable = "", path = ""] = shows ?? [];
    const shown = join(home, "shown");
    const env = {
      ...own,
      ...(shows === undefined ? {} : { [variable]: isOther ? shown : path }),
      ...tracelessEnv({ env: (name) => (own as Record<string, string>)[name] }),
    };
    if (isOther) await run(["chown", "-R", "1000:1000", project.root]);
    const showing = isOther && shows !== undefined ? [...SHOWING, path, shown] : [];
    const mise = [...showing, ...(isOther ? AS_OTHER : []), project.mise];
    for (const args of [["trust", "--all"], ["install", "--yes"]]) {
      await run(["env", ...mise, ...args], { env, cwd: project.directory });
    }
    const root = join(data, "installs", directory);
    await look?.(root);
    const { tar, built, warnings } = await buildForTest(toolPlan(root));
    const text = new TextDecoder("latin1").decode(tar);
    assertEquals(text.includes(project.root), false, line);
    assertEquals(warnings.filter((one) => one.includes("still name")), []);
    digests.push(built.diffId);
  }
  return digests;
}

testWith(
  { needs: ["linux", "mise"] },
  "T4: an npm tool is the same layer in two homes of two users, whichever installer mise uses, its default first",
  async () => {
    for (const installer of INSTALLERS) {
      const [one, two] = await installTwice({
        line: '"npm:prettier" = "3.6.2"',
        directory: "npm-prettier/3.6.2",
        env: { MISE_NPM_PACKAGE_MANAGER: installer },
        look: async (root) => {
          const state = join(root, "node_modules/.mise-state");
          if (installer === "auto") assert(await exists(state), "aube did not install");
        },
      });
      assertEquals(one, two, installer);
    }
  },
);

/** Where this machine's toolchains are, for users who have none. */
const TOOLCHAINS = languageHomes();
/** Tools of the other installers, each with a dependency that is compiled in or has machine code. */
const OTHERS: Readonly<Record<string, Trial & { readonly needs: string }>> = {
  pipx: {
    needs: "/usr/bin/python3",
    line: '"pipx:yamllint" = "1.37.1"',
    directory: "pipx-yamllint/1.37.1",
    env: { UV_PYTHON: "/usr/bin/python3" },
  },
  go: {
    needs: "go",
    line: '"go:mvdan.cc/gofumpt" = "0.8.0"',
    directory: "go-mvdan-cc-gofumpt/0.8.0",
    // What Go writes for its modules cannot be removed otherwise.
    env: { GOFLAGS: "-modcacherw" },
  },
  cargo: {
    needs: "cargo",
    line: '"cargo:runiq" = "2.0.0"',
    directory: "cargo-runiq/2.0.0",
    env: {
      MISE_CARGO_BINSTALL: "false",
      // Optimization takes minutes and names no paths.
      CARGO_PROFILE_RELEASE_OPT_LEVEL: "0",
      CARGO_PROFILE_RELEASE_LTO: "off",
      CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
    },
    shows: ["RUSTUP_HOME", TOOLCHAINS["RUSTUP_HOME"] ?? ""],
  },
};

for (const [installer, { needs, ...trial }] of Object.entries(OTHERS)) {
  testUnless(
    needs.startsWith("/") || which(needs) !== undefined ? undefined : `${needs} is not installed`,
    {
      needs: ["linux", "mise"],
      name: `a tool of ${installer} is the same layer in two homes of two users`,
    },
    async () => {
      const [one, two] = await installTwice(trial);
      assertEquals(one, two);
    },
  );
}

/** Why no virtual environment with pip can be made here. */
async function whyNoVenv(): Promise<string | undefined> {
  try {
    const args = ["-c", "import venv, ensurepip"];
    const { success } = await new Deno.Command("python3", { args, stderr: "null" }).output();
    return success ? undefined : "python3 has no venv";
  } catch {
    return "python3 is not installed";
  }
}

/** The system's own Python, as far as it can be moved: executable and library. */
interface SystemPython {
  /** `3.11.2` */
  readonly version: string;
  /** `3.11` */
  readonly minor: string;
}

async function maybeSystemPython(): Promise<SystemPython | undefined> {
  try {
    const { stdout } = await new Deno.Command("/usr/bin/python3", { args: ["--version"] }).output();
    const version = /^Python ((\d+\.\d+)\.\d+)/.exec(new TextDecoder().decode(stdout));
    const [, exact = "", minor = ""] = version ?? [];
    await Deno.stat(`/usr/lib/python${minor}/venv/__init__.py`);
    return { version: exact, minor };
  } catch {
    return undefined;
  }
}

const NO_VENV = await whyNoVenv();
const PYTHON = await maybeSystemPython();

testUnless(
  NO_VENV,
  {
    needs: ["linux"],
    name: "a virtual environment made in two places is one layer, and names neither",
  },
  async () => {
    const temp = await makeTempDir();
    try {
      const places = [join(temp.path, "a/1"), join(temp.path, "deeper/b/1")] as const;
      for (const place of places) await run(["python3", "-m", "venv", place]);
      // Used once: Python leaves bytecode behind.
      await run([join(places[0], "bin/pip"), "--version"]);
      const { built, tar, warnings } = await buildForTest(toolPlan(places[0]));
      const other = await computeDiffId(toolPlan(places[1]), { baseDirectories: NO_BASE });
      assertEquals(other.diffId, built.diffId);
      const text = new TextDecoder("latin1").decode(tar);
      assertEquals(text.includes(temp.path), false);
      assertMatch(text, /#!\/mise\/installs\/t\/1\/bin\/python[\d.]*\n/);
      assertStringIncludes(text, "VIRTUAL_ENV");
      assertEquals(warnings.filter((warning) => warning.includes("still name")), []);
    } finally {
      await removeTree(temp.path);
    }
  },
);

/** Puts the system's Python where mise would install it, and a tool of a virtual environment beside it. */
async function installPythonTool(project: MiseProject, python: SystemPython): Promise<void> {
  const root = join(project.data, "installs/python", python.version);
  await Deno.mkdir(join(root, "bin"), { recursive: true });
  await Deno.mkdir(join(root, "lib"));
  await Deno.copyFile(
    await Deno.realPath("/usr/bin/python3"),
    join(root, "bin", `python${python.minor}`),
  );
  await Deno.symlink(`python${python.minor}`, join(root, "bin/python3"));
  await run(["cp", "-a", `/usr/lib/python${python.minor}`, join(root, "lib")]);
  const tool = join(project.data, "installs/pipx-demo/1.0.0");
  await Deno.mkdir(dirname(tool), { recursive: true });
  await run([join(root, "bin/python3"), "-m", "venv", "--without-pip", tool]);
  const script = `#!${tool}/bin/python3\nimport sys\nprint(sys.prefix, sys.base_prefix)\n`;
  await Deno.writeTextFile(join(tool, "bin/demo"), script);
  await Deno.chmod(join(tool, "bin/demo"), 0o755);
}

const NO_PYTHON = PYTHON === undefined ? "no /usr/bin/python3 with venv" : whyNoIsolation;

testUnless(
  NO_PYTHON,
  {
    needs: ["linux", "root", "mise", "base", "podman", "runc"],
    name: "a tool of python3 -m venv runs in the image against the image's Python",
  },
  async () => {
    assert(PYTHON !== undefined);
    await using project = await createMiseProject({
      toml: `[tools]\n"pipx:demo" = "1.0.0"\npython = "${PYTHON.version}"\n` +
        '[bootstrap.packages]\n"apt:libexpat1" = "latest"\n[oci]\ntag = "v"\n' +
        "[_.oci]\nhost_links = true\n",
    });
    await installPythonTool(project, PYTHON);
    const base = join(project.root, "base");
    await copyBase(base);
    const { output } = await buildProject(project, ["--from", `oci:${base}`, "--no-mise"]);
    await using podman = await startPodman();
    // The library's bytecode is good, for Python writes none (-B) and compiles nothing.
    const python = `python3 -vB -c "import json" 2>&1 | grep -c "json.*pyc matches"`;
    const onHost = join(project.data, "installs/pipx-demo/1.0.0/bin/demo");
    const script = 'demo; . /mise/installs/pipx-demo/1.0.0/bin/activate; echo "$VIRTUAL_ENV"' +
      `; ${python}; ls "${onHost}"`;
    const ran = await podman.runLayout(`${output}:v`, ["sh", "-c", script]);
    const venv = "/mise/installs/pipx-demo/1.0.0";
    const home = `/mise/installs/python/${PYTHON.version}`;
    assertEquals(ran.stdout, `${venv} ${home}\n${venv}\n4\n${onHost}\n`, ran.stderr);
  },
);

const NO_PROGRAM = whyNoExecutable();

testUnless(
  NO_PROGRAM,
  {
    needs: ["linux", "mise"],
    name: "--embed-self puts the compiled program into the image, above mise",
  },
  async () => {
    await using project = await createMiseProject({ tools: ["prettier"] });
    const output = join(project.root, "image");
    const args = ["build", "--from", "scratch", "--no-mise", "--embed-self", "-o", output];
    const program = await compiledProgram();
    await run([program, ...args], { cwd: project.directory, env: project.env });
    const { manifest } = await readImage(output);
    const kinds = manifest.layers.map(({ annotations }) => annotations?.["dev.mise.layer.kind"]);
    assertEquals(kinds, ["tool", "self", "config"]);
    const blob = manifest.layers[1]?.digest.replace("sha256:", "") ?? "";
    const { stdout } = await run(["tar", "-tvf", join(output, "blobs/sha256", blob)]);
    assertMatch(stdout, /^-rwxr-xr-x .* usr\/local\/bin\/mise-oci$/m);
  },
);
