import { assertEquals, assertStringIncludes } from "@std/assert";
import { fakeWorkflows, type Ran, runFake } from "../../tests/support/cli_fixture.ts";
import { MediaType, parseDiffId } from "../oci/mod.ts";
import type {
  DiffRequest,
  DiffResult,
  InspectRequest,
  InspectResult,
  LayerFacts,
} from "../workflow/inspect_types.ts";
import { diff } from "./diff.ts";
import { DIGEST, platform } from "../../tests/support/commands_fixture.ts";
import { inspect } from "./inspect.ts";
import type { Workflows } from "./workflows.ts";

function run(args: readonly string[], given: Partial<Workflows>, terminal = false): Promise<Ran> {
  return runFake(args, {
    commands: [inspect, diff],
    workflows: fakeWorkflows(given),
    terminal: terminal ? ["stdout"] : [],
  });
}

const layer: LayerFacts = {
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
