import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseMountPoint } from "../oci/image_path.ts";
import { MiseOciError } from "../errors.ts";
import { parseReference } from "../oci/reference.ts";
import type { BuildPlan } from "../plan/types.ts";
import type { BuildRequest } from "../build/types.ts";
import type { Workflows } from "./workflows.ts";
import { built, defaults, DIGEST, platform, run } from "../../tests/support/commands_fixture.ts";
import { parseBase } from "../oci/mod.ts";

async function buildRequest(args: readonly string[]): Promise<BuildRequest> {
  let request: BuildRequest | undefined;
  const { code, stderr } = await run(["build", ...args], {
    buildImage: (given) => {
      request = given;
      return Promise.resolve(built);
    },
  });
  assertEquals([code, stderr], [0, ""]);
  if (request === undefined) throw new Error("buildImage was not called");
  return request;
}

Deno.test("build without flags asks for the defaults", async () => {
  assertEquals(await buildRequest([]), defaults);
});

Deno.test("build turns every flag into its field", async () => {
  const request = await buildRequest([
    ..."-o out -t app:v1 --from oci:base:v2 --pull always --mount-point /opt/mise/".split(" "),
    ..."--copy a:b:/x/ --copy /c:/y --owner 1000:50 --no-mise --embed-self --no-cache".split(" "),
    ..."--compression zstd:5 --platform arm64 --include-global --install -y".split(" "),
    ..."--allow-env A --drop-env B --drop-env C --strict-env -E prod -j3 --mise ./m".split(" "),
    ..."--strict --fix".split(" "),
  ]);
  assertEquals(request, {
    ...defaults,
    output: "/work/out",
    tag: "app:v1",
    from: parseBase("oci:/work/base:v2"),
    pull: "always",
    mountPoint: parseMountPoint("/opt/mise"),
    copies: [{ host: "/work/a:b", image: "/x", directory: true }, { host: "/c", image: "/y" }],
    owner: { uid: 1000, gid: 50 },
    embedMise: false,
    embedSelf: true,
    useCache: false,
    compression: { kind: "zstd", level: 5 },
    platform: { os: "linux", architecture: "arm64" },
    includeGlobal: true,
    install: true,
    yes: true,
    allowEnv: ["A"],
    dropEnv: ["B", "C"],
    strictEnv: true,
    check: "strict",
    fix: true,
    miseEnv: "prod",
    jobs: 3,
    misePath: "/work/m",
  });
});

Deno.test("build --no-check looks for nothing, and cannot be strict about it", async () => {
  assertEquals((await buildRequest(["--no-check"])).check, "off");
  for (const flag of ["--strict", "--fix"]) {
    const { code, stderr } = await run(["build", "--no-check", flag], {});
    assertEquals(code, 2);
    assertStringIncludes(stderr, `Cannot use ${flag} together with --no-check`);
  }
});

Deno.test("C03: --copy says what is wrong with a pair of paths", async () => {
  for (
    const [text, why] of [
      ["", "no colon"],
      ["f", "no colon"],
      [":", "host path is empty"],
      [":/x", "host path is empty"],
      ["f:", "image path is empty"],
      ["f:x", 'image path "x" is not absolute'],
      ["f:/x:ro", 'image path "ro" is not absolute'],
      ["f:/", "root of the image"],
      ["f://", "root of the image"],
      ["f:/a/../b", '"." or ".."'],
      ["f:/a/./b", '"." or ".."'],
      ["f:/..", '"." or ".."'],
    ] as const
  ) {
    const { code, stderr } = await run(["build", `--copy=${text}`], {});
    assertEquals(code, 2, text);
    assertStringIncludes(stderr, why);
  }
  assertEquals((await buildRequest(["--copy", "f://x//y/"])).copies[0]?.image, "/x/y");
});

Deno.test("C05: --mount-point says what is wrong with a directory", async () => {
  for (const text of ["", "/", "x", "./x", "/a/..", "/a/./b", "//"]) {
    const { code, stderr } = await run(["build", `--mount-point=${text}`], {});
    assertEquals(code, 2, text);
    assertStringIncludes(stderr, "error: --mount-point: Cannot use mount point");
  }
});

Deno.test("build prints directory, digest and a row a layer", async () => {
  const { stdout } = await run(["build"], { buildImage: () => Promise.resolve(built) }, true);
  assertEquals(stdout.split("\n").map((line) => line.trimEnd()), [
    "output    /work/mise-oci",
    `digest    ${DIGEST}`,
    "tag       v1",
    "platform  linux/amd64",
    "",
    "LAYER  NAME                  VERSION  DIGEST                  SIZE  STATUS",
    "base   debian:bookworm-slim           sha256:a1a1a1a1a1a1  28.2 MB",
    "tool   jq                    1.8.1    sha256:a1a1a1a1a1a1    999 B  built",
    "tool   npm:prettier          3.6.2    sha256:a1a1a1a1a1a1  1.50 kB  reused",
    "3 layers, 28.2 MB",
    "",
  ]);
  const piped = await run(["build"], { buildImage: () => Promise.resolve(built) });
  assertStringIncludes(piped.stdout, `jq                    1.8.1    ${DIGEST}    999 B  built`);
});

Deno.test("build --json has the warnings too, each once, those that -q does not show", async () => {
  const workflows: Partial<Workflows> = {
    buildImage: (_request, { reporter }) => {
      for (const text of ["one", "two", "one"]) reporter.emit({ type: "warning", text });
      return Promise.resolve(built);
    },
  };
  for (const args of [[], ["-q"]]) {
    const { stdout, stderr } = await run(["build", "--json", ...args], workflows);
    assertEquals(JSON.parse(stdout).warnings, ["one", "two"]);
    assertEquals(stderr.split("warning: one").length, args.length === 0 ? 2 : 1);
  }
});

Deno.test("build -q prints the digest alone, --json one object", async () => {
  const workflows = { buildImage: () => Promise.resolve(built) };
  assertEquals((await run(["build", "-q"], workflows)).stdout, `${DIGEST}\n`);
  const json = JSON.parse((await run(["build", "--json"], workflows)).stdout);
  assertEquals(Object.keys(json), [
    ..."output digest tag platform size layers warnings".split(" "),
  ]);
  assertEquals(json.size, 28_232_499);
  assertEquals(json.layers[1], {
    kind: "tool",
    name: "jq",
    version: "1.8.1",
    digest: DIGEST,
    size: 999,
    status: "built",
  });
});

const plan: BuildPlan = {
  platform,
  from: { kind: "scratch" },
  fromText: "scratch",
  mountPoint: "/mise",
  compression: { kind: "gzip", level: 6 },
  layers: [{
    kind: "tool",
    name: "jq",
    version: "1.8.1",
    owner: { uid: 0, gid: 0 },
    sources: [{ type: "tree", hostPath: "/d/jq", imagePath: "/mise/installs/jq/1.8.1" }],
    relocations: [],
    exclude: ["*.map"],
    policies: {},
    createdBy: "mise-oci jq 1.8.1",
    annotations: {},
  }],
  config: {
    created: "1970-01-01T00:00:00Z",
    env: [["TOKEN", "s3cret-sentinel"]],
    path: ["/mise/installs/jq/1.8.1"],
    fixedEnv: [["MISE_DATA_DIR", "/mise"]],
    workdir: "/workspace",
    labels: { "my.label": "x" },
  },
  missing: ["jq@1.8.1"],
  warnings: [],
};

Deno.test("A16: build --dry-run prints the plan, variables by name only, and builds nothing", async () => {
  const workflows = { planImage: () => Promise.resolve(plan) };
  for (const args of [["build", "--dry-run"], ["build", "--dry-run", "--json"]]) {
    const { code, stdout, stderr } = await run(args, workflows);
    assertEquals([code, stderr], [0, ""]);
    for (const text of ["TOKEN", "*.map", "my.label"]) assertStringIncludes(stdout, text);
    assertMatch(stdout, /1\.8\.1 \(not installed\)|"installed": false/);
    assertStringIncludes(stdout, "/mise/installs/jq/1.8.1");
    assertEquals(stdout.includes("s3cret-sentinel"), false);
  }
});

Deno.test("cache prune asks for age and size, cache ls and path print what there is", async () => {
  const lastUsed = new Date(Date.now() - 3 * 86_400_000);
  const entry = {
    kind: "layer",
    name: "k",
    description: "layer jq",
    size: 2000,
    lastUsed,
    path: "/p",
  } as const;
  let options: unknown;
  const pruned = await run([
    "cache",
    "prune",
    "--older-than=7d",
    "--max-size",
    "10 GB",
    "--dry-run",
  ], {
    pruneCache: (given) => {
      options = given;
      return Promise.resolve({ removed: [entry], bytes: 2000, bytesLeft: 5 });
    },
  });
  assertEquals(options, { dryRun: true, olderThanMs: 604_800_000, maxBytes: 10_000_000_000 });
  assertStringIncludes(pruned.stdout, "would remove 1 entry, 2.00 kB; 5 B left\n");
  const listed = await run(["cache", "ls"], { listCache: () => Promise.resolve([entry]) });
  assertStringIncludes(
    listed.stdout,
    "layer jq        1  2.00 kB  3d ago\n1 entry, 2.00 kB; -v lists",
  );
  const each = await run(["cache", "ls", "-v"], { listCache: () => Promise.resolve([entry]) });
  assertStringIncludes(each.stdout, "layer  k     layer jq  2.00 kB  3d ago\n1 entry, 2.00 kB\n");
  const use = {
    path: "/c",
    size: 2000,
    kinds: [{ kind: "layer", entries: 1, size: 2000, unused: 5 }],
  } as const;
  const measured = await run(["cache", "df"], { measureCache: () => Promise.resolve(use) });
  assertStringIncludes(
    measured.stdout,
    "layer        1  2.00 kB                5 B\n2.00 kB in /c\n",
  );
  const path = await run(["cache", "path"], { cacheDirectory: () => Promise.resolve("/c") });
  assertEquals(path.stdout, "/c\n");
});

Deno.test("build's config flags override [oci] for one build, later ones of a name winning", async () => {
  const { overrides, miseEnv } = await buildRequest([
    ..."--env A=1 --env B=x=y --env A=2 --label v --label w=1 -E prod".split(" "),
    "--annotation=org.opencontainers.image.title=an app",
    ..."--user app:1000 --workdir /srv".split(" "),
    "--entrypoint=",
    '--cmd=["sh","-c","echo $A"]',
  ]);
  assertEquals(miseEnv, "prod");
  assertEquals(overrides, {
    env: { A: "2", B: "x=y" },
    labels: { v: "", w: "1" },
    annotations: { "org.opencontainers.image.title": "an app" },
    entrypoint: [],
    cmd: ["sh", "-c", "echo $A"],
    user: "app:1000",
    workdir: "/srv",
  });
  assertEquals((await buildRequest(["--cmd", "node  server.js"])).overrides, {
    cmd: ["node", "server.js"],
  });
});

Deno.test("build's config flags say what is wrong with a value and never repeat one", async () => {
  for (
    const [flag, value, ...texts] of [
      ["env", "prod", 'the variable "prod": no value', "mise is chosen with -E prod"],
      ["env", "=s3cret", "without a name", "--env NAME=VALUE"],
      ["label", "=s3cret", "label without a name", "--label NAME=VALUE"],
      ["annotation", "title", "a name and a value", "--annotation NAME=VALUE"],
      ["annotation", "index:a.b=s3cret", 'begins with "index:"', "--annotation a.b=VALUE"],
      ["annotation", "manifest[linux/amd64]:a=1", "begins with", "--annotation a=VALUE"],
      ["cmd", "echo $HOME", "only a shell reads", "a JSON array of words"],
      ["cmd", '["a", 1]', "an array of strings expected", "a JSON array of words"],
      ["entrypoint", '["a"', "begins like a JSON array", "a JSON array of words"],
      ["user", "a b", 'Cannot use "a b" as the image\'s user', "1000:1000"],
      ["workdir", "srv", 'working directory "srv"', "absolute directory of the image"],
    ] as const
  ) {
    const { code, stderr } = await run(["build", `--${flag}=${value}`], {});
    assertEquals(code, 2, value);
    for (const text of texts) assertStringIncludes(stderr, text);
    assertEquals(stderr.includes("s3cret"), false);
  }
});

Deno.test("build --push and --load send the layout on that was just built, once for all tags", async () => {
  let [pushes, loads]: [unknown[], unknown[]] = [[], []];
  const files = new Map<string, string>();
  const workflows: Partial<Workflows> = {
    buildImage: () => Promise.resolve(built),
    pushImage: (request) => {
      pushes = [...pushes, request];
      const one = { digest: DIGEST, reference: "r.io/app:v1" };
      return Promise.resolve({
        ...one,
        manifestDigest: DIGEST,
        also: [{ ...one, reference: "r.io/app:v2" }],
      });
    },
    loadImage: (request) => {
      loads = [...loads, request];
      return Promise.resolve({ engine: "podman", image: "localhost/app:v1", digest: DIGEST });
    },
    checkReport: () => Promise.resolve(),
    checkEngine: () => Promise.resolve(),
    writeReport: (path, text) => Promise.resolve(void files.set(path, text)),
  };
  const args = [
    ..."build --push r.io/app:v1 --push r.io/app:v2 --load --engine podman".split(" "),
    ..."--metadata-file m.json --iidfile iid".split(" "),
  ];
  const { code, stdout } = await run(args, workflows);
  assertEquals(code, 0);
  const source = { kind: "layout", location: "/work/mise-oci", digest: DIGEST };
  assertEquals(pushes, [{
    directory: "/work",
    image: { kind: "image", source, directory: "/work", check: "off" },
    destination: parseReference("r.io/app:v1"),
    also: [parseReference("r.io/app:v2")],
    updateIndex: false,
    tool: "auto",
  }]);
  assertEquals(loads, [{ source, directory: "/work", engine: "podman", tag: "v1" }]);
  assertStringIncludes(
    stdout,
    `pushed ${DIGEST} to r.io/app:v1\npushed ${DIGEST} to r.io/app:v2\n`,
  );
  assertStringIncludes(stdout, `loaded ${DIGEST} into podman as localhost/app:v1\n`);
  assertEquals(files.get("/work/iid"), DIGEST);
  const metadata = JSON.parse(files.get("/work/m.json") ?? "");
  const { stdout: json } = await run([...args, "--json"], workflows);
  assertEquals(metadata, JSON.parse(json));
  assertEquals(metadata.pushed.map(({ reference }: { reference: string }) => reference), [
    "r.io/app:v1",
    "r.io/app:v2",
  ]);
  assertEquals((await run([...args, "-q"], workflows)).stdout, `${DIGEST}\n`);
});

Deno.test("build --output-archive - leaves stdout to the archive", async () => {
  const workflows = { buildImage: () => Promise.resolve(built) };
  for (const args of [["--output-archive", "-"], ["-o", "oci-archive:-"]]) {
    const { code, stdout, stderr } = await run(["build", ...args], workflows);
    assertEquals([code, stdout], [0, ""]);
    assertStringIncludes(stderr, `digest    ${DIGEST}`);
    assertEquals((await run(["build", "-q", ...args], workflows)).stderr, "");
    const terminal = await run(["build", ...args], {}, true);
    assertStringIncludes(terminal.stderr, "Cannot write an archive to the terminal");
    const json = await run(["build", "--json", ...args], {});
    assertStringIncludes(json.stderr, "hint: Write --metadata-file FILE instead");
  }
});

Deno.test("build refuses flags that mean nothing together", async () => {
  for (
    const [args, why] of [
      ["--engine docker", "Cannot use --engine without --load"],
      ["--dry-run --load", "Cannot use --load together with --dry-run"],
      ["--dry-run --push r.io/a:b", "Cannot use --push together with --dry-run"],
      ["--dry-run --metadata-file x", "Cannot use --metadata-file together with --dry-run"],
      ["--push app:v1", "no registry host"],
    ] as const
  ) {
    const { code, stderr } = await run(["build", ...args.split(" ")], {});
    assertEquals(code, 2, args);
    assertStringIncludes(stderr, why);
  }
});

Deno.test("build reports before it builds that it cannot load the image or write its report", async () => {
  const failing = (): Promise<never> => Promise.reject(new MiseOciError("io", "no place"));
  for (
    const [args, workflows] of [
      ["--load", { checkEngine: failing }],
      ["--metadata-file m.json", { checkReport: failing }],
      ["--iidfile iid", { checkReport: failing }],
    ] as const
  ) {
    // buildImage is not expected to be called.
    const { code, stderr } = await run(["build", ...args.split(" ")], workflows);
    assertEquals([code, stderr.split("\n")[0]], [1, "error: no place"]);
  }
});
