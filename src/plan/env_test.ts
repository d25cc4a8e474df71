import { assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "@std/toml";
import type { ImageConfig } from "../oci/mod.ts";
import { composeImageConfig, maybePathWarning } from "./image_config.ts";
import { encodeMiseConfig } from "./layers/config.ts";
import { plan } from "./plan.ts";
import {
  OCI,
  options,
  project,
  tool,
  variable,
  versions,
} from "../../tests/support/plan_fixture.ts";

const base: ImageConfig = {
  architecture: "amd64",
  os: "linux",
  config: { Env: ["PATH=/base/bin"] },
  diffIds: [],
};

Deno.test("$PATH in [oci.env] PATH stands for what PATH would be, and a PATH without it is warned of", () => {
  const tools = "/mise/installs/node/24.11.0/bin:/mise/installs/npm-prettier/3.6.2/bin";
  const cases: readonly (readonly [value: string, path: string, warned: boolean])[] = [
    ["/srv/bin:$PATH", `/srv/bin:${tools}:/base/bin`, false],
    ["${PATH}:/srv/bin", `${tools}:/base/bin:/srv/bin`, false],
    ["/srv/$PATHS:/base/bin/", `${tools}:/srv/$PATHS:/base/bin/`, false],
    ["/srv/bin", `${tools}:/srv/bin`, true],
  ];
  for (const [value, path, warned] of cases) {
    const p = project({ oci: { ...OCI, env: { PATH: value } } });
    const { config, platform } = plan(p, options(), versions);
    const composed = { base, baseName: "b", config, layers: [], platform };
    const env = composeImageConfig(composed).config?.Env ?? [];
    assertEquals(env.filter((one) => one.startsWith("PATH=")), [`PATH=${path}`]);
    const warning = maybePathWarning(base, config);
    assertEquals(warning?.includes('Append ":$PATH"'), warned ? true : undefined, value);
    if (warned) assertStringIncludes(warning ?? "", "(/base/bin)");
  }
  const p = project({ oci: { ...OCI, env: { PATH: "/srv/bin" } } });
  assertEquals(maybePathWarning(undefined, plan(p, options(), versions).config), undefined);
});

Deno.test("plan() leaves out a VIRTUAL_ENV of this machine, and says what to write for other host paths", () => {
  const env = [
    variable("VIRTUAL_ENV", "/home/me/app/.venv"),
    variable("APP_ROOT", "/home/me/app/x"),
  ];
  const built = plan(project({ env }), options(), versions);
  assertEquals(built.config.env.map(([name]) => name), ["APP_ROOT"]);
  assertEquals(built.warnings.length, 1);
  assertStringIncludes(built.warnings[0] ?? "", "write it under [oci.env]");
  const image = plan(project({ env: [variable("VIRTUAL_ENV", "/opt/venv")] }), options(), versions);
  assertEquals(image.config.env, [["VIRTUAL_ENV", "/opt/venv"]]);
  assertEquals(
    plan(project({ env }), options({ dropEnv: ["VIRTUAL_ENV"] }), versions).warnings.length,
    1,
  );
});

Deno.test("tools of tasks are layers, but neither on PATH nor in the config of the image's mise", () => {
  const tools = [tool("node", "24.11.0"), {
    ...tool("npm:cowsay", "1.6.0"),
    ofTask: true as const,
  }];
  assertEquals(parse(encodeMiseConfig(tools)), { tools: { node: "24.11.0" } });
  const built = plan(project({ tools }), options(), versions);
  assertEquals(built.config.path.join().includes("cowsay"), false);
  assertEquals(built.layers.filter(({ kind }) => kind === "tool").length, 2);
});
