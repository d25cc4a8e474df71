/**
 * Images as other programs write them: every command takes each, and what is pushed has every platform, as
 * crane reads it.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { mapConcurrently } from "../../src/concurrency.ts";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { makeSmallImage, startEngine, type TestEngine } from "../support/containers.ts";
import {
  createMiseProject,
  type MiseProject,
  OCI_ARCH,
  program,
  run,
  startDockerRegistry,
  testWith,
} from "../support/testbed.ts";

const PROGRAMS = ["crane", "oras", "regctl"] as const;
const NEEDS = [
  ...PROGRAMS,
  "skopeo",
  "linux",
  "root",
  "mise",
  "docker-registry",
  "podman",
  "runc",
  "docker",
  "dockerd",
] as const;
const NATIVE = `linux/${OCI_ARCH}`;
const FOREIGN = OCI_ARCH === "arm64" ? "linux/amd64" : "linux/arm64";

interface Inspected {
  readonly digest: string;
  readonly platforms: readonly string[];
}

/** Everything that makes and reads images in the test. */
interface Bench {
  readonly project: MiseProject;
  readonly podman: TestEngine;
  /** `HOST:PORT`. */
  readonly host: string;
  /** Where files go: a path with a space. */
  readonly dir: string;
  /** Runs an independent program and gives its stdout. */
  ask(name: (typeof PROGRAMS)[number], ...args: readonly string[]): Promise<string>;
  /** Runs mise-oci; fails if it does. */
  own(...args: readonly string[]): Promise<string>;
}

/** An image that another program wrote. */
interface Source {
  /** The image argument. */
  readonly image: string;
  /** Digest of what is pushed, if it is known beforehand. */
  readonly digest?: string;
  /** How many platforms it has; default 1. */
  readonly platforms?: number;
}

async function makeBench(
  { project, podman, host }: Pick<Bench, "project" | "podman" | "host">,
): Promise<Bench> {
  const dir = join(project.root, "other images");
  await Deno.mkdir(dir);
  // Clients of docker's config directory, none of the user's own.
  const env = { ...podman.env, HOME: dir };
  const path = [dirname(program("crane")), project.env["PATH"], podman.env["PATH"]].join(":");
  return {
    project,
    podman,
    host,
    dir,
    ask: async (name, ...args) =>
      (await run([program(name), ...args], { cwd: dir, env })).stdout.trim(),
    own: async (...args) => {
      const { code, stdout, stderr } = await runProgram(args, {
        cwd: project.directory,
        env: { ...podman.env, ...project.env, PATH: path },
      });
      assertEquals(code, 0, `mise-oci ${args.join(" ")}: ${stderr}`);
      return stdout;
    },
  };
}

/** A small image, and an index of it for two platforms, in the registry. */
async function pushImages({ ask, own, dir, host }: Bench): Promise<void> {
  await makeSmallImage(join(dir, "small"), { tag: "team/dev:v1" });
  await own("push", "--image", join(dir, "small"), `${host}/small:1`);
  await ask(
    "crane",
    "mutate",
    "--set-platform",
    FOREIGN,
    `${host}/small:1`,
    "-t",
    `${host}/small:2`,
  );
  const images = ["-m", `${host}/small:1`, "-m", `${host}/small:2`];
  await ask("crane", "index", "append", ...images, "-t", `${host}/multi:1`);
  await ask("regctl", "registry", "set", "--tls", "disabled", host);
}

/** What each program makes of them. */
async function makeSources(bench: Bench): Promise<Readonly<Record<string, Source>>> {
  const { ask, dir, host, podman } = bench;
  const [single, multi] = [`${host}/small:1`, `${host}/multi:1`];
  const at = (name: string): string => join(dir, name);
  const digest = await ask("crane", "digest", single);
  const index = { digest: await ask("crane", "digest", multi), platforms: 2 };
  await ask("crane", "pull", "--format=oci", single, at("crane"));
  await ask("crane", "pull", "--format=oci", multi, at("crane-index"));
  await ask("crane", "pull", single, at("crane.tar"));
  await ask("crane", "mutate", "--label", "a=b", single, "-t", `${host}/small:mutated`);
  await ask("oras", "copy", "--from-plain-http", multi, "--to-oci-layout", `${at("oras")}:1`);
  await ask("regctl", "image", "copy", multi, `ocidir://${at("regctl")}:1`);
  await podman.ask("pull", "--quiet", "--tls-verify=false", single);
  const formats = ["docker-archive", "oci-archive", "oci-dir"] as const;
  for (const format of formats) {
    await podman.ask("save", "--quiet", "--format", format, "-o", at(`podman-${format}`), single);
  }
  return {
    "crane pull --format=oci": { image: at("crane"), digest },
    "crane pull --format=oci of an index": { image: `oci:${at("crane-index")}`, ...index },
    "crane pull": { image: `docker-archive:${at("crane.tar")}`, digest },
    "crane mutate": {
      image: `${host}/small:mutated`,
      digest: await ask("crane", "digest", `${host}/small:mutated`),
    },
    "oras copy --to-oci-layout": { image: `oci:${at("oras")}:1`, ...index },
    "regctl image copy": { image: at("regctl"), ...index },
    "podman save --format docker-archive": { image: at("podman-docker-archive") },
    "podman save --format oci-archive": { image: `oci-archive:${at("podman-oci-archive")}` },
    "podman save --format oci-dir": { image: at("podman-oci-dir") },
  };
}

/** inspect, check, push, --from, load and run of one image. */
async function useSource(bench: Bench, name: string, source: Source): Promise<void> {
  const { own, ask, dir, host, podman } = bench;
  const { image, digest, platforms = 1 } = source;
  const inspected: Inspected = JSON.parse(await own("inspect", "--json", image));
  assertEquals(inspected.platforms, platforms === 1 ? [NATIVE] : [NATIVE, FOREIGN]);
  assertStringIncludes(await own("check", image), "all start");

  const id = name.replaceAll(/[^a-z0-9]+/g, "-");
  const target = `${host}/copy:${id}`;
  const pushed = JSON.parse(await own("push", "--no-check", "--json", "--image", image, target));
  assertEquals(pushed.digest, await ask("crane", "digest", target));
  if (digest !== undefined) assertEquals(pushed.digest, digest);
  const manifest = JSON.parse(await ask("crane", "manifest", target));
  assertEquals(manifest.manifests?.length ?? 1, platforms);

  const layout = join(dir, `from-${name}`);
  await own("build", "--from", image, "--no-mise", "--no-check", "-o", layout);
  const built = JSON.parse(await own("inspect", "--json", layout));
  assert(built.layers.length > 1, `${built.layers.length} layers`);

  const tag = `localhost/other:${id}`;
  await own("load", "--engine", "podman", "--image", image, "-t", tag);
  assertStringIncludes(await podman.ask("images", "--noheading", tag), "other");
  const script = ["--", "sh", "-c", "echo ran"];
  assertEquals(await own("run", "--engine", "podman", "--image", image, ...script), "ran\n");
}

testWith(
  { needs: NEEDS },
  "F4: every command takes images as crane, oras, regctl, docker and podman write them",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: [] });
    await using podman = await startEngine("podman");
    const bench = await makeBench({ project, podman, host: registry.host });
    await pushImages(bench);
    const sources = Object.entries(await makeSources(bench));
    await mapConcurrently(
      sources,
      { limit: 2 },
      ([name, source]) => useSource(bench, name, source),
    );
    await using docker = await startEngine("docker");
    const saved = join(bench.dir, "docker-save.tar");
    await docker.ask("pull", "--quiet", `${registry.host}/small:1`);
    await docker.ask("save", "-o", saved, `${registry.host}/small:1`);
    await useSource(bench, "docker save", { image: saved });
  },
);

/** A push to a digest sends the image that has it, and nothing else. */
async function pushByDigest(
  { own, ask, host, project }: Bench,
  { image, digest }: { readonly image: string; readonly digest: string },
): Promise<void> {
  await own("push", "--no-check", "--image", `${host}/multi:1`, `${host}/digest@${digest}`);
  assertEquals(await ask("crane", "digest", `${host}/digest@${digest}`), digest);
  const other = await runProgramJson<Inspected>(["inspect", image], {
    cwd: project.directory,
    env: project.env,
  });
  const wrong = await runProgram(["push", "--image", image, `${host}/digest@${other.digest}`], {
    cwd: project.directory,
    env: project.env,
  });
  assertEquals(wrong.code, 2, wrong.stderr);
  assertStringIncludes(wrong.stderr, `the image has digest ${digest}`);
}

testWith(
  { needs: NEEDS },
  "push --tool crane and skopeo send all platforms; a digest names where to",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: [] });
    await using podman = await startEngine("podman");
    const { host } = registry;
    const bench = await makeBench({ project, podman, host });
    const { ask, own, dir } = bench;
    await pushImages(bench);
    const digest = await ask("crane", "digest", `${host}/multi:1`);
    const image = join(dir, "lay");
    await ask(
      "oras",
      "copy",
      "--from-plain-http",
      `${host}/multi:1`,
      "--to-oci-layout",
      `${image}:1`,
    );
    await own("push", "--tool", "crane", "--no-check", "--image", image, `${host}/tool:crane`);
    assertEquals(await ask("crane", "digest", `${host}/tool:crane`), digest);
    // An index as mise-oci writes it, which skopeo writes anew with the same bytes.
    const index = join(dir, "own");
    const platforms = `${NATIVE},${FOREIGN}`;
    const build = [
      "build",
      "--from",
      "scratch",
      "--no-mise",
      "--no-check",
      "-t",
      "x:1",
      "-o",
      index,
    ];
    const built = JSON.parse(await own(...build, "--platform", platforms, "--json"));
    await own("push", "--tool", "skopeo", "--no-check", "--image", index, `${host}/tool:skopeo`);
    assertEquals(await ask("crane", "digest", `${host}/tool:skopeo`), built.digest);

    await pushByDigest(bench, { image, digest });
  },
);

testWith(
  { needs: ["linux", "root", "mise", "docker-registry"] },
  "An image whose config names no platform is taken for the one asked for",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: [] });
    const { root } = project;
    await Deno.writeTextFile(join(root, "file"), "x");
    await run(["tar", "-C", root, "-cf", join(root, "x.tar"), "file"]);
    const bare = `${registry.host}/bare:1`;
    const crane = program("crane");
    await run([crane, "append", "--oci-empty-base", "-f", join(root, "x.tar"), "-t", bare]);
    const options = { cwd: project.directory, env: project.env };
    const inspected = await runProgram(["inspect", bare], options);
    assertEquals(inspected.code, 0, inspected.stderr);
    assertStringIncludes(inspected.stderr, `names no platform: ${NATIVE} is assumed`);
    const layout = join(root, "out");
    const build = ["build", "--from", bare, "--no-mise", "--no-check", "-o", layout];
    assertEquals((await runProgram(build, options)).code, 0);
    const { stdout } = await run(["skopeo", "inspect", "--config", `oci:${layout}`]);
    assertEquals(JSON.parse(stdout).architecture, OCI_ARCH);
  },
);
