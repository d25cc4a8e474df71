import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { plan } from "./plan.ts";
import { OCI, options, project, variable, versions } from "../../tests/support/plan_fixture.ts";
import type { Project } from "./project.ts";

Deno.test("A16: plan() stops where the value of a declared secret stands, and names place and variable", () => {
  const value = "hunter2-sentinel/+";
  const secret = variable("DB_PASS", value, { redacted: true });
  const url = variable("DATABASE_URL", `postgres://app:${encodeURIComponent(value)}@db/app`);
  const dotfile = { mode: "content", exclude: [], source: "/home/me/app/mise.toml" } as const;
  const cases: readonly (readonly [string, Partial<Project>])[] = [
    ["DATABASE_URL", { env: [secret, url] }],
    ["FROM_OCI", { oci: { ...OCI, env: { FROM_OCI: `x${value}` } } }],
    ['label "a.b"', { oci: { ...OCI, labels: { "a.b": value } } }],
    ["cmd", { oci: { ...OCI, cmd: ["serve", `--password=${value}`] } }],
    ["entrypoint", { oci: { ...OCI, entrypoint: [value] } }],
    ["workdir", { oci: { ...OCI, workdir: `/srv/${value}` } }],
    ['the file "/root/.app"', {
      dotfiles: [{ ...dotfile, target: "~/.app", content: `auth ${btoa(`me:${value}`)}` }],
    }],
    ['the file "/etc/app"', {
      dotfiles: [{ ...dotfile, mode: "template", target: "/etc/app", content: value }],
    }],
    ["copy layer", { oci: { ...OCI, copy: [{ host: "/h", image: `/${value}` }] } }],
  ];
  for (const [place, more] of cases) {
    const p = project({ env: [secret], ...more });
    for (const [dropEnv, env] of [[["DB_PASS"], p.env], [["DB_*"], p.env]] as const) {
      const error = assertThrows(
        () => plan({ ...p, env }, options({ dropEnv }), versions),
        MiseOciError,
        place,
      );
      assertEquals(error.code, "secret");
      assertStringIncludes(error.message, "the value of DB_PASS");
      assert(!/sentinel/.test(`${error.message}${error.hint}`));
    }
    // Allowing the variable allows its value everywhere; allowing the place is enough too.
    plan(p, options({ allowEnv: ["DB_PASS"] }), versions);
  }
  const p = project({ env: [secret, url] });
  plan(p, options({ dropEnv: ["DB_PASS"], allowEnv: ["DATABASE_URL"] }), versions);
  // A secret of the global config, whose variables are not in the image.
  const hidden = project({ env: [url], secrets: [{ name: "DB_PASS", value }] });
  assertThrows(() => plan(hidden, options(), versions), MiseOciError, "the value of DB_PASS");
});

Deno.test("A16: plan() looks for the value of a dropped variable if it is more than a setting", () => {
  const said = (name: string, value: string): unknown => {
    const env = [variable(name, value), variable("COPY", `x ${value} y`)];
    try {
      return plan(project({ env }), options({ dropEnv: [name] }), versions).config.env.length;
    } catch (error) {
      return error instanceof MiseOciError ? error.code : error;
    }
  };
  assertEquals(said("DB_PASS", "hunter"), "secret");
  assertEquals(said("LICENSE", "ab12-cd34-ef56"), "secret");
  assertEquals(said("DB_PASS", "true"), 1);
  assertEquals(said("NODE_ENV", "production"), 1);
  assertEquals(said("LANG", "en_US.UTF-8"), 1);
  assertEquals(said("JAVA_HOME", "/opt/java"), 1);
  assertEquals(said("EDITOR", "vim"), 1);
});

Deno.test("A16: plan() warns of values that look like secrets, by name and kind", () => {
  const env = [variable("DATABASE", "postgres://me:sentinel@db/app")];
  const labels = { notes: "https://me:sentinel@example.com" };
  const p = project({ env, oci: { ...OCI, labels, cmd: ["run", "--password=sentinel"] } });
  const { warnings } = plan(p, options(), versions);
  assertEquals(warnings.map((text) => text.split(";")[0]), [
    "DATABASE holds what looks like a URL with a password",
    "cmd holds what looks like a connection string with a password",
    'label "notes" holds what looks like a URL with a password',
  ]);
  assert(!warnings.join().includes("sentinel"));
  const strict = options({ strictEnv: true });
  const error = assertThrows(() => plan(p, strict, versions), MiseOciError, "DATABASE holds");
  assertStringIncludes(error.message, 'label "notes"');
  const allowEnv = ["DATABASE", "notes", "cmd"];
  assertEquals(plan(p, { ...strict, allowEnv }, versions).warnings, []);
});

Deno.test("A16: plan() says of a host path what helps, not that it is a secret, and drops VIRTUAL_ENV", () => {
  const env = [
    variable("CACHE_DIR", "/home/me/cache"),
    variable("VIRTUAL_ENV", "/home/me/app/.venv"),
  ];
  const { warnings, config } = plan(project({ env }), options(), versions);
  assertEquals(config.env.map(([name]) => name), ["CACHE_DIR"]);
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0] ?? "", "write it under [oci.env]");
  assert(!warnings[0]?.includes("can read"));
});

Deno.test("plan() says which .dockerignore applies, and the layer has its patterns", () => {
  const copy = [{ host: "/home/me/app/web", image: "/srv", ignore: ["*.md", "!README.md"] }];
  const { layers, notes } = plan(project({ oci: { ...OCI, copy } }), options(), versions);
  assertEquals(notes, ['Copy "/srv": .dockerignore of "/home/me/app/web" applies']);
  const source = layers.find(({ kind }) => kind === "copy")?.sources[0];
  assertEquals(source?.type === "tree" ? source.ignore : [], ["*.md", "!README.md"]);
});
