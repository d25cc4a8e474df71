import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parse as parseYaml } from "npm:yaml@2.8.1";
import { MiseOciError } from "../../errors.ts";
import { type OciSection, plan, type Tool } from "../../plan/mod.ts";
import { OCI, OPTIONS, project, tool, versions } from "../../../tests/support/plan_fixture.ts";
import { generateBake } from "./bake.ts";
import { generateDockerfile } from "./dockerfile.ts";
import { generateGithubAction, generateGitlabCi } from "./ci.ts";
import { generateDevcontainer, generateKubernetes } from "./use.ts";
import type { GenerateInput } from "./generator.ts";
import { parseBase } from "../../oci/mod.ts";

function input(tools: readonly Tool[], oci: Partial<OciSection> = {}): GenerateInput {
  const absent = tools.map((one) => ({ ...one, installed: false }));
  const planned = project({ tools: absent, oci: { ...OCI, ...oci } });
  return {
    project: planned,
    plan: plan(planned, OPTIONS, versions),
    path: ".",
    platforms: [],
    toolOptions: new Map(),
  };
}

/** The lines of each stage by name; the last stage has no name. */
function stages(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.split("\n")) {
    const [, , name = ""] = /^FROM (\S+)(?: AS (\S+))?/.exec(line) ?? [];
    if (line.startsWith("FROM ")) found.set(name, lines = []);
    lines.push(line);
  }
  return found;
}

Deno.test("generate dockerfile: a stage and one COPY --link a tool, so that a bump changes one stage", () => {
  const before = stages(
    generateDockerfile([input([tool("cargo:eza", "0.1.0"), tool("jq", "1.8.1")])]),
  );
  const after = stages(
    generateDockerfile([input([tool("cargo:eza", "0.1.0"), tool("jq", "1.8.2")])]),
  );
  const last = before.get("") ?? [];
  assertEquals(
    last.filter((line) => line.includes("--from=tool-")),
    [
      "COPY --link --from=tool-cargo-eza-0.1.0 /mise/installs/cargo-eza/0.1.0 " +
      "/mise/installs/cargo-eza/0.1.0",
      "COPY --link --from=tool-jq-1.8.1 /mise/installs/jq/1.8.1 /mise/installs/jq/1.8.1",
    ],
  );
  for (const name of ["base", "mise", "tool-cargo-eza-0.1.0"]) {
    assertEquals(after.get(name), before.get(name));
  }
  // The small files are one layer, regardless of the number of tools.
  assertEquals(last.filter((line) => line.startsWith("COPY") && !line.includes("tool-")), [
    "COPY --link --from=files-config / /",
  ]);
  assertEquals(before.get("files-config")?.[0], "FROM scratch AS files-config");
  assertEquals(after.get("tool-jq-1.8.1"), undefined);
});

Deno.test("generate dockerfile: a tool that another installs is built on that one's stage", () => {
  const text = generateDockerfile([
    input([tool("npm:prettier", "3.6.2"), tool("node", "24.11.0")]),
  ]);
  assertStringIncludes(text, "FROM tool-node-24.11.0 AS tool-npm-prettier-3.6.2");
  assertEquals(
    text.indexOf("AS tool-node-24.11.0") < text.indexOf("AS tool-npm-prettier-3.6.2"),
    true,
  );
});

Deno.test("generate dockerfile: values are quoted, and what it cannot say is refused", () => {
  const value = 'a "b" $c \\d';
  const text = generateDockerfile([input([], { env: { X: value } })]);
  assertStringIncludes(text, 'ENV X="a \\"b\\" \\$c \\\\d"');
  for (
    const bad of [
      input([], { env: { X: "a\nb" } }),
      input([], { from: parseBase("scratch") }),
      input([], { copy: [{ host: "/etc/motd", image: "/etc/motd" }] }),
    ]
  ) {
    assertThrows(() => generateDockerfile([bad]), MiseOciError, "Cannot generate a Dockerfile");
  }
});

Deno.test("generate dockerfile: no kind of layer is left out silently", () => {
  const plugin = { name: "foo", hostPath: "/data/plugins/foo" };
  const planned = project({ tools: [tool("vfox:a/foo", "1.0.0", { plugin })] });
  const options = {
    ...OPTIONS,
    certificates: "PEM\n",
    mise: { path: "/usr/bin/mise", version: "2026.9.15" },
    packages: { manager: "apt" as const, packages: [{ name: "jq" }] },
    copies: [{ host: `${planned.directory}/app`, image: "/srv/app" }],
  };
  const dotfiles = [{
    target: "~/.profile",
    mode: "content",
    content: "A=1",
    exclude: [],
    source: "mise.toml",
  }] as const;
  const all = { ...planned, dotfiles };
  const text = generateDockerfile([{
    project: all,
    plan: plan(all, options, versions),
    path: ".",
    platforms: [],
    toolOptions: new Map(),
  }]);
  const base = stages(text).get("base")?.join("\n") ?? "";
  assertStringIncludes(base, "apt-get install -y --no-install-recommends jq");
  assertStringIncludes(
    base,
    "COPY <<'EOF' /etc/ssl/mise-oci/ca.pem\nPEM\nEOF\n" +
      "RUN mkdir -p /etc/ssl/certs && cat /etc/ssl/mise-oci/ca.pem >> /etc/ssl/certs/ca-certificates.crt",
  );
  assertEquals(
    stages(text).get("")?.filter((line) => line.startsWith("COPY")),
    [
      "COPY --link --from=tool-vfox-a-foo-1.0.0 /mise/installs/vfox-a/foo/1.0.0 /mise/installs/vfox-a/foo/1.0.0",
      "COPY --link --from=tool-vfox-a-foo-1.0.0 /mise/plugins/foo /mise/plugins/foo",
      'COPY --link ["./app", "/srv/app"]',
      "COPY --link --from=files-dotfiles / /",
      "COPY --link --from=mise /usr/local/bin/mise /usr/local/bin/mise",
      "COPY --link --from=files-config / /",
    ],
  );
  const self = { ...options, self: { path: "/opt/mise-oci", version: "1.0.0" } };
  assertThrows(
    () =>
      generateDockerfile([{
        project: all,
        plan: plan(all, self, versions),
        path: ".",
        platforms: [],
        toolOptions: new Map(),
      }]),
    MiseOciError,
    '"/opt/mise-oci" is not below the project',
  );
});

Deno.test("generate bake: a target a project", () => {
  const one = input([], { tag: "app:1" });
  const text = generateBake([
    { ...one, path: "services/api", platforms: ["linux/amd64", "linux/arm64"] },
    { ...one, path: "services/web" },
  ]);
  assertStringIncludes(text, 'targets = ["services-api", "services-web"]');
  assertStringIncludes(text, 'context = "services/api"');
  assertStringIncludes(text, 'platforms = ["linux/amd64", "linux/arm64"]');
  assertThrows(() => generateBake([one, one]), MiseOciError, "two targets");
});

const TAGGED: Partial<OciSection> = { tag: "ghcr.io/team/dev:1", user: "1000:1000" };

Deno.test("generate devcontainer, github-action, gitlab-ci, kubernetes: documents that say where the image is", () => {
  const tagged = {
    ...input([tool("jq", "1.8.1")], TAGGED),
    platforms: ["linux/amd64", "linux/arm64"],
  };
  assertEquals(JSON.parse(generateDevcontainer([tagged])), {
    name: "app",
    image: "ghcr.io/team/dev:1",
    remoteUser: "1000",
    updateRemoteUserUID: false,
  });
  const github = parseYaml(generateGithubAction([tagged])).jobs.image;
  assertEquals(github.strategy.matrix.runner, ["ubuntu-24.04", "ubuntu-24.04-arm"]);
  assertEquals(github.steps[1].with, { image: "ghcr.io/team/dev:1", "update-index": true });
  const gitlab = parseYaml(generateGitlabCi([tagged]));
  assertEquals(Object.keys(gitlab), [".image", "image-amd64", "image-arm64"]);
  assertStringIncludes(gitlab[".image"].before_script.join("\n"), "ca-certificates curl git");
  const pod = parseYaml(generateKubernetes([tagged])).spec;
  assertEquals(pod.volumes[0].image.reference, "ghcr.io/team/dev:1");
  assertEquals(pod.containers[0].volumeMounts[0], {
    name: "tools",
    mountPath: "/mise",
    subPath: "mise",
    readOnly: true,
  });
  const path = pod.containers[0].env.find(({ name }: { name: string }) => name === "PATH");
  assertStringIncludes(path.value, "/mise/installs/jq/1.8.1/bin:");
});

Deno.test("generate devcontainer and kubernetes refuse an image that nothing can name", () => {
  const nameless = [input([])];
  for (const generate of [generateDevcontainer, generateKubernetes]) {
    assertThrows(() => generate(nameless), MiseOciError, "no name");
  }
  assertThrows(() => generateKubernetes([input([], { tag: "dev:1" })]), MiseOciError, "registry");
  assertStringIncludes(generateDevcontainer([input([], { tag: "dev:1" })]), '"load"');
});
