/**
 * The layer store as users run it: two machines and two projects, real registries.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { checkLayout } from "../support/layout.ts";
import { serveStaticTool } from "../support/static_tool.ts";
import {
  createMiseProject,
  type DockerRegistry,
  type MiseProject,
  program,
  pushBase,
  run,
  type RunResult,
  startDockerRegistry,
  testWith,
  TOOLS,
} from "../support/testbed.ts";

interface Pushed {
  readonly digest: string;
  readonly blobs: { readonly uploaded: number; readonly present: number; readonly mounted: number };
  readonly layers: readonly {
    readonly name: string;
    readonly status: string;
    readonly digest: string;
  }[];
}

function options(project: MiseProject): { cwd: string; env: Record<string, string> } {
  const env = { SOURCE_DATE_EPOCH: "1700000000", MISE_OCI_CACHE_DIR: join(project.root, "cache") };
  return { cwd: project.directory, env: { ...project.env, ...env } };
}

const push = (project: MiseProject, ...args: string[]): Promise<Pushed> =>
  runProgramJson<Pushed>(["push", "--from", "scratch", "--no-mise", ...args], options(project));
const tryPush = (project: MiseProject, ...args: string[]): Promise<RunResult> =>
  runProgram(["push", "--from", "scratch", "--no-mise", ...args], options(project));

async function tagsOf(registry: DockerRegistry, name: string): Promise<string[]> {
  const response = await fetch(`${registry.url}/v2/${name}/tags/list`);
  return (await response.json()).tags ?? [];
}

testWith(
  { needs: ["linux", "mise", "crane", "docker-registry"] },
  "layer store: a second machine and project gets tools by mounting, without having them installed",
  async () => {
    await using registry = await startDockerRegistry();
    const store = `${registry.host}/team/layers`;
    await using first = await createMiseProject({ tools: ["prettier", "typescript"] });
    const one = await push(
      first,
      ...["--store", store, "--store-push", `${registry.host}/team/one:1`],
    );
    assertEquals(one.layers.map(({ status }) => status), ["built", "built", "built"]);
    const tags = await tagsOf(registry, "team/layers");
    assertEquals(tags.length, 2);
    for (const tag of tags) {
      assert(/^npm-(?:prettier-3\.6\.2|typescript-5\.9\.2)-linux-amd64-[0-9a-f]{32}$/.test(tag));
      await run([program("crane"), "validate", "--insecure", "--remote", `${store}:${tag}`]);
    }
    const { stdout: listed } = await run([program("crane"), "ls", "--insecure", store]);
    assertEquals(listed.trim().split("\n").sort(), tags.sort());

    // Another project with one tool in common, of which nothing is installed; the store is in its config.
    await using second = await createMiseProject({ tools: [], trust: false });
    const key = `"${TOOLS.prettier.key}" = "${TOOLS.prettier.version}"`;
    await Deno.writeTextFile(
      join(second.directory, "mise.toml"),
      `[tools]\n${key}\n[_.oci]\nstore = { ref = "${store}", push = true }\n`,
    );
    await second.runMise("trust", "--all");
    const two = await push(second, `${registry.host}/team/two:1`);
    const [prettier] = two.layers;
    assertEquals([prettier?.name, prettier?.status], ["npm:prettier", "reused"]);
    // config.toml's layer and the image config; the tool is mounted.
    assertEquals(two.blobs, { ...two.blobs, uploaded: 2, mounted: 1 });
    assertEquals((await tagsOf(registry, "team/layers")).length, 2);

    // What an image of installed tools says is what this one says.
    await using whole = await createMiseProject({ tools: ["prettier"] });
    const three = await push(whole, `${registry.host}/team/three:1`);
    assertEquals(three.digest, two.digest);
  },
);

/** A store that takes nothing is read, and the push says that it was not updated. */
async function checkReadOnly(registry: DockerRegistry, store: string, to: string): Promise<void> {
  await registry.makeReadOnly();
  await using reader = await createMiseProject({ tools: ["prettier", "typescript"] });
  const { code, stdout, stderr } = await tryPush(reader, "--store", store, "--store-push", to);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "was not updated");
  assertStringIncludes(stdout, "reused npm:prettier");
}

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "layer store: on another registry, damaged, down or read-only, the image is right and the push says so",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: ["prettier"] });
    const image = `${registry.host}/team/app`;
    const plain = await push(project, `${image}:plain`);
    const down = await tryPush(
      project,
      ...["--store", "127.0.0.1:9/team/layers", "--store-push", `${image}:down`],
    );
    assertEquals(down.code, 0, down.stderr);
    assertStringIncludes(down.stderr, "layer store");
    assertStringIncludes(down.stdout, plain.digest);

    await using other = await startDockerRegistry();
    const store = `${other.host}/layers`;
    await push(project, "--store", store, "--store-push", `${image}:1`);
    const [tag = ""] = await tagsOf(other, "layers");
    // A fresh machine: the layer streams from one registry to the other.
    await using fresh = await createMiseProject({ tools: [], trust: false });
    await Deno.copyFile(join(project.directory, "mise.toml"), join(fresh.directory, "mise.toml"));
    await fresh.runMise("trust", "--all");
    const streamed = await push(fresh, "--store", store, `${registry.host}/elsewhere/app:1`);
    assertEquals(streamed.digest, plain.digest);
    assertEquals(streamed.layers[0]?.status, "reused");

    await Deno.remove(join(fresh.root, "cache"), { recursive: true });
    const layout = join(fresh.root, "image");
    const written = await runProgramJson<Pushed>(
      ["build", "--from", "scratch", "--no-mise", "--store", store, "-o", layout],
      options(fresh),
    );
    assertEquals(written.digest, plain.digest);
    await checkLayout(layout);

    await checkReadOnly(other, store, `${registry.host}/read/app:1`);

    // The entry's blob is damaged: what is installed here is built instead.
    const manifest = await (await fetch(`${other.url}/v2/layers/manifests/${tag}`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
    })).json();
    await other.damage(manifest.layers[0].digest);
    await using installed = await createMiseProject({ tools: ["prettier"] });
    const built = await tryPush(installed, "--store", store, `${registry.host}/third/app:1`);
    assertEquals(built.code, 0, built.stderr);
    assertStringIncludes(built.stdout, plain.digest);
    const lost = await tryPush(fresh, "--no-cache", "--store", store, `${image}:lost`);
    assertStringIncludes(lost.stderr, "not installed");
    await Deno.remove(join(fresh.root, "cache"), { recursive: true });
    const bad = await runProgram(
      ["build", "--from", "scratch", "--no-mise", "--store", store, "-o", layout],
      options(fresh),
    );
    assertStringIncludes(bad.stderr, "of the store is not used");
  },
);

/** A registry whose blobs of more than a config can be read only as long as nothing goes wrong. */
function serveFailing(
  { url }: DockerRegistry,
): AsyncDisposable & { readonly host: string; answer: (() => Response) | undefined } {
  const state: { answer: (() => Response) | undefined } = { answer: undefined };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (ask) => {
    const { pathname, search } = new URL(ask.url);
    const there = await fetch(`${url}${pathname}${search}`, {
      method: ask.method,
      headers: ask.headers,
    });
    const isLayer = ask.method === "GET" && pathname.includes("/blobs/") &&
      Number(there.headers.get("content-length")) > 10_000;
    if (!isLayer || state.answer === undefined) return there;
    await there.body?.cancel();
    return state.answer();
  });
  return Object.assign(state, {
    host: `127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  });
}

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "layer store: one that fails after layers were found in it never stops a push of installed tools",
  async () => {
    await using registry = await startDockerRegistry();
    await using storing = await startDockerRegistry();
    await using failing = serveFailing(storing);
    await using full = await createMiseProject({ tools: ["prettier"], cache: "empty" });
    const image = `${registry.host}/team/app`;
    const seed = ["--store", `${storing.host}/layers`, "--store-push"];
    const { digest } = await push(full, ...seed, `${image}:seed`);
    const answers: Readonly<Record<string, () => Response>> = {
      "answered 500": () => new Response("down", { status: 500 }),
      "answered 403": () => new Response("no", { status: 403 }),
      "not used": () => new Response(new Uint8Array(20_000), { status: 200 }),
    };
    for (const [i, [reason, answer]] of Object.entries(answers).entries()) {
      failing.answer = answer;
      await Deno.remove(join(full.root, "cache"), { recursive: true });
      const to = `${registry.host}/team/app${i}:1`;
      const pushed = await tryPush(full, "--store", `${failing.host}/layers`, to);
      assertEquals(pushed.code, 0, pushed.stderr);
      assertStringIncludes(pushed.stderr, "The layer store is not used");
      assertStringIncludes(pushed.stderr, reason);
      assertStringIncludes(pushed.stdout, digest);
    }
  },
);

testWith(
  { needs: ["linux", "mise", "docker-registry", "htpasswd"] },
  "layer store: on a registry with another login, layers stream to that of the image; without it the build goes on",
  async () => {
    const logins = [
      { user: "images", password: "first-password" },
      { user: "layers", password: "second-password" },
    ] as const;
    await using images = await startDockerRegistry({ htpasswd: logins[0] });
    await using layers = await startDockerRegistry({ htpasswd: logins[1] });
    await using full = await createMiseProject({ tools: ["prettier"], cache: "empty" });
    await using fresh = await createMiseProject({ tools: [], trust: false });
    await Deno.copyFile(join(full.directory, "mise.toml"), join(fresh.directory, "mise.toml"));
    await fresh.runMise("trust", "--all");
    const authFile = join(full.root, "auth.json");
    const login = async (...hosts: readonly string[]): Promise<void> => {
      const auths = Object.fromEntries(
        [images, layers].map(({ host }, i) => {
          const { user, password } = logins[i] ?? logins[0];
          return [host, { auth: btoa(`${user}:${password}`) }];
        }).filter(([host]) => hosts.includes(String(host))),
      );
      await Deno.writeTextFile(authFile, JSON.stringify({ auths }));
    };
    const send = (project: MiseProject, to: string, ...flags: string[]): Promise<RunResult> => {
      const { cwd, env } = options(project);
      const args = ["--store", `${layers.host}/layers`, ...flags, `${images.host}/${to}:1`];
      return runProgram(["push", "--from", "scratch", "--no-mise", ...args], {
        cwd,
        env: { ...env, REGISTRY_AUTH_FILE: authFile },
      });
    };
    await login(images.host, layers.host);
    const first = await send(full, "a", "--store-push");
    assertEquals(first.code, 0, first.stderr);
    assertStringIncludes(first.stderr, `Put 1 layers into ${layers.host}/layers`);
    const second = await send(fresh, "b");
    assertEquals(second.code, 0, second.stderr);
    assertStringIncludes(second.stdout, "reused npm:prettier");
    await login(images.host);
    const third = await send(full, "c", "--store-push");
    assertEquals(third.code, 0, third.stderr);
    assertStringIncludes(third.stderr, "The layer store is not used");
    assertStringIncludes(third.stderr, "was not updated");
    const fourth = await send(fresh, "d", "--no-cache");
    assertEquals(fourth.code, 1);
    assertStringIncludes(fourth.stderr, "not installed");
    for (const { password } of logins) {
      for (const { stdout, stderr } of [first, second, third, fourth]) {
        assert(!`${stdout}${stderr}`.includes(password));
      }
    }
  },
);

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "--install installs only tools that neither the image nor the store has",
  async () => {
    await using registry = await startDockerRegistry();
    const store = `${registry.host}/team/layers`;
    await using full = await createMiseProject({ tools: ["prettier", "typescript"] });
    await push(full, "--store", store, "--store-push", `${registry.host}/team/one:1`);
    await using fresh = await createMiseProject({ tools: [], trust: false });
    const toml = (prettier: string): string =>
      `[tools]\n"npm:typescript" = "5.9.2"\n"npm:prettier" = "${prettier}"\n`;
    await Deno.writeTextFile(join(fresh.directory, "mise.toml"), toml("3.6.1"));
    await fresh.runMise("trust", "--all");
    const pushed = await push(fresh, "--install", "--store", store, `${registry.host}/team/two:1`);
    assertEquals(pushed.layers.map(({ status }) => status), ["reused", "built", "built"]);
    const installs = Array.from(Deno.readDirSync(join(fresh.data, "installs")), ({ name }) => name);
    assertEquals(installs.filter((name) => name.startsWith("npm-")), ["npm-prettier"]);
  },
);

testWith(
  { needs: ["linux", "root", "mise", "base", "skopeo", "docker-registry"] },
  "push: a base that is known is not downloaded, and one that mise-oci made is mounted whole",
  async () => {
    await using registry = await startDockerRegistry();
    const base = await pushBase(registry.host);
    await using project = await createMiseProject({ tools: ["prettier"] });
    const to = (name: string): string => `${registry.host}/team/${name}:1`;
    const flags = ["push", "--no-mise", "--store", `${registry.host}/team/layers`, "--store-push"];
    const send = (from: string, name: string): Promise<Pushed> =>
      runProgramJson<Pushed>([...flags, "--from", from, to(name)], options(project));
    const first = await send(base, "one");
    const blobs = join(project.root, "cache/blobs/sha256");
    const isThere = (digest = ""): Promise<boolean> =>
      Deno.stat(join(blobs, digest.replace("sha256:", ""))).then(() => true, () => false);
    const [debian, prettier] = first.layers.map(({ digest }) => digest);
    assert(await isThere(debian), "its files had to be known once");
    await Deno.remove(join(blobs, debian?.replace("sha256:", "") ?? ""));
    const second = await send(base, "two");
    assertEquals(second.digest, first.digest);
    assertEquals([await isThere(debian), await isThere(prettier)], [false, true]);

    // A fresh machine learns from the store what the base has.
    await using fresh = await createMiseProject({ tools: [], trust: false });
    await Deno.copyFile(join(project.directory, "mise.toml"), join(fresh.directory, "mise.toml"));
    await fresh.runMise("trust", "--all");
    const third = await runProgramJson<Pushed>(
      [...flags, "--from", base, to("fresh")],
      options(fresh),
    );
    assertEquals(third.digest, first.digest);
    const cached = join(fresh.root, "cache/blobs/sha256", debian?.replace("sha256:", "") ?? "");
    assertEquals(await Deno.stat(cached).then(() => true, () => false), false);

    await using more = await createMiseProject({ tools: ["typescript"] });
    const onImage = await runProgramJson<Pushed>(
      ["push", "--no-mise", "--from", to("one"), to("three")],
      options(more),
    );
    // Debian, prettier and its config.toml are mounted; typescript, config.toml and a config are sent.
    assertEquals(onImage.blobs, { ...onImage.blobs, uploaded: 3, mounted: 3 });
  },
);

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "a reused tool that is not installed keeps its options, so that the image is that of a full build",
  async () => {
    await using registry = await startDockerRegistry();
    await using tool = await serveStaticTool();
    const toml = `${tool.toml}postinstall = "true"\nbin_path = "bin"\n`;
    await using first = await createMiseProject({ toml });
    await run([first.mise, "install", "--yes"], { cwd: first.directory, env: first.env });
    const whole = await push(first, `${registry.host}/team/app:1`);
    await using second = await createMiseProject({ toml });
    const reused = await push(second, `${registry.host}/team/app:1`);
    assertEquals(reused.layers.map(({ status }) => status), ["reused", "built"]);
    assertEquals(reused.digest, whole.digest);
  },
);
