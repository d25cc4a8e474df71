/**
 * Pushing the bench project's image and running it.
 * @module
 */
import { join } from "@std/path";
import { programCommand } from "../../tests/support/cli.ts";
import {
  type MiseProject,
  pushBase,
  run,
  startDockerRegistry,
  startPodman,
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

const runAgain: Scenario = {
  name: "run-again",
  title: "`run -- node --version` with podman, not the first time",
  rounds: 3,
  open: async (stack) => {
    const registry = stack.use(await startDockerRegistry());
    const podman = stack.use(await startPodman());
    const project = await openProject(stack);
    const from = await pushBase(registry.host);
    const { PATH: _path, HOME: _home, ...engine } = podman.env;
    const contender = (name: string, command: [string, ...string[]]): Contender => {
      const home = join(project.root, name.replace(" ", "-"));
      const env = {
        ...project.env,
        ...engine,
        MISE_EXPERIMENTAL: "1",
        MISE_OCI_CACHE_DIR: join(home, "oci"),
        MISE_CACHE_DIR: join(home, "mise"),
      };
      const options = { cwd: project.directory, env };
      return { name, prepare: () => Promise.resolve(), run: () => measure(command, options) };
    };
    const args = ["--engine", "podman", "--from", from, "--", "node", "--version"];
    return [
      contender(OURS, programCommand(["run", ...args])),
      contender(NATIVE, [project.mise, "oci", "run", ...args]),
    ];
  },
};

/** The scenarios of this file. */
export const SHIP_SCENARIOS: readonly Scenario[] = [push, repeatPush, runAgain];
