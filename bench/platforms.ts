/**
 * What a second platform costs: builds of one and of two, cold and warm, taken in turns.
 *
 * ```sh
 * deno run -A --config deno.json bench/platforms.ts [RUNS]
 * ```
 * @module
 */
import { join } from "@std/path";
import { programCommand } from "../tests/support/cli.ts";
import { NODE_VERSION, startNodeMirror } from "../tests/support/node_mirror.ts";
import { createMiseProject, OCI_ARCH } from "../tests/support/testbed.ts";
import { measure, spread } from "./measure.ts";

const OWN = `linux/${OCI_ARCH}`;
const BOTH = "linux/amd64,linux/arm64";
const TOOLS = `[tools]
node = "${NODE_VERSION}"
"npm:prettier" = "3.6.2"
"npm:typescript" = "5.9.2"
"npm:esbuild" = "0.25.9"
"npm:@biomejs/biome" = "2.2.4"
`;

function log(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

const runs = Number(Deno.args[0] ?? 5);
await using mirror = await startNodeMirror();
await using project = await createMiseProject({
  toml: `${TOOLS}[settings]\nnode.mirror_url = "${mirror.url}/"\nnode.gpg_verify = false\n`,
});
await project.runMise("install", "--yes");
const cache = join(project.root, "oci-cache");
const env = { ...project.env, MISE_OCI_CACHE_DIR: cache, SOURCE_DATE_EPOCH: "1700000000" };

/** Seconds that a build takes. Cold: no layer is in the cache; the tools are installed. */
async function seconds(platforms: string, cold: boolean): Promise<number> {
  const output = join(project.root, "image");
  const flags = ["--from", "scratch", "--no-check", "--no-mise", "--quiet", "-o", output];
  const more = cold ? ["--no-cache"] : [];
  const command = programCommand(["build", "--platform", platforms, ...flags, ...more]);
  const { wall } = await measure(command, { env, cwd: project.directory });
  await Deno.remove(output, { recursive: true });
  return wall;
}

await seconds(BOTH, false);
for (const cold of [true, false]) {
  const [one, two]: [number[], number[]] = [[], []];
  for (let i = 0; i < runs; i++) {
    one.push(await seconds(OWN, cold));
    two.push(await seconds(BOTH, cold));
  }
  const [a, b] = [spread(one), spread(two)];
  const show = ({ median, min, max }: typeof a): string => `${median.toFixed(2)} s (${min}-${max})`;
  log(
    `${cold ? "cold" : "warm"}: one ${show(a)}, two ${show(b)}: ${
      (b.median / a.median).toFixed(2)
    }`,
  );
}
