import { assertEquals, assertStringIncludes } from "@std/assert";
import { fakeWorkflows, type Ran, runFake } from "../../tests/support/cli_fixture.ts";
import { MediaType, parseDiffId, parseDigest } from "../oci/mod.ts";
import type {
  DiffRequest,
  DiffResult,
  InspectRequest,
  InspectResult,
  LayerDescription,
} from "../workflow/inspect_image.ts";
import { diff } from "./diff.ts";
import { DIGEST, platform } from "../../tests/support/commands_fixture.ts";
import { cat, exportCommand } from "./files.ts";
import { inspect } from "./inspect.ts";
import type { Workflows } from "./workflows.ts";

function run(args: readonly string[], given: Partial<Workflows>, terminal = false): Promise<Ran> {
  return runFake(args, {
    commands: [inspect, diff],
    workflows: fakeWorkflows(given),
    terminal: terminal ? ["stdout"] : [],
  });
}

const layer: LayerDescription = {
  kind: "tool",
  name: "npm:prettier",
  version: "3.6.2",
  descriptor: { mediaType: MediaType.layerGzip, digest: DIGEST, size: 2_190_000 },
  diffId: parseDiffId(DIGEST),
  share: 0.25,
  origin: "mise-oci",
};
const inspected: InspectResult = {
  name: "r.io/app:v1",
  digest: DIGEST,
  platform,
  platforms: [platform],
  layers: [layer],
};
const side = { name: "r.io/app:v1", digest: DIGEST };
const different: DiffResult = {
  a: side,
  b: { ...side, name: "r.io/app:v2" },
  identical: false,
  layers: [
    {
      fate: "bumped",
      title: "npm:prettier 3.6.1 → 3.6.2",
      before: layer,
      after: layer,
      files: Array.from({ length: 22 }, (_, i) => ({
        path: `f${i}`,
        change: "changed",
        what: ["content"],
        sizes: [1, 2],
      })),
    },
    { fate: "same", title: "node 24", before: layer, after: layer },
  ],
  env: [{ name: "PATH", change: "changed", added: ["/new"], removed: ["/old"] }],
  settings: [{ name: "user", after: "app" }],
  pull: { bytes: 2_190_000, layers: 1, totalBytes: 100_000_000 },
};

async function inspectRequest(args: readonly string[]): Promise<InspectRequest> {
  let request: InspectRequest | undefined;
  const { code, stderr } = await run(["inspect", ...args], {
    inspectImage: (given) => {
      request = given;
      return Promise.resolve(inspected);
    },
  });
  assertEquals([code, stderr], [0, ""]);
  if (request === undefined) throw new Error("inspectImage was not called");
  return request;
}

Deno.test("inspect looks at the layout that build writes unless it is told another image", async () => {
  assertEquals(await inspectRequest([]), {
    source: { kind: "path", location: "/work/mise-oci" },
    directory: "/work",
  });
  assertEquals(await inspectRequest(["oci:img:v1", "--html", "x.html", "--platform", "arm64"]), {
    source: { kind: "layout", location: "/work/img:v1" },
    directory: "/work",
    html: "/work/x.html",
    platform: { os: "linux", architecture: "arm64" },
  });
  assertEquals((await inspectRequest(["oci-archive:a.tar"])).source, {
    kind: "oci-archive",
    location: "/work/a.tar",
  });
});

Deno.test("inspect prints layer, tool, version, size, share and origin", async () => {
  const { stdout } = await run(["inspect"], { inspectImage: () => Promise.resolve(inspected) });
  const line = stdout.split("\n").find((text) => text.includes("npm:prettier")) ?? "";
  assertEquals(line.split(/ {2,}/), [
    "tool",
    "npm:prettier",
    "3.6.2",
    DIGEST,
    "2.19 MB",
    "25 %",
    "mise-oci",
  ]);
  const json = JSON.parse(
    (await run(["inspect", "--json"], { inspectImage: () => Promise.resolve(inspected) })).stdout,
  );
  assertEquals(json.layers[0].share, 0.25);
  assertEquals(json.platform, "linux/amd64");
});

async function diffText(args: readonly string[], result = different): Promise<Ran> {
  return await run(["diff", "a", "b", ...args], { diffImages: () => Promise.resolve(result) });
}

Deno.test("diff names the tool, both versions, the files, PATH and the bytes", async () => {
  const { stdout, code } = await diffText([]);
  assertEquals(code, 0);
  for (
    const part of [
      "bumped  npm:prettier 3.6.1 → 3.6.2",
      "~ /f0  1 B → 2 B (content)",
      "and 2 more files: -v lists all",
      "+ /new",
      "user: none → app",
      "costs 2.19 MB of 100 MB (1 layer); 1 layer the same",
    ]
  ) assertStringIncludes(stdout, part);
  assertEquals(stdout.includes("node 24"), false);
  assertEquals((await diffText(["-v"])).stdout.includes("more files"), false);
});

Deno.test("diff calls two images of one name as they were asked for", async () => {
  const { name } = different.a;
  const { stdout } = await diffText([], { ...different, b: { ...different.b, name } });
  assertEquals(stdout.split("\n").slice(0, 2).map((line) => line.split(" sha256:")[0]), [
    "A  a",
    "B  b",
  ]);
});

Deno.test("diff --exit-code is 1 for images that differ and 0 for the same", async () => {
  assertEquals((await diffText(["--exit-code"])).code, 1);
  const same: DiffResult = { ...different, identical: true, layers: [], env: [], settings: [] };
  const { code, stdout } = await diffText(["--exit-code"], same);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "the images are the same");
});

Deno.test("diff --quiet prints names only, --json everything", async () => {
  assertEquals((await diffText(["-q"])).stdout, "npm:prettier 3.6.1 → 3.6.2\nenv PATH\nuser\n");
  const json = JSON.parse((await diffText(["--json"])).stdout);
  assertEquals(json.pull.bytes, 2_190_000);
  assertEquals(json.layers.map(({ change }: { change: string }) => change), ["bumped", "same"]);
});

Deno.test("diff needs two images", async () => {
  const { code, stderr } = await run(["diff", "a"], {});
  assertEquals(code, 2);
  assertStringIncludes(stderr, "B");
});

Deno.test("diff asks for the files of bumped tools with --files only", async () => {
  const requests: DiffRequest[] = [];
  for (const args of [[], ["--files"]]) {
    await run(["diff", "x", "oci:y", ...args], {
      diffImages: (request) => {
        requests.push(request);
        return Promise.resolve(different);
      },
    });
  }
  assertEquals(requests.map(({ files }) => files), [false, true]);
  assertEquals(requests[0]?.b, { kind: "layout", location: "/work/y" });
});

const detailed: InspectResult = {
  ...inspected,
  platforms: [platform, { os: "linux", architecture: "arm64" }],
  details: {
    mediaType: MediaType.manifest,
    index: { digest: parseDigest(`sha256:${"b2".repeat(32)}`), mediaType: MediaType.index },
    images: [{ platform, digest: DIGEST }],
    annotations: { title: "app", "org.opencontainers.image.base.name": "debian:12" },
    config: {
      User: "app",
      Env: ["A=1", "PATH=/bin"],
      Cmd: ["sh", "-l"],
      Labels: { l: "1" },
      extensions: { ExposedPorts: { "80/tcp": {} }, StopSignal: "SIGINT" },
    },
    history: [
      { created: "2026-01-01T00:00:00Z", created_by: "CMD sh", empty_layer: true },
      { created_by: "mise-oci: tool a@1" },
    ],
  },
};

Deno.test("inspect shows config, annotations, base and every platform, with -v the history", async () => {
  const workflows = { inspectImage: () => Promise.resolve(detailed) };
  const { stdout } = await run(["inspect"], workflows);
  for (
    const line of [
      `index     sha256:${"b2".repeat(32)}`,
      `          ${DIGEST} linux/amd64`,
      "base      debian:12",
      "user      app",
      'command   ["sh","-l"]',
      "expose    80/tcp",
      "stop      SIGINT",
      "env       A=1",
      "label     l=1",
      "annotate  title=app",
    ]
  ) assertStringIncludes(stdout, `${line}\n`);
  assertEquals(stdout.includes("CMD sh"), false);
  const verbose = (await run(["inspect", "-v"], workflows)).stdout;
  assertStringIncludes(verbose, "2026-01-01T00:00:00Z  none   CMD sh");
  const json = JSON.parse((await run(["inspect", "--json"], workflows)).stdout);
  assertEquals(json.config.ExposedPorts, { "80/tcp": {} });
  assertEquals(json.config.Env, ["A=1", "PATH=/bin"]);
  assertEquals(json.history[0].empty_layer, true);
  assertEquals(json.images, [{ platform: "linux/amd64", digest: DIGEST }]);
});

Deno.test("inspect -q prints the digest that the name stands for: the index's, or that of --platform", async () => {
  const workflows = { inspectImage: () => Promise.resolve(detailed) };
  assertEquals((await run(["inspect", "-q"], workflows)).stdout, `sha256:${"b2".repeat(32)}\n`);
  const one = await run(["inspect", "-q", "--platform", "linux/amd64"], workflows);
  assertEquals(one.stdout, `${DIGEST}\n`);
});

Deno.test("inspect --raw and --config print a document as it is stored, byte by byte", async () => {
  const workflows = { inspectImage: () => Promise.resolve({ ...detailed, document: '{"a":1}' }) };
  assertEquals((await inspectRequest(["--raw"])).document, "manifest");
  assertEquals((await inspectRequest(["--config"])).document, "config");
  assertEquals((await run(["inspect", "--raw"], workflows)).stdout, '{"a":1}');
  for (const args of [["--raw", "--json"], ["--config", "--json"], ["--raw", "--config"]]) {
    const { code, stderr } = await run(["inspect", ...args], {});
    assertEquals(code, 2);
    assertStringIncludes(stderr, "Cannot use");
  }
});

Deno.test("cat and export name a path of the image, and leave the terminal alone", async () => {
  const requests: unknown[] = [];
  const note = (request: unknown) => Promise.resolve(void requests.push(request));
  const files = (args: string, terminal = false) =>
    runFake(args.split(" "), {
      commands: [cat, exportCommand],
      workflows: fakeWorkflows({ catFile: note, exportFiles: note }),
      terminal: terminal ? ["stdout"] : [],
    });
  assertEquals((await files("cat oci:out etc/passwd")).code, 0);
  assertEquals((await files("export r.io/a:v1 --platform arm64 -o x.tar", true)).code, 0);
  assertEquals(requests, [
    {
      source: { kind: "layout", location: "/work/out" },
      directory: "/work",
      path: "/etc/passwd",
    },
    {
      source: { kind: "guess", text: "r.io/a:v1", path: "/work/r.io/a:v1" },
      directory: "/work",
      path: "/",
      platform: { os: "linux", architecture: "arm64" },
      output: "/work/x.tar",
    },
  ]);
  assertStringIncludes((await files("export x", true)).stderr, "mise-oci export IMAGE | tar x");
  assertStringIncludes((await files("cat x")).stderr, "Missing argument PATH");
  assertStringIncludes((await files("cat x /y --json")).stderr, "Cannot use --json with cat");
});
