import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { MiseOciError } from "../../errors.ts";
import type { PlanOptions } from "../options.ts";
import { plan } from "../plan.ts";
import { OPTIONS, PROJECT, versions } from "../../../tests/support/plan_fixture.ts";
import type { Dotfile, Project } from "../project.ts";
import type { BuildPlan, LayerPlan } from "../types.ts";
import { planDotfiles } from "./dotfiles.ts";
import { LAYER_KINDS } from "./mod.ts";

function planWith(project: Partial<Project>, options: Partial<PlanOptions> = {}): BuildPlan {
  return plan({ ...PROJECT, ...project }, { ...OPTIONS, ...options }, versions);
}

function dotfile(target: string, more: Partial<Dotfile> = {}): Dotfile {
  const file = `/p/dots/${target.replaceAll(/[^a-z]/g, "")}`;
  return { target, mode: "copy", hostPath: file, exclude: [], source: "/p/mise.toml", ...more };
}

function place(dotfiles: readonly Dotfile[], home = "/root"): LayerPlan {
  const [layer, ...others] = planDotfiles({ ...PROJECT, dotfiles }, {
    home,
    owner: { uid: 0, gid: 0 },
  });
  assert(layer !== undefined && others.length === 0);
  return layer;
}

Deno.test("plan() puts packages below everything and dotfiles above the copies", () => {
  const { layers } = planWith({ dotfiles: [dotfile("~/.a")] }, {
    copies: [{ host: "/p/app", image: "/srv/app" }],
    mise: { path: "/usr/bin/mise", version: "2026.9.15" },
    packages: { manager: "apt", packages: [{ name: "hello", version: "2.10" }, { name: "jq" }] },
  });
  assertEquals(layers.map(({ kind }) => kind), ["packages", "copy", "dotfiles", "mise", "config"]);
  const [packages] = layers;
  assertEquals(packages?.createdBy, "mise-oci: apt-get install hello=2.10 jq");
  assertEquals(packages?.annotations, {
    "dev.mise.layer.kind": "packages",
    "dev.mise.system.packages": "apt",
  });
  assertEquals(layers[2]?.annotations["dev.mise.dotfiles"], "true");
});

Deno.test("dotfiles go where mise would put them, ~/ being the home of the image's user", () => {
  const layer = place([
    dotfile("~/.gitconfig"),
    dotfile("~/.config/each/", { mode: "symlink-each", exclude: ["*.bak"] }),
    dotfile("/etc/motd", { mode: "symlink" }),
    dotfile("~/.rc", { mode: "template", content: "rendered" }),
    dotfile("~/.token", { mode: "content", content: "inline" }),
  ], "/home/app");
  assertEquals(layer.sources, [
    { type: "tree", hostPath: "/p/dots/etcmotd", imagePath: "/etc/motd" },
    {
      type: "tree",
      hostPath: "/p/dots/configeach",
      imagePath: "/home/app/.config/each",
      exclude: ["*.bak"],
    },
    { type: "tree", hostPath: "/p/dots/gitconfig", imagePath: "/home/app/.gitconfig" },
    { type: "content", content: "rendered", imagePath: "/home/app/.rc", mode: 0o644 },
    { type: "content", content: "inline", imagePath: "/home/app/.token", mode: 0o600 },
  ]);
  assertEquals(place([dotfile("~/.a")], "/").sources[0]?.imagePath, "/.a");
  assertEquals(planDotfiles(PROJECT, { home: "/root", owner: { uid: 0, gid: 0 } }), []);
});

Deno.test("dotfiles at home are their user's, others the layer's", () => {
  const layers = planDotfiles({ ...PROJECT, dotfiles: [dotfile("~/.a"), dotfile("/etc/b")] }, {
    home: "/home/app",
    owner: { uid: 0, gid: 0 },
    homeOwner: { uid: 1000, gid: 100 },
  });
  const owners = layers[0]?.sources.map((source) =>
    source.type === "tree" && [source.owner, source.home]
  );
  assertEquals(owners, [[undefined, undefined], [{ uid: 1000, gid: 100 }, "/home/app"]]);
});

Deno.test("dotfiles in each other's way, or nowhere, are refused", () => {
  const text: Partial<Dotfile> = { mode: "content", content: "x" };
  for (
    const [dotfiles, why] of [
      [[dotfile("~/.a"), dotfile("/root/.a")], 'goes to "/root/.a" too'],
      [[dotfile("~/.a", text), dotfile("~/.a/b")], "is a file, and cannot hold another"],
      [[dotfile("~/../x")], '"." or ".."'],
      [[dotfile("x/y")], "neither absolute nor below ~/"],
      [[dotfile("//")], "root of the image"],
    ] as const
  ) {
    const error = assertThrows(() => place(dotfiles), MiseOciError, why);
    assertEquals(error.code, "config");
    assertStringIncludes(error.message, "/p/mise.toml");
  }
  assertEquals(
    place([dotfile("~/.a"), dotfile("~/.a/b", text), dotfile("~/.ab")]).sources.length,
    3,
  );
});

Deno.test("a copy does not take the image along that is being written into it", () => {
  const sources = (host: string): unknown =>
    planWith({}, { copies: [{ host, image: "/x" }], outputs: ["/p/out (1)/image", "/p/app.tar"] })
      .layers[0]?.sources;
  const plain = { type: "tree", imagePath: "/x" };
  assertEquals(sources("/p"), [
    { ...plain, hostPath: "/p", exclude: ["./out \\(1\\)/image", "./app.tar"] },
  ]);
  assertEquals(sources("/p/out (1)"), [
    { ...plain, hostPath: "/p/out (1)", exclude: ["./image"] },
  ]);
  for (const host of ["/p/out (1)/image", "/p/src", "/p2"]) {
    assertEquals(sources(host), [{ ...plain, hostPath: host }]);
  }
});

Deno.test("F4: dotfiles have the permissions that they ask for, and absent ones are whiteouts", () => {
  const { sources } = place([
    dotfile("/etc/a", { permissions: 0o640 }),
    dotfile("/etc/b", { mode: "content", content: "x", permissions: 0o755 }),
    { target: "/etc/c", mode: "absent", exclude: [], source: "/p/mise.toml" },
  ]);
  assertEquals(sources.map((source) => [source.type, "mode" in source ? source.mode : undefined]), [
    ["tree", 0o640],
    ["content", 0o755],
    ["absent", undefined],
  ]);
  const below = dotfile("/etc/c/x");
  const absent: Dotfile = { target: "/etc/c", mode: "absent", exclude: [], source: "/p/mise.toml" };
  assertThrows(() => place([absent, below]), MiseOciError, '"/etc/c" is absent');
});

Deno.test("plan() gives the sources of each plugin a layer of its own, and tells mise in the image where they are", () => {
  const tool = (short: string, name?: string): Project["tools"][number] => ({
    short,
    backend: short,
    version: "1.0.0",
    installPath: `/data/installs/${short}/1.0.0`,
    installDir: `${short}/1.0.0`,
    installed: true,
    binPaths: [],
    ...(name === undefined ? {} : { plugin: { name, hostPath: `/data/plugins/${name}` } }),
  });
  const { layers, config } = planWith({ tools: [tool("a", "p"), tool("b", "p"), tool("c", "q")] });
  const plugins = layers.filter(({ kind }) => kind === "plugin");
  assertEquals(
    plugins.map(({ name, sources, exclude }) => ({ name, sources, exclude })),
    [
      { name: "p", imagePath: "/mise/plugins/p" },
      { name: "q", imagePath: "/mise/plugins/q" },
    ].map(({ name, imagePath }) => ({
      name,
      sources: [{
        type: "tree" as const,
        hostPath: `/data/plugins/${name}`,
        imagePath,
        exclude: [".git", ".hg", ".svn"],
      }],
      exclude: [],
    })),
  );
  assertEquals(new Map(config.fixedEnv).get("MISE_PLUGINS_DIR"), "/mise/plugins");
  const none = planWith({ tools: [tool("a")] });
  assertEquals(new Map(none.config.fixedEnv).has("MISE_PLUGINS_DIR"), false);
});

Deno.test("a tool of several trees has each in its place, and its variables and PATH lead there", () => {
  const { layers, config } = planWith({
    tools: [{
      short: "rust",
      backend: "core:rust",
      version: "1.95.0",
      installPath: "/data/installs/rust/1.95.0",
      realInstallPath: "/h/.cargo/bin",
      installDir: "rust/1.95.0",
      installed: true,
      binPaths: ["/h/.cargo/bin"],
      binDirs: [""],
      parts: {
        trees: [
          { hostPath: "/h/.cargo/bin", place: "cargo/bin", exclude: ["my*tool"] },
          { hostPath: "/h/.rustup/toolchains/t", place: "rustup/toolchains/t" },
        ],
        files: { "rustup/settings.toml": "" },
        directories: ["installs/rust/1.95.0"],
        path: ["cargo/bin"],
        moved: { "/h/.rustup": "rustup", "/h/.cargo": "cargo" },
      },
    }],
    env: [
      { name: "CARGO_HOME", value: "/h/.cargo", tool: "rust", redacted: false },
      { name: "RUSTUP_HOME", value: "/h/.rustup", tool: "rust", redacted: false },
      { name: "RUSTC", value: "/h/.cargo/bin/rustc", redacted: false },
    ],
  });
  const [rust] = layers;
  assertEquals(rust?.sources.map(({ imagePath }) => imagePath), [
    "/mise/cargo/bin",
    "/mise/rustup/toolchains/t",
    "/mise/rustup/settings.toml",
    "/mise/installs/rust/1.95.0",
  ]);
  const [proxies] = rust?.sources ?? [];
  assertEquals(proxies?.type === "tree" ? proxies.exclude : undefined, ["my\\*tool"]);
  assertEquals(config.path, ["/mise/cargo/bin"]);
  assertEquals(
    new Map(config.env),
    new Map([
      ["CARGO_HOME", "/mise/cargo"],
      ["RUSTUP_HOME", "/mise/rustup"],
      ["RUSTC", "/mise/cargo/bin/rustc"],
    ]),
  );
});

Deno.test("host_links adds one link from the tools of the host to those of the image, where they differ", () => {
  const tool = (installPath: string) => ({
    short: "ruby",
    backend: "core:ruby",
    version: "3.3.0",
    installPath,
    installDir: "ruby/3.3.0",
    installed: true,
    binPaths: [],
  });
  const links = (hostLinks: boolean, ...paths: readonly string[]) =>
    planWith({ tools: paths.map(tool), oci: { ...PROJECT.oci, hostLinks } })
      .layers.at(-1)?.sources.filter(({ type }) => type === "link");
  const data = "/home/me/.local/share/mise/installs";
  const link = { type: "link", imagePath: data, target: "/mise/installs" } as const;
  assertEquals(links(true, `${data}/ruby/3.3.0`, `${data}/ruby/3.3.0`), [link]);
  assertEquals(links(false, `${data}/ruby/3.3.0`), []);
  assertEquals(links(true, "/mise/installs/ruby/3.3.0", "/opt/ruby"), []);
});

Deno.test("the documents of --json name every kind of layer, in the order of layers", async () => {
  const kinds = ["base", ...LAYER_KINDS];
  const schema = JSON.parse(await Deno.readTextFile("docs/json/common.json"));
  const { kind } = schema.$defs.layers.items.properties;
  assertEquals(kind.enum, kinds);
  const names = kinds.map((name) => `\`${name}\``);
  const text = `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
  assertEquals(kind.description, text);
  assertStringIncludes(await Deno.readTextFile("docs/json.md"), text);
});
