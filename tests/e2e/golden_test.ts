/**
 * Behaviour that stays the same when the code behind it moves: output, cache keys, error texts and requests.
 * `UPDATE_GOLDEN=1` writes them anew.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import zlib, { gzipSync } from "node:zlib";
import { runWithEnv } from "../support/cli_fixture.ts";
import { RegistryImages, resolveImage } from "../../src/image/mod.ts";
import { type CompressionPlan, fingerprintTree, type LayerTree } from "../../src/layer/mod.ts";
import { relocationMap } from "../../src/layer/relocate/relocate.ts";
import { MediaType, parseReference } from "../../src/oci/mod.ts";
import { pullBlob } from "../../src/registry/pull_blob.ts";
import { type FakeAnswers, writeConfig } from "../support/fake_mise.ts";
import { fakeProject, fakeTool } from "../support/fake_project.ts";
import { type LoggedRequest, randomBytes, startFaultRegistry } from "../support/faultreg/mod.ts";
import { golden } from "../support/golden.ts";
import { MemoryStore } from "../support/memory_store.ts";
import { big, small, withRegistry } from "../support/push_run.ts";
import { testClient } from "../support/registry_client.ts";

/** A project of one tool, with everything that a build touches in one directory. */
interface GoldenProject extends AsyncDisposable {
  readonly root: string;
  readonly directory: string;
  /** Runs a command line; what depends on this machine is replaced. */
  run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }>;
}

const FROM = ["--from", "scratch", "--no-mise", "--platform", "linux/amd64"];

async function goldenProject(
  answers: (directory: string) => FakeAnswers = () => ({}),
): Promise<GoldenProject> {
  const root = await Deno.realPath(await Deno.makeTempDir());
  const installPath = join(root, "data/installs/npm-one/1.0.0");
  await Deno.mkdir(join(installPath, "bin"), { recursive: true });
  await Deno.writeTextFile(join(installPath, "bin/run"), `#!${installPath}/sh\n`, { mode: 0o755 });
  await Deno.symlink(join(installPath, "bin/run"), join(installPath, "bin/link"));
  // PATH has what the fake mise takes and nothing else: no engine and no tool of this machine.
  await Deno.mkdir(join(root, "bin"));
  for (const name of ["cat", "head"]) await Deno.symlink(`/bin/${name}`, join(root, "bin", name));
  const fake = await fakeProject(
    () => [fakeTool("npm:one", "1.0.0", { installPath })],
    ({ directory }) => answers(directory),
  );
  await writeConfig(fake, '[tools]\n"npm:one" = "1.0.0"\n[env]\nA = "1"\n');
  const env: Readonly<Record<string, string>> = {
    HOME: fake.home,
    XDG_CACHE_HOME: join(root, "cache"),
    SOURCE_DATE_EPOCH: "1700000000",
    PATH: join(root, "bin"),
    DOCKER_CONFIG: join(root, "docker"),
  };
  const neutral = (text: string): string =>
    text.replaceAll(root, "ROOT").replaceAll(fake.directory, "PROJECT")
      .replaceAll(fake.path, "MISE").replaceAll(fake.home, "HOME")
      .replace(/\b\d+\.\d+s$/gm, "N.Ns");
  return {
    root,
    directory: fake.directory,
    run: async (args) => {
      const filled = args.map((arg) => arg.replace("ROOT", root).replace("MISE", fake.path));
      const ran = await runWithEnv(filled, { cwd: fake.directory, env });
      return { code: ran.code, stdout: neutral(ran.stdout), stderr: neutral(ran.stderr) };
    },
    [Symbol.asyncDispose]: async () => {
      await fake[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}

/** The names of what is in a cache. */
async function cacheNames(cache: string, at = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(cache, at))) {
    const path = at === "" ? name : `${at}/${name}`;
    names.push(...isDirectory ? await cacheNames(cache, path) : [path]);
  }
  return names.sort();
}

Deno.test("build --dry-run --json, build --json and the names in the cache are frozen", async () => {
  const caches: string[][] = [];
  for (const compression of ["gzip", "gzip", "none", "none"]) {
    await using project = await goldenProject();
    const build = ["build", "--json", "--mise", "MISE", ...FROM, "--compression", compression];
    const dry = await project.run([...build, "--dry-run", "-o", "ROOT/out"]);
    const built = await project.run([...build, "-o", "ROOT/out"]);
    assertEquals([dry.code, built.code], [0, 0], dry.stderr + built.stderr);
    await golden(`dry-run-${compression}.json`, dry.stdout);
    await golden(`build-${compression}.json`, built.stdout);
    caches.push(await cacheNames(join(project.root, "cache/mise-oci")));
  }
  // Keys of trees have inodes and times in them; the others are the same in every cache.
  for (const [at, compression] of [[0, "gzip"], [2, "none"]] as const) {
    const same = caches[at]?.filter((name) =>
      !name.includes("layer-shapes") && caches[at + 1]?.includes(name)
    ) ?? [];
    await golden(`cache-${compression}.txt`, `${same.join("\n")}\n`);
  }
});

const COMPRESSIONS: readonly CompressionPlan[] = [
  { kind: "none" },
  { kind: "gzip" },
  { kind: "gzip", level: 1 },
  { kind: "gzip", level: 9 },
  { kind: "zstd" },
  { kind: "zstd", level: 1 },
  { kind: "zstd", level: 19 },
];

Deno.test("the cache key of a tree is frozen, for each compression", async () => {
  const host = {
    path: "/t/a",
    size: 5,
    ino: 7,
    dev: 3,
    links: 1,
    mtime: 1700000000123,
    ctime: 17e11,
  };
  const entry = { mode: 0o755, uid: 0, gid: 0, target: "" };
  const tree: LayerTree = {
    entries: [
      { ...entry, path: "mise", type: "directory" },
      { ...entry, path: "mise/a", type: "file", host },
      { ...entry, path: "mise/b", type: "symlink", target: "a" },
      { ...entry, path: "mise/ü", type: "file", content: new TextEncoder().encode("text") },
    ],
    directories: [],
    bytes: 4096,
    warnings: [],
    relocations: relocationMap([{ host: "/t", image: "/mise" }], ["/mise"]),
  };
  const plan = {
    kind: "tool",
    name: "one",
    owner: { uid: 0, gid: 0 },
    sources: [{ type: "tree", hostPath: "/t", imagePath: "/mise" }],
    relocations: [{ host: "/t", image: "/mise" }],
    exclude: ["*.pyc"],
    policies: { isInstall: true },
    createdBy: "x",
    annotations: {},
  } as const;
  const lines: string[] = [];
  for (
    const compression of COMPRESSIONS
  ) {
    // One more object each: keys are remembered by tree.
    lines.push(
      `${JSON.stringify(compression)} ${await fingerprintTree(plan, { ...tree }, compression)}`,
    );
  }
  await golden("cache-keys.txt", `${lines.join("\n")}\n`);
});

/** Files that error texts are about. */
async function writeOddFiles(root: string): Promise<void> {
  const write = (name: string, data: Uint8Array | string): Promise<void> =>
    Deno.writeFile(
      join(root, name),
      typeof data === "string" ? new TextEncoder().encode(data) : data,
    );
  await write("text.tar", "no tar at all\n".repeat(100));
  await write("short.tar", "short");
  await write("empty.tar", new Uint8Array(1024));
  const gzip = gzipSync(randomBytes(5000, 3));
  await write("cut.tar.gz", gzip.subarray(0, 3000));
  await write("garbage.tar.gz", gzip);
  const zstd = zlib.zstdCompressSync(randomBytes(5000, 3));
  await write("cut.tar.zst", zstd.subarray(0, 3000));
  const damaged = Uint8Array.from(zstd);
  damaged.fill(7, 4, 40);
  await write("damaged.tar.zst", damaged);
  await write("x.tar.xz", Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0));
  await Deno.mkdir(join(root, "layout"));
  await write("layout/oci-layout", '{"imageLayoutVersion":"1.0.0"}');
  await write("layout/index.json", '{"schemaVersion":2,"manifests":[]}');
  await Deno.mkdir(join(root, "bad"));
  await write("bad/oci-layout", "{");
  await write("bin/crane", "#!/bin/sh\necho crane said no; echo 'and why' >&2\nexit 3\n");
  await Deno.chmod(join(root, "bin/crane"), 0o755);
  await write("bin/podman", "#!/bin/sh\ncat >/dev/null\necho podman is broken >&2\nexit 125\n");
  await Deno.chmod(join(root, "bin/podman"), 0o755);
}

/** Command lines that fail. */
const FAILING: readonly string[] = [
  "build --nope",
  "build extra",
  "biuld",
  "build --jobs 0",
  "build --compression lzma",
  "build --compression gzip:0",
  "build --compression gzip:10",
  "build --compression zstd:23",
  "build --compression none:1",
  "build --platform linux",
  "build --mount-point relative",
  "build --mount-point /",
  "build --user a:b:c",
  "build --mise MISE --from ghcr.io/UPPER/x",
  "build --mise MISE --from oci:ROOT/none",
  "build --mise MISE --from oci:ROOT/layout",
  "build --mise MISE --from oci:ROOT/bad",
  "build --mise MISE --from oci-archive:ROOT/none.tar",
  "build --mise MISE --from oci-archive:ROOT/layout",
  "build --mise MISE --from oci-archive:ROOT/text.tar",
  "build --mise MISE --from oci-archive:ROOT/short.tar",
  "build --mise MISE --from oci-archive:ROOT/empty.tar",
  "build --mise MISE --from oci-archive:ROOT/cut.tar.gz",
  "build --mise MISE --from oci-archive:ROOT/garbage.tar.gz",
  "build --mise MISE --from oci-archive:ROOT/cut.tar.zst",
  "build --mise MISE --from oci-archive:ROOT/damaged.tar.zst",
  "build --mise MISE --from oci-archive:ROOT/x.tar.xz",
  "build --mise ROOT/none --from scratch",
  "build --mise MISE --from scratch --copy ROOT/none:/x",
  "build --mise MISE --from scratch --mount-point /proc",
  "inspect ROOT/none",
  "inspect ROOT/layout",
  "inspect oci-archive:ROOT/text.tar",
  "diff ROOT/layout ROOT/none",
  "check ROOT/layout",
  "push",
  "push --image-dir ROOT/none localhost:1/x:1",
  "push --image-dir ROOT/layout localhost:1/x:1",
  "push --image-dir ROOT/out --tool crane localhost:1/x:1",
  "push --image-dir ROOT/out --tool skopeo localhost:1/x:1",
  "push --image-dir ROOT/out --tool other localhost:1/x:1",
  "load --engine podman --image-dir ROOT/out",
  "load --engine docker --image-dir ROOT/out",
  "cache prune --older-than x",
  "-C ROOT/none build",
];

Deno.test("the texts of errors are frozen", async () => {
  await using project = await goldenProject();
  await writeOddFiles(project.root);
  const built = await project.run(["build", "--mise", "MISE", ...FROM, "-o", "ROOT/out"]);
  assertEquals(built.code, 0, built.stderr);
  const texts: string[] = [];
  for (const line of FAILING) {
    const more = line.startsWith("build --mise") ? FROM.slice(2) : [];
    const { code, stderr } = await project.run([...line.split(" "), ...more]);
    texts.push(`$ ${line}\n${stderr}[${code}]\n`);
  }
  await golden("errors.txt", texts.join("\n"));
});

Deno.test("the texts of errors of mise are frozen", async () => {
  const ls = "ls --current --json";
  const cases: readonly FakeAnswers[] = [
    { "version --json": { stdout: { version: "2024.1.1" } } },
    { "version --json": { stdout: "no json" } },
    { [ls]: { code: 1, stderr: "mise ERROR Config files in ~/x are not trusted.\n" } },
    { [ls]: { code: 1, stderr: "mise ERROR something else\nmise ERROR Run with --verbose\n" } },
    { [ls]: { shell: "kill -KILL $$" } },
    { [ls]: { stdout: [] } },
    { "env --json-extended": { stdout: { PATH: 1 } } },
    { [ls]: { shell: "head -c 17000000 /dev/zero" } },
  ];
  const texts: string[] = [];
  for (const answers of cases) {
    await using project = await goldenProject(() => answers);
    const { code, stderr } = await project.run(["build", "--mise", "MISE", ...FROM, "--dry-run"]);
    texts.push(`$ ${JSON.stringify(Object.values(answers))}\n${stderr}[${code}]\n`);
  }
  await golden("errors-mise.txt", texts.join("\n"));
});

/** Requests without what differs from run to run. */
function requests(log: readonly LoggedRequest[]): string {
  return log.map(({ method, target, headers, bodySize, status }) => {
    const name = target.replace(/uploads\/[^?/]+/, "uploads/ID").replace(/state=[^&]*/, "state=S");
    const range = headers.get("content-range") ?? headers.get("range");
    return `${method} ${name}${range === null ? "" : ` [${range}]`} ${bodySize} -> ${status}`;
  }).join("\n");
}

Deno.test("the requests of a push, of one that changes nothing, of a resumed one and of a pull are frozen", async () => {
  const parts: string[] = [];
  await withRegistry(async (run) => {
    let from = 0;
    const part = (name: string): void => {
      parts.push(`# ${name}\n${requests(run.registry.log.slice(from))}\n`);
      from = run.registry.log.length;
    };
    await run.push();
    part("push");
    await run.push();
    part("push again");
    run.registry.faults.add({
      method: "PATCH",
      path: /uploads/,
      nth: 2,
      fault: { kind: "cutRequest", bytes: 1000, keep: true },
    });
    await run.push({ layers: [big.slice().reverse(), small], to: "app:v2" });
    part("push with a connection that breaks in the second chunk");
  });
  await using registry = startFaultRegistry();
  using test = testClient(registry.host);
  const { client } = test;
  registry.content.addImage("app", { tag: "1" });
  const reference = parseReference(`${registry.host}/app:1`);
  await resolveImage(new RegistryImages(client, { reference }), {
    platform: { os: "linux", architecture: "amd64" },
  });
  parts.push(`# resolve\n${requests(registry.log)}\n`);
  const descriptor = registry.content.addBlob("app", randomBytes(300_000, 7), MediaType.layerGzip);
  registry.faults.add({
    method: "GET",
    path: /blobs/,
    fault: { kind: "closeAfter", bytes: 100_000 },
  });
  const start = registry.log.length;
  await pullBlob(client, { repository: "app", descriptor, sink: new MemoryStore() });
  parts.push(`# pull with a connection that breaks\n${requests(registry.log.slice(start))}\n`);
  await golden("requests.txt", parts.join("\n"));
});
