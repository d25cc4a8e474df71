/**
 * The cache as users meet it: builds at once, damage, pruning, and the same bytes with it and without.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { checkLayout } from "../support/layout.ts";
import { createMiseProject, type MiseProject, testWith } from "../support/testbed.ts";

const EPOCH = { SOURCE_DATE_EPOCH: "1700000000" };
const NEEDS = { needs: ["linux", "mise"] } as const;

interface Built {
  readonly digest: string;
  readonly layers: readonly {
    readonly kind: string;
    readonly digest: string;
    readonly status: string;
  }[];
}

/** A project of two copied trees; nothing is embedded, so that a build takes a moment. */
async function copyProject(): Promise<MiseProject> {
  const project = await createMiseProject({
    toml:
      '[[oci.copy]]\nhost = "one"\nimage = "/one"\n[[oci.copy]]\nhost = "two"\nimage = "/two"\n',
    files: { "one/a": "a".repeat(50_000), "two/b": "b", "two/c/d": "d" },
  });
  // Larger than a block, so that workers take part.
  const noise = new Uint8Array(3_000_000).map((_, i) => (i * i) >> 7);
  await Deno.writeFile(join(project.directory, "two/large"), noise);
  return project;
}

function flags(project: MiseProject, output: string): string[] {
  return ["build", "--from", "scratch", "--no-mise", "-o", join(project.root, output)];
}

function options(project: MiseProject, cache: string): {
  cwd: string;
  env: Record<string, string>;
} {
  const env = { ...project.env, ...EPOCH, MISE_OCI_CACHE_DIR: join(project.root, cache) };
  return { cwd: project.directory, env };
}

function build(
  project: MiseProject,
  { output, cache, args = [] }: { output: string; cache: string; args?: readonly string[] },
): Promise<Built> {
  return runProgramJson<Built>([...flags(project, output), ...args], options(project, cache));
}

function statuses(built: Built): string[] {
  return built.layers.map(({ kind, status }) => `${kind} ${status}`);
}

testWith(
  NEEDS,
  "two builds at once over one cache and one output, 30 times: always whole",
  async () => {
    await using project = await copyProject();
    const image = { output: "image", cache: "cache" };
    for (let round = 0; round < 30; round++) {
      // Every round one layer is new and one is not.
      await Deno.writeTextFile(join(project.directory, "one/a"), `${round}`.repeat(20_000));
      const both = await Promise.all([build(project, image), build(project, image)]);
      assertEquals(both[0]?.digest, both[1]?.digest);
      await checkLayout(join(project.root, "image"));
    }
  },
);

testWith(
  NEEDS,
  "a cache that is pruned again and again during builds: they are right",
  async () => {
    await using project = await copyProject();
    const calm = await build(project, { output: "calm", cache: "calm-cache" });
    let building = true;
    const prune = async (): Promise<number> => {
      let times = 0;
      for (; building; times++) {
        const { code, stderr } = await runProgram(["cache", "prune"], options(project, "cache"));
        assertEquals(code, 0, stderr);
      }
      return times;
    };
    const pruning = prune();
    try {
      for (let round = 0; round < 4; round++) {
        const output = `image-${round}`;
        const built = await build(project, { output, cache: "cache" });
        assertEquals(built.digest, calm.digest);
        await checkLayout(join(project.root, output));
      }
    } finally {
      building = false;
    }
    assert(await pruning > 0);
  },
);

for (
  const [damage, said, spoil] of [
    ["flipped", "was changed", async (path: string): Promise<void> => {
      using file = await Deno.open(path, { read: true, write: true });
      const byte = new Uint8Array(1);
      await file.seek(1000, Deno.SeekMode.Start);
      await file.read(byte);
      await file.seek(1000, Deno.SeekMode.Start);
      await file.write(byte.map((value) => value ^ 1));
    }],
    ["truncated", "has 1000 bytes", (path: string): Promise<void> => Deno.truncate(path, 1000)],
    ["replaced", "was changed", async (path: string): Promise<void> => {
      const { size } = await Deno.stat(path);
      await Deno.remove(path);
      await Deno.writeFile(path, new Uint8Array(size));
    }],
  ] as const
) {
  testWith(
    NEEDS,
    `a cached layer that was ${damage} is noticed, said and built again`,
    async () => {
      await using project = await copyProject();
      const first = await build(project, { output: "first", cache: "cache" });
      const digest = first.layers[1]?.digest ?? "";
      const blob = join(project.root, "cache/blobs/sha256", digest.replace("sha256:", ""));
      await spoil(blob);
      const args = [...flags(project, "second"), "-v", "--json"];
      const { code, stdout, stderr } = await runProgram(args, options(project, "cache"));
      assertEquals(code, 0, stderr);
      const second = JSON.parse(stdout) as Built;
      assertStringIncludes(stderr, `"${digest}" ${said}`);
      assertEquals(statuses(second), ["copy cached", "copy built", "config cached"]);
      assertEquals(second.digest, first.digest);
      await checkLayout(join(project.root, "second"));
      const third = await build(project, { output: "third", cache: "cache" });
      assertEquals(statuses(third), ["copy cached", "copy cached", "config cached"]);
    },
  );
}

for (const compression of ["gzip", "zstd", "none"]) {
  const needs = compression === "zstd" ? [...NEEDS.needs, "zstd-zlib" as const] : NEEDS.needs;
  testWith(
    { needs },
    `the same bytes for every -j, cached or not, again and again: ${compression}`,
    async () => {
      await using project = await copyProject();
      const digests = new Set<string>();
      for (const jobs of ["1", "2", "16"]) {
        for (const more of [[], [], ["--no-cache"]]) {
          const args = ["-j", jobs, "--compression", compression, ...more];
          const built = await build(project, { output: "image", cache: `cache-${jobs}`, args });
          digests.add(built.digest);
        }
      }
      assertEquals(digests.size, 1);
    },
  );
}

testWith(NEEDS, "cache path, ls and prune: what is there, and what goes", async () => {
  await using project = await copyProject();
  const at = options(project, "cache");
  const path = await runProgram(["cache", "path"], at);
  assertEquals(path.stdout, `${join(project.root, "cache")}\n`);
  const first = await build(project, { output: "image", cache: "cache" });
  const list = async (): Promise<string> =>
    (await runProgram(["cache", "ls", "--json"], at)).stdout;
  const full = await list();
  assertStringIncludes((await runProgram(["cache", "ls"], at)).stdout, "LAST USED");
  for (const name of ["/one", "/two"]) assertStringIncludes(full, name);
  const young = await runProgram(["cache", "prune", "--older-than", "1d"], at);
  assertEquals([young.code, await list()], [0, full], young.stderr);
  const dry = await runProgram(["cache", "prune", "--dry-run"], at);
  assertEquals([dry.code, await list()], [0, full], dry.stderr);
  const small = await runProgram(["cache", "prune", "--max-size", "20KB"], at);
  assertEquals(small.code, 0, small.stderr);
  assert(await list() !== full);
  const all = await runProgram(["cache", "prune"], at);
  assertEquals(all.code, 0, all.stderr);
  assertEquals([...Deno.readDirSync(join(project.root, "cache/blobs/sha256"))], []);
  // The layout has links of its own.
  await checkLayout(join(project.root, "image"));
  const again = await build(project, { output: "image", cache: "cache" });
  assertEquals(again.digest, first.digest);
  assertEquals(statuses(again), ["copy built", "copy built", "config built"]);
});
