import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { parseMountPoint } from "../oci/image_path.ts";
import { parse } from "@std/toml";
import { MiseOciError } from "../errors.ts";
import { type ImageConfig, parseBase, parseDiffId } from "../oci/mod.ts";
import { looksLikeSecret } from "../secrets.ts";
import { composeImageConfig } from "./image_config.ts";
import { encodeMiseConfig } from "./layers/config.ts";
import type { PlanOptions } from "./options.ts";
import { plan } from "./plan.ts";
import {
  OCI,
  options,
  project,
  tool,
  variable,
  versions,
} from "../../tests/support/plan_fixture.ts";
import type { OciSection, Project } from "./project.ts";

Deno.test("plan() orders layers: tools as in the project, copies, mise, config on top", () => {
  const built = plan(
    project({ oci: { ...OCI, copy: [{ host: "/home/me/app/a", image: "/srv/a" }] } }),
    options({
      copies: [{ host: "/home/me/b", image: "/srv/b" }],
      mise: { path: "/usr/bin/mise", version: "2026.9.15" },
    }),
    versions,
  );
  assertEquals(built.layers.map(({ kind, name }) => `${kind} ${name}`), [
    "tool node",
    "tool npm:prettier",
    "copy /srv/a",
    "copy /srv/b",
    "mise mise",
    "config config",
  ]);
  const prettier = built.layers[1];
  assertEquals(prettier?.sources, [{
    type: "tree",
    hostPath: "/data/installs/npm-prettier/3.6.2",
    imagePath: "/mise/installs/npm-prettier/3.6.2",
  }]);
  assertEquals(prettier?.annotations, {
    "dev.mise.layer.kind": "tool",
    "dev.mise.tool.short": "npm:prettier",
    "dev.mise.tool.version": "3.6.2",
    "dev.mise.layer.prefix": "mise/installs/npm-prettier/3.6.2",
    "dev.mise.layer.owner": "0:0",
    "dev.mise.layer.relocation": "1",
    "dev.mise.layer.format": "1",
  });
});

Deno.test("plan() writes on a tool's layer what was left out of it, whatever the order of the globs", () => {
  const excluding = (...exclude: string[]): string | undefined =>
    plan(project({ oci: { ...OCI, exclude } }), options(), versions).layers[0]
      ?.annotations["dev.mise.layer.exclude"];
  assertEquals(excluding(), undefined);
  assertEquals(/^[0-9a-f]{16}$/.test(excluding("*.map") ?? ""), true);
  assertEquals(excluding("*.map", "*.md"), excluding("*.md", "*.map", "*.md"));
  assertNotEquals(excluding("*.map"), excluding("*.md"));
});

Deno.test("plan() gives the same plan for the same input", () => {
  assertEquals(plan(project(), options(), versions), plan(project(), options(), versions));
});

Deno.test("plan() weighs flag over [oci] over settings over default", () => {
  const settings = { defaultFrom: "settings:1", defaultMountPoint: "/s", insecureRegistries: [] };
  const withOci = {
    ...OCI,
    from: parseBase("oci:1"),
    mountPoint: parseMountPoint("/o"),
    tag: "t",
    userId: 5,
  };
  const from = (p: Project, o = options()): string[] => {
    const { fromText, mountPoint } = plan(p, o, versions);
    return [fromText, mountPoint];
  };
  assertEquals(from(project()), ["debian:bookworm-slim", "/mise"]);
  assertEquals(from(project({ settings })), ["settings:1", "/s"]);
  assertEquals(from(project({ settings, oci: withOci })), ["oci:1", "/o"]);
  assertEquals(
    from(
      project({ settings, oci: withOci }),
      options({ from: parseBase("flag:1"), mountPoint: parseMountPoint("/f") }),
    ),
    ["flag:1", "/f"],
  );
  const owned = plan(project({ oci: withOci }), options(), versions);
  assertEquals(owned.layers[0]?.owner, { uid: 5, gid: 5 });
  assertEquals(owned.tag, "t");
});

Deno.test("plan() bakes project env, then tools' env, then [oci].env, with install paths rebased", () => {
  const built = plan(
    project({
      env: [
        variable("JAVA_HOME", "/data/installs/node/24.11.0/java", { tool: "node" }),
        variable("A", "project"),
        variable("B", "project"),
        variable("PATH", "/home/me/bin"),
      ],
      oci: { ...OCI, env: { B: "oci" } },
    }),
    options(),
    versions,
  );
  assertEquals(built.config.env, [
    ["A", "project"],
    ["B", "project"],
    ["JAVA_HOME", "/mise/installs/node/24.11.0/java"],
    ["B", "oci"],
  ]);
  assertEquals(built.config.path, [
    "/mise/installs/node/24.11.0/bin",
    "/mise/installs/npm-prettier/3.6.2/bin",
  ]);
  assertEquals(built.warnings, []);
});

Deno.test("A16: plan() warns of names, never values, that come from files, look secret or name the host", () => {
  const env = [
    variable("FROM_FILE", "sentinel-1", { source: "/home/me/app/.env" }),
    variable("GH_TOKEN", "sentinel-2"),
    variable("CACHE_DIR", "/home/me/cache/sentinel-3"),
    variable("FINE", "/home/meadow"),
  ];
  const configFiles = ["/home/me/app/mise.toml", "/home/me/app/.env"];
  const { warnings } = plan(project({ env, configFiles }), options(), versions);
  assertEquals(warnings.length, 3);
  for (const [i, name] of ["FROM_FILE", "GH_TOKEN", "CACHE_DIR"].entries()) {
    assertStringIncludes(warnings[i] ?? "", name);
  }
  assert(!JSON.stringify(warnings).includes("sentinel"));
  const error = assertThrows(
    () => plan(project({ env, configFiles }), options({ strictEnv: true }), versions),
    MiseOciError,
    "GH_TOKEN",
  );
  assert(!error.message.includes("sentinel"));
  const quiet = options({ allowEnv: ["GH_*", "CACHE_DIR"], dropEnv: ["FROM_FILE"] });
  assertEquals(plan(project({ env, configFiles }), quiet, versions).warnings, []);
});

Deno.test("A16: plan() stops at a redacted variable and names it, its source and the ways out", () => {
  const env = [variable("MINE", "sentinel", { redacted: true })];
  const error = assertThrows(() => plan(project({ env }), options(), versions), MiseOciError);
  assertEquals(error.code, "secret");
  assertStringIncludes(error.message, "MINE (/home/me/app/mise.toml)");
  for (const way of ["--drop-env MINE", "--allow-env MINE", "-e MINE", "drop_env", "allow_env"]) {
    assertStringIncludes(error.hint ?? "", way);
  }
  assert(!`${error.message}${error.hint}`.includes("sentinel"));
  const dropped = plan(project({ env }), options({ dropEnv: ["MINE"] }), versions);
  assertEquals(dropped.config.env, []);
  const allowed = plan(project({ env, oci: { ...OCI, allowEnv: ["MINE"] } }), options(), versions);
  assertEquals(allowed.config.env, [["MINE", "sentinel"]]);
});

Deno.test("plan() refuses a variable with which no container would start", () => {
  const planned = (value: string, drop: readonly string[] = []) =>
    plan(project({ env: [variable("LONG", value)] }), options({ dropEnv: drop }), versions);
  // 128 KiB including the name, the equals sign and the closing NUL.
  const longest = 128 * 1024 - "LONG=".length - 1;
  assertEquals(planned("x".repeat(longest)).config.env[0]?.[1].length, longest);
  const error = assertThrows(() => planned("x".repeat(longest + 1)), MiseOciError, '"LONG"');
  assertEquals(error.code, "config");
  assertThrows(() => planned("\u20ac".repeat(50_000)), MiseOciError, "128 KiB");
  assertEquals(planned("x".repeat(longest + 1), ["LONG"]).config.env, []);
});

Deno.test("A16: plan() says that a flag names no variable: a slip would leave a secret in", () => {
  const p = project({ env: [variable("MY_SECRET", "x")] });
  const said = (o: Partial<PlanOptions>): readonly string[] =>
    plan(p, options(o), versions).warnings;
  const [first, second] = said({ dropEnv: ["MY_SECERT"] });
  assertEquals(
    first,
    "--drop-env MY_SECERT changes nothing: the project has no such variable; did you mean MY_SECRET?",
  );
  assertStringIncludes(second ?? "", "MY_SECRET looks like a secret");
  assertEquals(said({ allowEnv: ["ZZZ", "MY_SECRET"] }), [
    "--allow-env ZZZ changes nothing: the project has no such variable",
  ]);
  assertEquals(said({ dropEnv: ["MY_SECRET", "AWS_*", "PATH"] }), []);
});

Deno.test("plan() says what [oci.env] sets in vain", () => {
  const env = { MISE_SHARED_INSTALL_DIRS: "/evil", OTHER: "1" };
  const built = plan(project({ oci: { ...OCI, env } }), options(), versions);
  assertEquals(built.warnings, [
    'MISE_SHARED_INSTALL_DIRS of [oci.env] has no effect: in the image it is always "/mise/installs"; mount_point chooses it',
  ]);
});

Deno.test("looksLikeSecret() knows usual names and leaves ordinary ones alone", () => {
  for (
    const name of [
      "GITHUB_TOKEN",
      "TOKEN",
      "DB_PASSWORD",
      "AWS_SECRET_ACCESS_KEY",
      "OPENAI_API_KEY",
      "STRIPE_APIKEY",
      "CLIENT_SECRET",
      "SECRET_KEY_BASE",
      "npm_config_auth",
    ]
  ) assert(looksLikeSecret(name), name);
  for (
    const name of [
      "PATH",
      "PWD",
      "TOKENIZER",
      "KEYBOARD",
      "AUTHOR",
      "SSH_AUTH_SOCK_PATH",
      "NODE_ENV",
      "TOKEN_FILE",
    ]
  ) assert(!looksLikeSecret(name), name);
});

Deno.test("plan() warns when the project has no tools", () => {
  const { warnings, layers } = plan(project({ tools: [] }), options(), versions);
  assertStringIncludes(warnings.join(), "no tools");
  assertEquals(layers.map(({ kind }) => kind), ["config"]);
});

Deno.test("encodeMiseConfig() writes exact versions that a TOML reader reads back", () => {
  const tools = [tool("npm:@scope/x", "1.0.0"), tool("node", "20.1.0"), tool("node", "22.2.0")];
  assertEquals(parse(encodeMiseConfig(tools)), {
    tools: { "npm:@scope/x": "1.0.0", node: ["20.1.0", "22.2.0"] },
  });
  assertEquals(parse(encodeMiseConfig([])), { tools: {} });
});

const diffId = parseDiffId(`sha256:${"a".repeat(64)}`);
const base: ImageConfig = {
  architecture: "arm64",
  os: "linux",
  variant: "v8",
  author: "somebody",
  config: {
    Env: [
      "PATH=/base/bin",
      "KEEP=1",
      // As in images of layer format 2, where mise's data was in the image's directories.
      "MISE_DATA_DIR=/mise",
      "MISE_CONFIG_DIR=/etc/mise",
      "=nameless",
      "ALONE",
    ],
    Cmd: ["bash"],
    WorkingDir: "",
    Labels: { a: "1" },
    extensions: { ExposedPorts: { "80/tcp": {} }, StopSignal: "SIGINT" },
  },
  diffIds: [diffId, diffId],
  history: [{ created_by: "one" }, { created_by: "env", empty_layer: true }, { created_by: "two" }],
  extensions: { future: true },
};

function compose(change: { base?: ImageConfig; p?: Project; o?: PlanOptions } = {}): ImageConfig {
  const { config, platform } = plan(change.p ?? project(), change.o ?? options(), versions);
  return composeImageConfig({
    ...(change.base === undefined ? {} : { base: change.base }),
    baseName: "debian",
    config,
    layers: [{ diffId, createdBy: "mise-oci: tool node@24.11.0" }],
    platform,
  });
}

Deno.test("composeImageConfig() keeps what the base has and adds a history entry per layer", () => {
  const image = compose({ base });
  assertEquals(image.architecture, "arm64");
  assertEquals(image.config?.extensions, base.config?.extensions);
  assertEquals(image.extensions, { future: true });
  assertEquals(image.config?.Cmd, ["bash"]);
  assertEquals(image.config?.WorkingDir, "/workspace");
  assertEquals(image.diffIds.length, 3);
  assertEquals(image.history?.map(({ created_by }) => created_by), [
    "one",
    "env",
    "two",
    "mise-oci: tool node@24.11.0",
  ]);
  assertEquals(image.config?.Env, [
    "PATH=/mise/installs/node/24.11.0/bin:/mise/installs/npm-prettier/3.6.2/bin:/base/bin",
    "KEEP=1",
    "ALONE",
    "MISE_SHARED_INSTALL_DIRS=/mise/installs",
    "MISE_TRUSTED_CONFIG_PATHS=/workspace",
  ]);
  assertEquals(image.config?.Labels?.["a"], "1");
  assertEquals(image.config?.Labels?.["dev.mise.tools.npm:prettier"], "3.6.2");
  assertEquals(image.config?.Labels?.["org.opencontainers.image.created"], image.created);
});

Deno.test("composeImageConfig() replaces a base history that does not match its layers", () => {
  const { history: _, ...bare } = base;
  for (const broken of [bare, { ...base, history: [{ created_by: "only one" }] }]) {
    const image = compose({ base: broken });
    assertEquals(image.history?.length, 3);
    assertStringIncludes(image.history?.[0]?.created_by ?? "", "base image debian");
  }
});

Deno.test("composeImageConfig() on scratch has the default PATH, and nothing shadows mise's directories", () => {
  const p = project({
    tools: [],
    oci: {
      ...OCI,
      env: { MISE_SHARED_INSTALL_DIRS: "/evil", PATH: "/mine" },
      user: "me",
      cmd: [],
      entrypoint: ["sh"],
    },
  });
  const image = compose({ p });
  assertEquals(image.config?.Env?.includes("MISE_SHARED_INSTALL_DIRS=/mise/installs"), true);
  assertEquals(image.config?.Env?.includes("PATH=/mine"), true);
  assertEquals([image.config?.User, image.config?.Cmd, image.config?.Entrypoint], ["me", [], [
    "sh",
  ]]);
  const plain = compose();
  assertStringIncludes(plain.config?.Env?.join() ?? "", ":/usr/local/sbin:/usr/local/bin:");
  assertEquals(plain.architecture, "amd64");
});

Deno.test("plan() makes an image with a user a dev container of that user, unless [oci.labels] says other", () => {
  const label = (change: Partial<OciSection>): string | undefined =>
    plan(project({ oci: { ...OCI, ...change } }), options(), versions).config
      .labels["devcontainer.metadata"];
  assertEquals(label({}), undefined);
  assertEquals(label({ user: "dev:1000" }), '[{"remoteUser":"dev"}]');
  assertEquals(label({ user: "dev", labels: { "devcontainer.metadata": "[]" } }), "[]");
});
