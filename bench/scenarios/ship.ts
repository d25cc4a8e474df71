/**
 * Pushing the bench project's image and running it.
 * @module
 */
import { join } from "@std/path";
import { programCommand } from "../../tests/support/cli.ts";
import { startEngine } from "../../tests/support/containers.ts";
import {
  type MiseProject,
  pushBase,
  run,
  startDockerRegistry,
} from "../../tests/support/testbed.ts";
import { type Contender, OURS, type Scenario } from "../contender.ts";
import { measure } from "../measure.ts";
import { NATIVE } from "../programs.ts";
import { openProject } from "./build.ts";

/** One layout for all, so that all push the same bytes. */
async function buildLayout(project: MiseProject): Promise<string> {
  const layout = join(project.root, "pushed");
  const env = { ...project.env, MISE_OCI_CACHE_DIR: join(project.root, "cache") };
  const command = programCommand(["build", "--from", "scratch", "-t", "t", "-o", layout]);
  await run(command, { cwd: project.directory, env });
  return layout;
}

/** The programs that push a layout, to a repository that `name` gives for each. */
function pushers(
  project: MiseProject,
  layout: string,
  destination: (program: string) => string,
): readonly Contender[] {
  const env = {
    ...project.env,
    MISE_EXPERIMENTAL: "1",
    MISE_OCI_CACHE_DIR: join(project.root, "cache"),
  };
  const contender = (name: string, command: () => [string, ...string[]]): Contender => ({
    name,
    prepare: () => Promise.resolve(),
    run: () => measure(command(), { cwd: project.directory, env }),
  });
  return [
    contender(OURS, () => programCommand(["push", "--image-dir", layout, destination("ours")])),
    contender(NATIVE, () => [
      project.mise,
      ...["oci", "push", "--image-dir", layout, destination("mise")],
    ]),
    contender("skopeo copy", () => [
      "skopeo",
      ...["copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false"],
      ...[`oci:${layout}:t`, `docker://${destination("skopeo")}`],
    ]),
  ];
}

const push: Scenario = {
  name: "push",
  title: "push 119 MB to a local registry",
  open: async (stack) => {
    const registry = stack.use(await startDockerRegistry());
    const project = await openProject(stack);
    const layout = await buildLayout(project);
    let count = 0;
    // A repository that nobody has pushed to: every blob is sent.
    return pushers(project, layout, (name) => `${registry.host}/${name}-${++count}:t`);
  },
};

const repeatPush: Scenario = {
  name: "push-again",
  title: "push again: the registry has everything",
  open: async (stack) => {
    const registry = stack.use(await startDockerRegistry());
    const project = await openProject(stack);
    const layout = await buildLayout(project);
    return pushers(project, layout, (name) => `${registry.host}/${name}:t`);
  },
};

/**
 * mise's own `run`. With podman it builds into a temporary directory whose name podman mostly refuses for
 * its capital letters, so there the two steps are done one by one, in a directory that podman takes.
 */
function nativeRun(
  { mise, root }: MiseProject,
  engine: string,
  from: string,
): [string, ...string[]] {
  const command = ["--", "node", "--version"];
  if (engine === "docker") {
    return [mise, "oci", "run", "--engine", engine, "--from", from, ...command];
  }
  const image = join(root, "native");
  const build = `'${mise}' oci build --from ${from} -o ${image}`;
  const runIt = `'${mise}' oci run --engine ${engine} --image-dir ${image} ${command.join(" ")}`;
  return ["sh", "-c", `${build} && ${runIt}`];
}

function runAgain(name: "podman" | "docker"): Scenario {
  return {
    name: `run-${name}`,
    title: `\`run -- node --version\` with ${name}, not the first time`,
    rounds: 3,
    open: async (stack) => {
      const registry = stack.use(await startDockerRegistry());
      const engine = stack.use(await startEngine(name));
      const project = await openProject(stack);
      const from = await pushBase(registry.host);
      // dockerd of the testbed has no bridge; podman of the testbed has no network at all.
      const network = name === "docker" ? ["--engine-arg=--network=none"] : [];
      const args = ["--engine", name, "--from", from, ...network, "--", "node", "--version"];
      const env = { ...engine.env, ...project.env, MISE_EXPERIMENTAL: "1" };
      const options = { cwd: project.directory, env };
      const contender = (who: string, command: [string, ...string[]]): Contender => ({
        name: who,
        prepare: () => Promise.resolve(),
        run: () => measure(command, options),
      });
      return [
        contender(OURS, programCommand(["run", ...args])),
        contender(NATIVE, nativeRun(project, name, from)),
      ];
    },
  };
}

/** The scenarios of this file. */
export const SHIP_SCENARIOS: readonly Scenario[] = [
  push,
  repeatPush,
  runAgain("podman"),
  runAgain("docker"),
];
