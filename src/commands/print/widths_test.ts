/**
 * Prints every command's output on terminals of 40, 80 and 200 columns, with realistically long names: no
 * line may be wider than the terminal, and nothing may be cut.
 */
import { assert, assertEquals } from "@std/assert";
import { DIGEST, platform } from "../../../tests/support/commands_fixture.ts";
import type { LayerRow } from "../../build/types.ts";
import { MediaType, parseDiffId } from "../../oci/mod.ts";
import { textWidth } from "../../ui/width.ts";
import type { LayerDescription } from "../../workflow/inspect_image.ts";
import type { CacheEntry } from "../../workflow/manage_cache.ts";
import type { Output } from "../command.ts";
import { buildOutput } from "./build.ts";
import { cacheListOutput, cachePruneOutput, cacheUseOutput } from "./cache.ts";
import { checkOutput } from "./check.ts";
import { diffOutput } from "./diff.ts";
import { inspectOutput } from "./inspect.ts";
import { pushOutput } from "./push.ts";
import { tagListOutput, tagRemoveOutput } from "./tag.ts";

const BASE = "registry.example.com:5000/platform/bases/debian:bookworm-slim-20260101";
const TOOL = "github:aquasecurity/trivy-with-a-long-name";
const PRINT = { quiet: false, short: true } as const;

const rows: readonly LayerRow[] = [
  { kind: "base", name: BASE, digest: DIGEST, size: 28_230_000, status: "base" },
  {
    kind: "tool",
    name: TOOL,
    version: "2026.12.1-rc.1",
    digest: DIGEST,
    size: 2_000_000_000,
    status: "reused",
    reusedFrom: BASE,
  },
];
const result = {
  output: "/home/somebody/work/customers/project-with-a-name/mise-oci",
  digest: DIGEST,
  platform,
  layers: rows,
  tag: BASE,
};
const images = [platform, { os: "linux", architecture: "arm", variant: "v7" }].map((one) => ({
  platform: one,
  digest: DIGEST,
  layers: rows,
}));
const layer: LayerDescription = {
  kind: "tool",
  name: TOOL,
  version: "2026.12.1-rc.1",
  descriptor: { mediaType: MediaType.layerGzip, digest: DIGEST, size: 2_190_000 },
  diffId: parseDiffId(DIGEST),
  share: 0.25,
  origin: "RUN /bin/sh -c apt-get update && apt-get install -y curl",
};
const entry: CacheEntry = {
  kind: "document",
  name: `${DIGEST.slice(7)} of image layout "/home/somebody/work/project/mise-oci"`,
  description: `verified-blobs of ${DIGEST.slice(7)}`,
  size: 1234,
  lastUsed: new Date(0),
  path: "/c/x",
};
const entries = [entry, {
  ...entry,
  kind: "blob",
  name: DIGEST,
  description: `layer of ${BASE}`,
}] as const;
const pushed = {
  digest: DIGEST,
  manifestDigest: DIGEST,
  reference: BASE,
  blobs: { uploaded: 1, present: 2, mounted: 3, uploadedBytes: 999 },
  layers: rows,
};
const message =
  "node and prettier do not start in the image: the library libatomic.so.1 is missing";
const tags = {
  image: "mise-oci",
  entries: [{
    tag: BASE,
    digest: DIGEST,
    mediaType: MediaType.index,
    platforms: images.map((one) => one.platform),
  }],
};
const side = { name: BASE, digest: DIGEST };

/** Everything that prints a table or facts. */
const OUTPUTS: Readonly<Record<string, Output>> = {
  build: buildOutput(result, PRINT, {
    pushed,
    loaded: { engine: "podman", image: BASE, digest: DIGEST },
  }),
  "build of several platforms": buildOutput({ ...result, images }, PRINT),
  push: await pushOutput(pushed, PRINT),
  "push of several platforms": await pushOutput({ ...pushed, images }, PRINT),
  inspect: inspectOutput({
    name: BASE,
    digest: DIGEST,
    platform,
    platforms: images.map((one) => one.platform),
    created: "2026-01-01T00:00:00Z",
    layers: [layer, { ...layer, kind: "base", name: BASE }],
    referrers: [{
      mediaType: MediaType.manifest,
      digest: DIGEST,
      size: 1,
      artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    }],
    details: {
      mediaType: MediaType.manifest,
      images,
      annotations: {
        "org.opencontainers.image.base.name": BASE,
        "org.opencontainers.image.base.digest": DIGEST,
      },
      config: {
        Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        Cmd: ["node", "server.js"],
      },
      history: [{
        created: "2026-01-01T00:00:00Z",
        created_by: "RUN apt-get install -y curl",
        empty_layer: true,
      }],
    },
  }, { ...PRINT, history: true }),
  diff: diffOutput({
    a: side,
    b: side,
    identical: false,
    layers: [{
      fate: "recompressed",
      title: `${TOOL} 2026.12.1`,
      before: layer,
      after: layer,
      files: [{
        path: "srv/application/node_modules/a/b/c/index.js",
        change: "changed",
        what: ["content", "mode"],
        sizes: [1, 2],
      }],
    }],
    env: [{ name: "PATH", change: "changed", added: ["/mise/installs/node/24/bin"] }],
    settings: [{ name: "workdir", before: "/workspace/before", after: "/workspace/after/that" }],
    packages: [{
      change: "bumped",
      type: "npm",
      name: "@babel/plugin-transform-runtime",
      before: "7.0.0",
      after: "8.0.0-beta.1",
    }],
    pull: { bytes: 2_190_000, layers: 1, totalBytes: 100_000_000 },
  }, { quiet: false, verbose: true, asked: ["./image-before", "./image-after"] }),
  check: checkOutput({
    image: BASE,
    digest: DIGEST,
    platform,
    platforms: images.map((one) => one.platform),
    commands: 9,
    problems: [{
      type: "missing-library",
      message,
      severity: "start",
      commands: ["node"],
      dependents: ["prettier"],
      ofBase: false,
      causes: [{ type: "missing-library", library: "libatomic.so.1", file: "/node" }],
      remedies: [{ text: 'Add "apt:libatomic1" to [bootstrap.packages], or give --fix' }],
    }],
    duplicates: [],
  }, { quiet: false, verbose: true }),
  "cache ls": cacheListOutput(entries, { now: 1e12 }),
  "cache ls -v": cacheListOutput(entries, { verbose: true, now: 1e12 }),
  "cache df": cacheUseOutput({
    path: "/home/somebody/.cache/mise-oci",
    size: 1,
    kinds: [{ kind: "document", entries: 12345, size: 12_345, unused: 10_000 }],
  }),
  "cache prune --dry-run": cachePruneOutput(
    { removed: entries, bytes: 1, bytesLeft: 2 },
    { dryRun: true, quiet: false, now: 1e12 },
  ),
  "tag ls": tagListOutput(tags, PRINT),
  "tag rm": tagRemoveOutput(tags),
};

/** Every word, regardless of line ends and repeated titles. */
function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/[\s/:@,=|+]+/).filter((word) => word !== ""));
}

for (const [name, output] of Object.entries(OUTPUTS)) {
  Deno.test(`${name} fits 40, 80 and 200 columns and cuts no word`, () => {
    const whole = output.text();
    for (const columns of [40, 80, 200]) {
      const text = output.text(columns);
      // Digests are for copying, so they stay whole even if too long.
      const long = text.split("\n").filter((line) => {
        return textWidth(line.replace(/sha256:[0-9a-f]{64}/, "")) > columns ||
          textWidth(line) > columns && columns >= 80;
      });
      assertEquals(long, [], text);
      assertEquals([...words(whole).difference(words(text))], [], text);
    }
    assert(output.text(1000).split("\n").length <= output.text(40).split("\n").length);
    assertEquals(output.text(1000), whole);
  });
}
