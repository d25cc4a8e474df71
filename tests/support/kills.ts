/**
 * Builds that are killed at any moment.
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { programCommand } from "./cli.ts";
import { checkLayout, rawBlobPath, readImage } from "./layout.ts";
import {
  createMiseProject,
  exists,
  type MiseProject,
  removeTree,
  run,
  testWith,
} from "./testbed.ts";

/** A small generator of numbers from 0 to 1, so that a failure can be repeated by its seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A program that can be killed. */
export interface Killable {
  /** Its command line. */
  readonly command: readonly [string, ...string[]];
  /** Its working directory. */
  readonly cwd: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A build of a project that can be killed. */
interface Build extends Killable {
  readonly output: string;
  readonly cache: string;
}

function buildOf(project: MiseProject, name: string): Build {
  const output = join(project.root, name, "image");
  const cache = join(project.root, name, "cache");
  return {
    command: programCommand(
      ["build", "--from", "scratch", "--no-mise", "-t", "killed:1", "-o", output],
    ),
    cwd: project.directory,
    env: { ...project.env, MISE_OCI_CACHE_DIR: cache, SOURCE_DATE_EPOCH: "1" },
    output,
    cache,
  };
}

/** Runs a program and kills it after some milliseconds, unless it ended before. @returns whether it was killed */
export async function runAndKill(
  { command, cwd, env }: Killable,
  milliseconds: number,
): Promise<boolean> {
  const [program, ...args] = command;
  const child = new Deno.Command(program, {
    args,
    cwd,
    env,
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => {
    try {
      child.kill("SIGKILL");
    } catch (error) {
      // It ended in the moment before, and its status is not told yet.
      if (!(error instanceof TypeError)) throw error;
    }
  }, milliseconds);
  const { signal } = await child.status;
  clearTimeout(timer);
  return signal === "SIGKILL";
}

async function* listFiles(directory: string): AsyncGenerator<string> {
  if (!await exists(directory)) return;
  for await (const entry of Deno.readDir(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) yield* listFiles(path);
    else yield path;
  }
}

/** Fails if a file below a directory is called by a SHA-256 digest that its bytes do not have. */
async function assertBlobsWhole(directory: string, message: string): Promise<void> {
  for await (const path of listFiles(directory)) {
    const name = /\/([0-9a-f]{64})$/.exec(path)?.[1];
    if (name === undefined || !path.includes("/blobs/")) continue;
    const hash = createHash("sha256").update(await Deno.readFile(path)).digest("hex");
    assertEquals(hash, name, `${message}: ${path}`);
  }
}

/** Fails if a layout has an index that names something incomplete; without an index it names nothing. */
async function assertReachable(layout: string, message: string): Promise<void> {
  if (!await exists(join(layout, "index.json"))) return;
  const { manifest } = await readImage(layout);
  for (const { digest, size } of [manifest.config, ...manifest.layers]) {
    assertEquals((await Deno.stat(rawBlobPath(layout, digest))).size, size, message);
  }
}

/** Builds undisturbed: gives the digest of the manifest and the milliseconds it took. */
async function timeBuild({ command, cwd, env, output }: Build): Promise<[string, number]> {
  const start = performance.now();
  await run(command, { cwd, env });
  const duration = performance.now() - start;
  await checkLayout(output);
  return [(await readImage(output)).entry.digest, duration];
}

/** Registers the test that kills a build so often, each time at another moment. */
export function testKills(kills: number): void {
  testWith(
    { needs: ["mise", "linux"] },
    `D01: after SIGKILL at any of ${kills} moments the next build makes the same image`,
    async () => {
      await using project = await createMiseProject({ tools: ["prettier", "typescript"] });
      const calm = buildOf(project, "calm");
      // The first build also compiles the program into Deno's cache: the second is timed.
      await timeBuild(calm);
      await removeTree(join(project.root, "calm"));
      const [expected, duration] = await timeBuild(calm);

      const seed = Date.now() >>> 0;
      const random = randomNumbers(seed);
      const build = buildOf(project, "killed");
      const kept = join(project.root, "killed");
      let killed = 0;
      for (let i = 0; i < kills; i++) {
        // Every other kill hits a build that finds what the one before left.
        if (i % 2 === 0) await removeTree(kept);
        const moment = random() * duration;
        const message = `seed ${seed}, kill ${i} after ${moment.toFixed(1)} ms`;
        if (await runAndKill(build, moment)) killed++;
        await assertBlobsWhole(kept, message);
        await assertReachable(build.output, message);
        if (i % 5 === 4) assertEquals((await timeBuild(build))[0], expected, message);
      }
      assert(killed >= kills / 2, `only ${killed} of ${kills} builds were running when killed`);
    },
  );
}
