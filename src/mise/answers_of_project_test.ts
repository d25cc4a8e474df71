import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { type FakeAnswers, type FakeMise } from "../../tests/support/fake_mise.ts";
import { fakeProject, fakeTool, readFake } from "../../tests/support/fake_project.ts";
import { MiseOciError } from "../errors.ts";
import type { Project } from "../plan/project.ts";
import { SharedAnswers } from "./answers_of_project.ts";
import type { ProjectOptions } from "./project.ts";

const platform = { os: "linux", architecture: "riscv64" };
/** Install root of the other platform. */
const FOREIGN = "/oci/linux-riscv64";
const HOSTED = "/data/installs/node/24.11.0";
const OTHER = `${FOREIGN}/data/installs/node/24.11.0`;
const foreign: Partial<ProjectOptions> = { platform, foreign: { platform, directory: FOREIGN } };

/** Queries that are repeated for a second platform. */
const AGAIN = ["env --json-extended", "ls --current --json"];

/** Shell code that responds like mise for the other platform. */
function other(stdout: unknown, stderr = ""): string {
  const text = typeof stdout === "string" ? stdout : JSON.stringify(stdout);
  return `if [ "$MISE_ARCH" = riscv64 ]; then printf '%s' '${text}'; printf '%s' '${stderr}' >&2; exit 0; fi`;
}

interface Row {
  readonly source?: string;
  readonly stderr?: string;
}

/** Responses of a mise that has node for both platforms; `variables` by platform. */
function bothAnswers(
  directory: string,
  { host = {}, theirs = {}, row = {} }: {
    readonly host?: Readonly<Record<string, unknown>>;
    readonly theirs?: Readonly<Record<string, unknown>>;
    readonly row?: Row;
  } = {},
): FakeAnswers {
  const config = join(directory, "mise.toml");
  const listed = (install: string, path = config): unknown => ({
    node: [{
      version: "24.11.0",
      requested_version: "24.11.0",
      install_path: install,
      source: { type: "mise.toml", path },
      installed: true,
    }],
  });
  const path = (install: string): unknown => ({ PATH: { value: `${install}/bin:/usr/bin` } });
  return {
    "ls --current --json": {
      stdout: listed(HOSTED),
      shell: other(listed(OTHER, row.source), row.stderr),
    },
    "env --json-extended": {
      stdout: { ...path(HOSTED) as object, ...host },
      shell: other({ ...path(OTHER) as object, ...theirs }),
    },
    "bin-paths": { stdout: `${HOSTED}/bin\n`, shell: other(`${OTHER}/bin\n`) },
    "tool node --json": { stdout: { backend: "core:node", active_versions: ["24.11.0"] } },
  };
}

const node = () => [fakeTool("node", "24.11.0", { installPath: HOSTED })];

async function readBoth(fake: FakeMise): Promise<readonly [Project, Project]> {
  const shared = new SharedAnswers();
  const [own, theirs] = await Promise.all([
    readFake(fake, { shared }),
    readFake(fake, { shared, ...foreign }),
  ]);
  return [own.project, theirs.project];
}

async function askedTwice(fake: FakeMise): Promise<readonly string[]> {
  const calls = await fake.calls();
  return [...new Set(calls)].filter((call) => calls.filter((one) => one === call).length > 1)
    .sort();
}

Deno.test("readProject() asks for a second platform only what depends on it", async () => {
  const variable = { A: { value: "1", source: "/p/.env" } };
  await using fake = await fakeProject(
    node,
    ({ directory }) => bothAnswers(directory, { host: variable, theirs: variable }),
  );
  const [own, theirs] = await readBoth(fake);
  assertEquals(await askedTwice(fake), AGAIN);
  assertEquals((await fake.calls()).length, 8 + AGAIN.length);
  assertEquals(theirs.tools.map(({ installPath }) => installPath), [OTHER]);
  assertEquals(theirs.tools.map(({ binPaths, binDirs }) => [binPaths, binDirs]), [
    [[`${OTHER}/bin`], ["bin"]],
  ]);
  const { tools: _own, ...rest } = own;
  const { tools: _theirs, ...same } = theirs;
  assertEquals(same, rest);
});

Deno.test("readProject() asks for each platform which backend a name means that is not mise's own", async () => {
  await using fake = await fakeProject(node, ({ directory }) => ({
    ...bothAnswers(directory),
    "tool node --json": { stdout: { backend: "aqua:node", active_versions: ["24.11.0"] } },
  }));
  const [own, theirs] = await readBoth(fake);
  assertEquals(await askedTwice(fake), [...AGAIN, "tool node --json"]);
  assertEquals([own, theirs].map(({ tools: [tool] }) => tool?.backend), ["aqua:node", "aqua:node"]);
});

Deno.test("readProject() gives a platform what it gives alone, whoever was asked first", async () => {
  await using fake = await fakeProject(node, ({ directory }) => bothAnswers(directory));
  const alone = (await readFake(fake, foreign)).project;
  const shared = new SharedAnswers();
  const first = (await readFake(fake, { shared, ...foreign })).project;
  const own = (await readFake(fake, { shared })).project;
  const last = (await readFake(fake, { shared, ...foreign })).project;
  assertEquals([first, last], [alone, alone]);
  assertEquals(own, (await readFake(fake)).project);
});

Deno.test("readProject() asks for directories of executables that PATH does not tell", async () => {
  await using fake = await fakeProject(node, ({ directory }) => ({
    ...bothAnswers(directory, {
      host: { PATH: { value: `${HOSTED}/more:${HOSTED}/bin` } },
      theirs: { PATH: { value: `${OTHER}/more:${OTHER}/bin` } },
    }),
  }));
  const [, theirs] = await readBoth(fake);
  assertEquals(await askedTwice(fake), ["bin-paths", ...AGAIN]);
  assertEquals(theirs.tools[0]?.binPaths, [`${OTHER}/bin`]);
});

Deno.test("readProject() asks which variables are secrets if a platform has others", async () => {
  await using fake = await fakeProject(node, ({ directory }) => ({
    ...bothAnswers(directory, { theirs: { WORD: { value: "s3cret" } } }),
    "env --redacted --json": { stdout: {}, shell: other({ WORD: "s3cret" }) },
  }));
  const [own, theirs] = await readBoth(fake);
  assertEquals(await askedTwice(fake), [
    "env --json-extended",
    "env --redacted --json",
    "ls --current --json",
  ]);
  assertEquals(own.env, []);
  assertEquals(theirs.env.map(({ name, redacted }) => [name, redacted]), [["WORD", true]]);
});

Deno.test("readProject() asks which variables are secrets if one comes from elsewhere", async () => {
  await using fake = await fakeProject(node, ({ directory }) => ({
    ...bothAnswers(directory, {
      host: { WORD: { value: "1", source: join(directory, "mise.toml") } },
      theirs: { WORD: { value: "1" } },
    }),
  }));
  await readBoth(fake);
  assert((await askedTwice(fake)).includes("env --redacted --json"));
});

Deno.test("readProject() asks everything if a platform has a config file of its own", async () => {
  await using fake = await fakeProject(node, ({ directory }) => {
    const source = join(directory, "mise.linux-riscv64.toml");
    const rows = [{ path: source, tools: ["node"] }, { path: join(directory, "mise.toml") }];
    Deno.writeTextFileSync(source, '[oci]\nuser = "me"\n');
    return {
      ...bothAnswers(directory, { row: { source } }),
      "config ls --json": { stdout: [rows[1]], shell: other(rows) },
    };
  });
  const [own, theirs] = await readBoth(fake);
  assertEquals([own.oci.user, theirs.oci.user], [undefined, "me"]);
});

Deno.test("readProject() refuses a tool that mise leaves out for one platform only", async () => {
  const said = "mise WARN  Failed to resolve tool version list for odd: [/p/mise.toml] odd@1: no";
  await using fake = await fakeProject(
    node,
    ({ directory }) => bothAnswers(directory, { row: { stderr: said } }),
  );
  const error = await assertRejects(() => readBoth(fake), MiseOciError);
  assertEquals(error.code, "tool");
  assert(error.message.includes("odd@1"));
});

Deno.test("readProject() fails for each platform with what mise says to the first", async () => {
  await using fake = await fakeProject(node, ({ directory }) => ({
    ...bothAnswers(directory),
    "settings --all --json": { stderr: "mise ERROR no settings", code: 1 },
  }));
  const shared = new SharedAnswers();
  const ends = await Promise.allSettled([
    readFake(fake, { shared }),
    readFake(fake, { shared, ...foreign }),
  ]);
  const [first, second] = ends.map((end) => end.status === "rejected" ? end.reason : undefined);
  assert(first instanceof MiseOciError);
  assertEquals(second, first);
});

Deno.test("readProject() looks at the override of a version for each platform", async () => {
  await using fake = await fakeProject(node, ({ directory }) => {
    const answers = bothAnswers(directory);
    const overridden = {
      node: [{
        version: "1.0.0",
        install_path: "/data/installs/node/1.0.0",
        source: { type: "environment", key: "MISE_NODE_VERSION" },
        installed: true,
      }],
    };
    const ls = answers["ls --current --json"];
    const shell = `if [ -z "\${MISE_NODE_VERSION+x}" ]; then printf '%s' '${
      JSON.stringify(overridden)
    }'; exit 0; fi\n${ls?.shell}`;
    return { ...answers, "ls --current --json": { ...ls, shell } };
  });
  const [own, theirs] = await readBoth(fake);
  assertEquals([own, theirs].map(({ tools }) => tools[0]?.installPath), [HOSTED, OTHER]);
});

Deno.test("readProject() does not ask early for the backends of tools of the global config", async () => {
  await using fake = await fakeProject(
    () => [fakeTool("node", "24.11.0", { installPath: HOSTED, backend: "core:node" })],
    ({ directory, home }) => {
      const config = join(home, ".config/mise/config.toml");
      const row = (path: string): unknown => [{
        version: "1.0.0",
        install_path: `/data/installs/x/1.0.0`,
        source: { type: "mise.toml", path },
        installed: true,
      }];
      return {
        "config ls --json": {
          stdout: [{ path: join(directory, "mise.toml"), tools: ["node"] }, {
            path: config,
            tools: ["jq"],
          }],
        },
        "ls --current --json": {
          stdout: { jq: row(config), node: row(join(directory, "mise.toml")) },
        },
      };
    },
  );
  await readFake(fake);
  assertEquals((await fake.calls()).filter((call) => call.startsWith("tool ")), [
    "tool node --json",
  ]);
});
