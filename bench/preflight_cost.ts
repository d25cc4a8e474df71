/**
 * What the check costs: of a build, of a build with nothing to do, and of a gigabyte of tools.
 * @module
 */
import { join } from "@std/path";
import { scanLayer } from "../src/layer/mod.ts";
import { parseDiffId } from "../src/oci/mod.ts";
import type { LayerPlan } from "../src/plan/types.ts";
import { checkCommands, readTreeFacts } from "../src/check/mod.ts";
import { makeCorpus } from "../tests/support/preflight/corpus.ts";
import { programCommand } from "../tests/support/cli.ts";
import { buildBase, TOOLS_HOME } from "../tests/support/testbed.ts";
import { type Cost, measure, spread } from "./measure.ts";
import { oursBuilding } from "./programs.ts";
import { openProject } from "./scenarios/build.ts";

const ROUNDS = 7;

/** Medians; seconds. */
export interface CheckCosts {
  /** CPU of a cold build on Debian without the check. */
  readonly coldWithout: number;
  /** CPU of the same with it. */
  readonly coldWith: number;
  /** Wall time of a build with nothing to do, without and with it. */
  readonly warmWithout: number;
  readonly warmWith: number;
  /** Wall time of `check` of the image, the second time. */
  readonly command: number;
  /** Size of the large tree in GB, its files, and the wall time of its check when nothing is known. */
  readonly large: { readonly size: number; readonly files: number; readonly seconds: number };
}

function median(costs: readonly Cost[], field: "cpu" | "wall"): number {
  return spread(costs.map((cost) => cost[field])).median;
}

/** Real tools and large programs as one layer, checked without a cache. */
async function checkLarge(): Promise<CheckCosts["large"]> {
  const source = (hostPath: string, imagePath: string): LayerPlan["sources"][number] => ({
    type: "tree",
    hostPath,
    imagePath,
  });
  const plan: LayerPlan = {
    kind: "packages",
    name: "large",
    owner: { uid: 0, gid: 0 },
    sources: [
      source(join(TOOLS_HOME.data, "installs"), "/opt/installs"),
      source(join(await makeCorpus(), "bin"), "/usr/bin"),
      source(join(await makeCorpus(), "lib"), "/usr/lib"),
    ],
    relocations: [],
    exclude: [],
    policies: { keepsAttributes: true },
    createdBy: "bench",
    annotations: {},
  };
  const tree = await scanLayer(plan, { baseDirectories: { has: () => false } });
  const start = performance.now();
  const facts = readTreeFacts(tree);
  const diffId = parseDiffId(`sha256:${"0".repeat(64)}`);
  checkCommands({ layers: [{ diffId, facts, label: {} }], architecture: "amd64", env: [] });
  const seconds = (performance.now() - start) / 1000;
  const files = tree.entries.filter(({ type }) => type === "file");
  const bytes = files.reduce((sum, { host }) => sum + (host?.size ?? 0), 0);
  return { size: bytes / 1e9, files: files.length, seconds };
}

/** Measures; builds with and without the check take turns. */
export async function measureCosts(): Promise<CheckCosts> {
  await using stack = new AsyncDisposableStack();
  const project = await openProject(stack);
  const from = `oci:${await buildBase()}:latest`;
  const build = (...flags: readonly string[]): ReturnType<typeof oursBuilding> =>
    oursBuilding({ project, from }, ["--from", from, ...flags]);
  const contenders = [build("--no-check"), build()] as const;
  const rounds = async (clean: boolean): Promise<readonly [Cost[], Cost[]]> => {
    const costs: [Cost[], Cost[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, contender] of contenders.entries()) {
        if (clean) await contender.clean();
        costs[i]?.push(await contender.run());
      }
    }
    return costs;
  };
  const [coldWithout, coldWith] = await rounds(true);
  const [warmWithout, warmWith] = await rounds(false);
  const env = { ...project.env, MISE_OCI_CACHE_DIR: join(contenders[1].home, "cache") };
  const command: Cost[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const check = programCommand(["check", join(contenders[1].home, "image")]);
    command.push(await measure(check, { cwd: project.directory, env }));
  }
  return {
    coldWithout: median(coldWithout, "cpu"),
    coldWith: median(coldWith, "cpu"),
    warmWithout: median(warmWithout, "wall"),
    warmWith: median(warmWith, "wall"),
    command: median(command, "wall"),
    large: await checkLarge(),
  };
}
