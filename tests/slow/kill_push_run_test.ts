/**
 * Pushes and runs that are killed at many moments: the next one does what an undisturbed one does, and leaves
 * no more.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { programCommand } from "../support/cli.ts";
import { makeSmallImage, startEngine } from "../support/containers.ts";
import { type Killable, randomNumbers, runAndKill } from "../support/kills.ts";
import {
  createMiseProject,
  pushBase,
  run,
  startDockerRegistry,
  testWith,
} from "../support/testbed.ts";

const KILLS = 15;

/** Runs it to its end: its output and the milliseconds it took. */
async function timed({ command, cwd, env }: Killable): Promise<[stdout: string, time: number]> {
  const start = performance.now();
  const { stdout } = await run(command, { cwd, env });
  return [stdout, performance.now() - start];
}

/** Names below a directory, sorted, without what only differs by when it was made. */
async function names(directory: string): Promise<readonly string[]> {
  const { stdout } = await run(["find", directory, "-type", "f", "-printf", "%P\n"]);
  return stdout.trim().split("\n").filter((name) => name !== "").sort();
}

testWith(
  { needs: ["linux", "root", "mise", "base", "skopeo", "docker-registry"] },
  `D01: after SIGKILL at any of ${KILLS} moments the next push gives the same image`,
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: ["prettier", "typescript"] });
    const from = await pushBase(registry.host);
    const temporary = join(project.root, "tmp");
    await Deno.mkdir(temporary);
    const push = (repository: string): Killable => ({
      command: programCommand(["push", "--json", "--from", from, `${registry.host}/${repository}`]),
      cwd: project.directory,
      env: {
        ...project.env,
        TMPDIR: temporary,
        MISE_OCI_CACHE_DIR: join(project.root, repository, "cache"),
        SOURCE_DATE_EPOCH: "1",
      },
    });
    const pushed = async (repository: string): Promise<[digest: string, time: number]> => {
      const [stdout, time] = await timed(push(repository));
      const { digest } = JSON.parse(stdout);
      const raw = `docker://${registry.host}/${repository}`;
      await run(["skopeo", "inspect", "--tls-verify=false", raw]);
      const layout = `oci:${join(project.root, repository, "copy")}:1`;
      // Every blob is there, with its bytes.
      await run(["skopeo", "copy", "--quiet", "--src-tls-verify=false", raw, layout]);
      return [digest, time];
    };
    // The first compiles the program into Deno's cache.
    await pushed("calm/first");
    const [expected, duration] = await pushed("calm/second");
    const seed = Date.now() >>> 0;
    const random = randomNumbers(seed);
    let killed = 0;
    for (let i = 0; i < KILLS; i++) {
      const repository = `killed/${i - i % 5}`;
      // One that ends makes those that follow in its repository shorter.
      const moment = random() ** 2 * duration;
      if (await runAndKill(push(repository), moment)) killed++;
      if (i % 5 !== 4) continue;
      const message = `seed ${seed}, kill ${i} after ${moment.toFixed(1)} ms`;
      assertEquals((await pushed(repository))[0], expected, message);
      assertEquals(await names(temporary), [], message);
      assertEquals(
        await names(join(project.root, repository, "cache")),
        await names(join(project.root, "calm/second/cache")),
        message,
      );
    }
    assert(killed >= KILLS / 4, `only ${killed} of ${KILLS} pushes were running when killed`);
  },
);

testWith(
  { needs: ["linux", "root", "podman"] },
  `D01: after SIGKILL at any of ${KILLS} moments the next run in podman leaves no image, container or file`,
  async () => {
    await using engine = await startEngine("podman");
    const layout = join(engine.root, "image");
    await makeSmallImage(layout);
    const temporary = join(engine.root, "tmp");
    await Deno.mkdir(temporary);
    const container: Killable = {
      command: engine.runCommand(["--image-dir", layout, "sh", "-c", "echo up; sleep 0.3"]),
      cwd: engine.root,
      env: { ...engine.env, TMPDIR: temporary },
    };
    const calm = async (message: string): Promise<number> => {
      const [stdout, time] = await timed(container);
      assertEquals(stdout, "up\n", message);
      await engine.assertEmpty(message);
      const left = (await names(temporary)).filter((name) => name.startsWith("mise-oci"));
      assertEquals(left, [], message);
      return time;
    };
    await calm("first");
    const duration = await calm("second");
    const seed = Date.now() >>> 0;
    const random = randomNumbers(seed);
    let killed = 0;
    for (let i = 0; i < KILLS; i++) {
      const moment = random() * duration;
      if (await runAndKill(container, moment)) killed++;
      if (i % 3 === 2) await calm(`seed ${seed}, kill ${i} after ${moment.toFixed(1)} ms`);
    }
    assert(killed >= KILLS / 2, `only ${killed} of ${KILLS} runs were going when killed`);
  },
);
