import { assertEquals } from "@std/assert";
import { parseConfigFile } from "./config_file.ts";
import {
  configRoot,
  findOutsidePlaces,
  isConfigFile,
  isOutside,
  maybeMonorepoRoot,
} from "./scope.ts";
import { isWithin } from "../paths.ts";

function env(values: Readonly<Record<string, string>>): { env(name: string): string | undefined } {
  return { env: (name) => values[name] };
}

Deno.test("configRoot() finds the directory that a config file is for", () => {
  const files = [
    "mise.toml",
    ".mise.toml",
    "mise.local.toml",
    ".tool-versions",
    ".nvmrc",
    ".config/mise.toml",
    ".config/mise/config.toml",
    ".config/mise/conf.d/a.toml",
    ".mise/config.toml",
    ".mise/config.dev.toml",
    ".mise/conf.d/a.toml",
    "mise/config.toml",
    "mise/config.local.toml",
  ];
  for (const file of files) assertEquals(configRoot(`/foo/bar/${file}`), "/foo/bar", file);
});

Deno.test("configRoot() does not take a project that is called mise for a config directory", () => {
  assertEquals(configRoot("/src/mise/mise.toml"), "/src/mise");
  assertEquals(configRoot("/src/mise/.tool-versions"), "/src/mise");
  assertEquals(configRoot("/mise.toml"), "/");
});

Deno.test("isOutside() parts global, system and home config from the project's", async () => {
  const places = await findOutsidePlaces(env({ HOME: "/home/u" }));
  for (
    const path of [
      "/home/u/mise.toml",
      "/home/u/.tool-versions",
      "/home/u/.config/mise/config.toml",
      "/home/u/.config/mise/conf.d/x.toml",
      "/etc/mise/config.toml",
    ]
  ) assertEquals(isOutside(path, places), true, path);
  for (
    const path of ["/home/u/p/mise.toml", "/home/u/p/.config/mise/config.toml", "/w/mise.toml"]
  ) {
    assertEquals(isOutside(path, places), false, path);
  }
});

Deno.test("isOutside() knows the places that the environment names", async () => {
  const places = await findOutsidePlaces(env({
    HOME: "/home/u",
    XDG_CONFIG_HOME: "/xdg",
    MISE_CONFIG_DIR: "~/mc",
    MISE_GLOBAL_CONFIG_FILE: "/g/global.toml",
    MISE_SYSTEM_CONFIG_DIR: "/sys",
  }));
  for (
    const path of ["/xdg/mise/config.toml", "/home/u/mc/x.toml", "/g/global.toml", "/sys/m.toml"]
  ) {
    assertEquals(isOutside(path, places), true, path);
  }
  assertEquals(isOutside("/g/mise.toml", places), false);
});

Deno.test("isOutside() sees a home through a link", async () => {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(`${root}/real`);
    await Deno.symlink(`${root}/real`, `${root}/home`);
    const places = await findOutsidePlaces(env({ HOME: `${root}/home` }));
    assertEquals(isOutside(`${root}/real/mise.toml`, places), true);
    assertEquals(isOutside(`${root}/home/mise.toml`, places), true);
    assertEquals(isOutside(`${root}/real/p/mise.toml`, places), false);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("maybeMonorepoRoot() is the nearest file that says so", () => {
  const file = (path: string, text = ""): ReturnType<typeof parseConfigFile> =>
    parseConfigFile(path, text);
  assertEquals(maybeMonorepoRoot([file("/a/b/mise.toml"), file("/a/mise.toml")]), undefined);
  const marked = file("/a/mise.toml", "monorepo_root = true");
  assertEquals(maybeMonorepoRoot([file("/a/b/mise.toml"), marked, file("/mise.toml")]), "/a");
});

Deno.test("isWithin() compares whole components", () => {
  assertEquals(isWithin("/a/b", "/a"), true);
  assertEquals(isWithin("/ab", "/a"), false);
  assertEquals(isWithin("/a", "/a"), true);
  assertEquals(isWithin("/a", "/"), true);
});

Deno.test("isConfigFile() tells config files from the files that [env] reads", () => {
  const is = (path: string, tools: readonly string[] = []): boolean =>
    isConfigFile({ path, tools }, env({ MISE_OVERRIDE_CONFIG_FILENAMES: "own.toml" }));
  for (
    const path of ["mise.toml", ".mise.local.toml", "mise.dev.toml", "config.toml", "own.toml"]
  ) assertEquals(is(`/p/${path}`), true, path);
  assertEquals(is("/p/.mise/conf.d/x.toml"), true);
  assertEquals(is("/p/.nvmrc", ["node"]), true);
  assertEquals(is("/p/.tool-versions"), true);
  assertEquals(is("/p/.env"), false);
  assertEquals(is("/p/env.toml"), false);
});
