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
  removeTree,
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

/** What a program pushes: a layout that is there, or the project itself. */
type Pushed = { readonly layout: string } | { readonly from: string };

/** The programs that push, each to a place that `destination` gives. skopeo only pushes layouts. */
function pushers(
  project: MiseProject,
  pushed: Pushed,
  destination: (program: string) => string,
): readonly { readonly name: string; readonly command: () => [string, ...string[]] }[] {
  const what = "layout" in pushed ? ["--image-dir", pushed.layout] : ["--from", pushed.from];
  const builders = [
    { name: OURS, command: () => programCommand(["push", ...what, destination("ours")]) },
    {
      name: NATIVE,
      command: (): [string, ...string[]] => [
        project.mise,
        ...["oci", "push", ...what, destination("mise")],
      ],
    },
  ];
  if (!("layout" in pushed)) return builders;
  return [...builders, {
    name: "skopeo copy",
    command: () => [
      "skopeo",
      ...["copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false"],
      ...[`oci:${pushed.layout}:t`, `docker://${destination("skopeo")}`],
    ],
  }];
}

function pushEnv(project: MiseProject, home: string): Readonly<Record<string, string>> {
  const cache = { MISE_OCI_CACHE_DIR: join(project.root, "cache") };
  return { ...project.env, MISE_EXPERIMENTAL: "1", ...cache, HOME: home };
}

const push: Scenario = {
  name: "push",
  title: "push 119 MB to an empty registry on the machine",
  open: async (stack) => {
    const project = await openProject(stack);
    const layout = await buildLayout(project);
    let registry = await startDockerRegistry();
    stack.defer(() => registry[Symbol.asyncDispose]());
    let count = 0;
    let home = "";
    // Nobody finds what another round or program has sent, there or in what it remembers of registries.
    const prepare = async (): Promise<void> => {
      await registry[Symbol.asyncDispose]();
      registry = await startDockerRegistry();
      home = join(project.root, `home-${++count}`);
      await Deno.mkdir(home);
    };
    return pushers(project, { layout }, () => `${registry.host}/bench/image-${count}:t`)
      .map(({ name, command }) => ({
        name,
        prepare,
        run: () => measure(command(), { cwd: project.directory, env: pushEnv(project, home) }),
      }));
  },
};

/** Pushing what the registry has: the first round, which does not count, sends it. */
function pushAgain(
  { name, title, pushed }: Pick<Scenario, "name" | "title"> & {
    readonly pushed: (project: MiseProject) => Promise<Pushed>;
  },
): Scenario {
  return {
    name,
    title,
    open: async (stack) => {
      const registry = stack.use(await startDockerRegistry());
      const project = await openProject(stack);
      const what = await pushed(project);
      const env = pushEnv(project, project.env["HOME"] ?? project.root);
      return pushers(project, what, (program) => `${registry.host}/${program}:t`)
        .map(({ name, command }) => ({
          name,
          prepare: () => Promise.resolve(),
          run: () => measure(command(), { cwd: project.directory, env }),
        }));
    },
  };
}

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

/** What a bill of materials costs a push, of which nothing is known or nothing has changed. */
function sbom(
  { name, title, cold }: Pick<Scenario, "name" | "title"> & { readonly cold: boolean },
): Scenario {
  return {
    name,
    title,
    open: async (stack) => {
      const registry = stack.use(await startDockerRegistry());
      const from = await pushBase(registry.host);
      const project = await openProject(stack);
      let count = 0;
      const contender = (who: string, ...flags: readonly string[]): Contender => {
        const cache = join(project.root, `cache-${who}`);
        const options = {
          cwd: project.directory,
          env: { ...project.env, MISE_OCI_CACHE_DIR: cache },
        };
        return {
          name: who,
          prepare: async () => {
            if (!cold) return;
            count++;
            await removeTree(cache);
          },
          run: () =>
            measure(
              programCommand([
                ...["push", "-q", "--from", from, ...flags],
                `${registry.host}/bench/image-${count}-${flags.length}:t`,
              ]),
              options,
            ),
        };
      };
      return [contender(OURS, "--sbom"), contender("without --sbom")];
    },
  };
}

/** The scenarios of this file. */
export const SHIP_SCENARIOS: readonly Scenario[] = [
  push,
  pushAgain({
    name: "push-again",
    title: "push a layout again: the registry has everything",
    pushed: async (project) => ({ layout: await buildLayout(project) }),
  }),
  pushAgain({
    name: "build-push-again",
    title: "build and push again: nothing has changed",
    pushed: () => Promise.resolve({ from: "scratch" }),
  }),
  sbom({
    name: "sbom",
    title: "first push on a Debian base, with a bill of materials attached",
    cold: true,
  }),
  sbom({
    name: "sbom-again",
    title: "push again with a bill of materials: nothing has changed",
    cold: false,
  }),
  runAgain("podman"),
  runAgain("docker"),
];
