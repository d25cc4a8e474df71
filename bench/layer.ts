/**
 * How fast layers are built, and with how much memory.
 *
 *     deno run -A bench/layer.ts [--workers N] [--compression KIND[:LEVEL]] [--runs N] [--sink null|FILE] PATH…
 *
 * Every PATH becomes one layer, all built at once as a build does it. Prints MB/s of tar, the ratio, the
 * peak memory of the process, and the time of the scan and of the fingerprint.
 * @module
 */
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { parseDigest } from "../src/oci/mod.ts";
import type { Compression } from "../src/oci/mod.ts";
import {
  buildLayer,
  createCompressionPool,
  fingerprintLayer,
  type LayerSink,
  scanLayer,
} from "../src/layer/mod.ts";
import type { LayerPlan } from "../src/plan/types.ts";

const text = { type: "string" } as const;
const { values: flags, positionals } = parseArgs({
  args: Deno.args,
  options: { workers: text, compression: text, runs: text, sink: text },
  allowPositionals: true,
});
const [kind = "gzip", level] = (flags.compression ?? "gzip").split(":");
const compression = {
  kind: kind as Compression,
  ...(level === undefined ? {} : { level: Number(level) }),
};
const sinkPath = flags.sink ?? "null";
const baseDirectories = { has: (): boolean => false };

const plans = positionals.map((path): LayerPlan => ({
  kind: "tool",
  name: path,
  owner: { uid: 0, gid: 0 },
  sources: [{
    type: "tree",
    hostPath: Deno.realPathSync(path),
    imagePath: "/mise/installs/x/1",
  }],
  relocations: [{ host: Deno.realPathSync(path), image: "/mise/installs/x/1" }],
  exclude: [],
  policies: { isInstall: true },
  createdBy: "bench",
  annotations: {},
}));

/** Hashes, as a store would, and writes to a file if one is asked for. */
function benchSink(): LayerSink {
  return {
    create: () => {
      const hash = createHash("sha256");
      const file = sinkPath === "null" ? undefined : Deno.createSync(sinkPath);
      let size = 0;
      return Promise.resolve({
        write: async (chunk) => {
          hash.update(chunk);
          size += chunk.length;
          for (let done = 0; file !== undefined && done < chunk.length;) {
            done += await file.write(chunk.subarray(done));
          }
        },
        commit: () => {
          file?.close();
          return Promise.resolve({ digest: parseDigest(`sha256:${hash.digest("hex")}`), size });
        },
        abort: () => Promise.resolve(),
      });
    },
  };
}

function peakMemory(): string {
  const status = Deno.readTextFileSync("/proc/self/status");
  return `${Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)} MiB`;
}

async function timed<T>(work: () => Promise<T>): Promise<[ms: number, result: T]> {
  const start = performance.now();
  const result = await work();
  return [performance.now() - start, result];
}

for (let run = 0; run < Number(flags.runs ?? 1); run++) {
  const [scan, trees] = await timed(() =>
    Promise.all(plans.map((plan) => scanLayer(plan, { baseDirectories })))
  );
  const [print] = await timed(() =>
    Promise.all(plans.map((plan) => fingerprintLayer(plan, { compression, baseDirectories })))
  );
  const workers = flags.workers === undefined ? {} : { workers: Number(flags.workers) };
  await using pool = createCompressionPool({ compression, ...workers });
  const sink = benchSink();
  const [build, layers] = await timed(() =>
    Promise.all(plans.map((plan) => buildLayer(plan, { pool, sink, baseDirectories })))
  );
  const tar = layers.reduce((sum, layer) => sum + layer.uncompressedSize, 0);
  const blob = layers.reduce((sum, layer) => sum + layer.descriptor.size, 0);
  const entries = trees.reduce((sum, tree) => sum + tree.entries.length, 0);
  const lines = [
    `${entries} entries, ${(tar / 1e6).toFixed(1)} MB → ${(blob / 1e6).toFixed(1)} MB`,
    `ratio ${(blob / tar).toFixed(5)}`,
    `scan ${scan.toFixed(0)} ms`,
    `fingerprint ${print.toFixed(0)} ms`,
    `build ${build.toFixed(0)} ms`,
    `${(tar / 1e3 / build).toFixed(1)} MB/s`,
    `${(build * 1e3 / entries).toFixed(0)} µs an entry`,
    `peak ${peakMemory()}`,
  ];
  await Deno.stdout.write(new TextEncoder().encode(`${lines.join(", ")}\n`));
}
