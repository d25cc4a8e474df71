/**
 * Tools of vfox and backend plugins: packed with their plugins' sources, which mise in the image asks.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import { copyBase, createMiseProject, run, startPodman, testWith } from "../support/testbed.ts";

const TOML = `
[tools]
vgreet = "1.0.0"
"mybk:bktool" = "1.0.0"
`;

/** A vfox plugin and a backend plugin, each with a tool that is a script. */
const PLUGINS: Readonly<Record<string, string>> = {
  "vgreet/metadata.lua": 'PLUGIN = { name = "vgreet", version = "0.1.0" }\n',
  "vgreet/.git/HEAD": "ref: refs/heads/main\n",
  "vgreet/hooks/available.lua":
    'function PLUGIN:Available(ctx) return { { version = "1.0.0" } } end\n',
  "vgreet/hooks/pre_install.lua":
    "function PLUGIN:PreInstall(ctx) return { version = ctx.version } end\n",
  "vgreet/hooks/post_install.lua": `function PLUGIN:PostInstall(ctx)
  local bin = ctx.rootPath .. "/bin"
  os.execute("mkdir -p '" .. bin .. "'")
  local file = io.open(bin .. "/vgreet", "w")
  file:write("#!/bin/sh\\necho hello $VGREET_HOME\\n")
  file:close()
  os.execute("chmod 755 '" .. bin .. "/vgreet'")
end
`,
  "vgreet/hooks/env_keys.lua": `function PLUGIN:EnvKeys(ctx)
  return { { key = "VGREET_HOME", value = ctx.path }, { key = "PATH", value = ctx.path .. "/bin" } }
end
`,
  "mybk/metadata.lua": 'PLUGIN = { name = "mybk", version = "0.1.0" }\n',
  "mybk/hooks/backend_list_versions.lua":
    'function PLUGIN:BackendListVersions(ctx) return { versions = { "1.0.0" } } end\n',
  "mybk/hooks/backend_install.lua": `function PLUGIN:BackendInstall(ctx)
  os.execute("mkdir -p '" .. ctx.install_path .. "/bin'")
  local file = io.open(ctx.install_path .. "/bin/bktool", "w")
  file:write("#!/bin/sh\\necho backend\\n")
  file:close()
  os.execute("chmod 755 '" .. ctx.install_path .. "/bin/bktool'")
  return {}
end
`,
  "mybk/hooks/backend_exec_env.lua": `function PLUGIN:BackendExecEnv(ctx)
  return { env_vars = { { key = "PATH", value = ctx.install_path .. "/bin" } } }
end
`,
};

testWith(
  { needs: ["mise", "base", "podman", "root"] },
  "tools of vfox and backend plugins run in the container, and mise there knows them, for every user",
  async () => {
    await using project = await createMiseProject({ toml: TOML, ownData: true });
    const { directory: cwd, env } = project;
    await using podman = await startPodman();
    for (const [path, text] of Object.entries(PLUGINS)) {
      await Deno.mkdir(dirname(join(podman.root, path)), { recursive: true });
      await Deno.writeTextFile(join(podman.root, path), text);
    }
    for (const name of ["vgreet", "mybk"]) {
      await run([project.mise, "plugin", "link", name, join(podman.root, name)], { env, cwd });
    }
    const base = join(podman.root, "base");
    await copyBase(base);
    const layout = join(podman.root, "image");
    const build = async (...more: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await runProgram(
        ["build", "--install", "--from", `oci:${base}`, "--compression", "none", ...more],
        { env, cwd },
      );
      assertEquals(code, 0, stderr);
      return stdout;
    };
    const table = await build("-o", layout, "--no-check");
    for (const row of [/tool +mybk:bktool/, /plugin +mybk/, /plugin +vgreet/]) {
      assertEquals(row.test(table), true, table);
    }
    const { stdout } = await podman.run(["pull", "--quiet", `oci:${layout}`]);
    const image = stdout.trim();
    const script =
      "mkdir -p $HOME; vgreet; bktool; mise which vgreet; mise x -- bktool; mise ls; " +
      "ls -a /mise/plugins/vgreet";
    for (const user of [[], ["--user", "1000", "--env", "HOME=/tmp/home"]]) {
      const { stdout: said } = await podman.run(
        ["run", "--rm", "--network", "none", ...user, image, "sh", "-ec", script],
      );
      const lines = said.split("\n");
      assertEquals(lines.slice(0, 4), [
        "hello /mise/installs/vgreet/1.0.0",
        "backend",
        "/mise/installs/vgreet/1.0.0/bin/vgreet",
        "backend",
      ]);
      assertStringIncludes(said, "vgreet       1.0.0 (shared)");
      assertEquals(lines.includes(".git"), false);
    }
    const without = await build("--dry-run", "--without", "vgreet", "--json");
    const plan = JSON.parse(without);
    assertEquals(JSON.stringify(plan).toLowerCase().includes("vgreet"), false, without);
  },
);
