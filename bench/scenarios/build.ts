/**
 * Builds of the bench project: node, prettier, typescript, eslint and the mise executable.
 * @module
 */
import { dirname, join } from "@std/path";
import {
  createMiseProject,
  type MiseProject,
  pushBase,
  REPOSITORY,
  run,
  startDockerRegistry,
  startPodman,
  type ToolName,
  toolsToml,
} from "../../tests/support/testbed.ts";
import type { Contender, Scenario } from "../contender.ts";
import type { Cost } from "../measure.ts";
import {
  type BuildProgram,
  buildPrograms,
  nativeBuilding,
  oursBuilding,
  scriptContender,
} from "../programs.ts";

/** The tools of the bench project. */
export const TOOLS: readonly ToolName[] = ["node", "prettier", "typescript", "eslint"];
const OLD: readonly ToolName[] = ["node", "oldPrettier", "typescript", "eslint"];

/** A new bench project, removed with the stack. */
export async function openProject(stack: AsyncDisposableStack): Promise<MiseProject> {
  return stack.use(await createMiseProject({ tools: TOOLS }));
}

/** `tar` arguments that give what is in the bench project's layers. */
function tarOfTools(project: MiseProject): string {
  const tools = TOOLS.map((tool) => project.installPath(tool).slice(1));
  return `tar -cf - -C / ${[...tools, project.mise.slice(1)].join(" ")}`;
}

/** What all cores together could do if compressing were everything: the time of one core, divided. */
function limit(project: MiseProject): Contender {
  const script = `${tarOfTools(project)} | "$DENO" run -A "$LIMIT"`;
  const env = {
    ...project.env,
    DENO: Deno.execPath(),
    LIMIT: join(REPOSITORY, "bench/limit.ts"),
  };
  return {
    name: "the limit",
    prepare: () => Promise.resolve(),
    run: async (): Promise<Cost> => {
      const { stdout } = await run(["bash", "-c", script], { env });
      const { seconds } = JSON.parse(stdout) as { seconds: number };
      return { wall: seconds / navigator.hardwareConcurrency, cpu: seconds, memory: 0 };
    },
  };
}

const clean = (program: BuildProgram): Promise<void> => program.clean();

function pipe(project: MiseProject, name: string, compressor: string): Contender {
  const output = join(project.root, "piped");
  const script = `${tarOfTools(project)} | ${compressor} > "$OUT"`;
  return scriptContender(project, { name, script, output });
}

const cold: Scenario = {
  name: "cold",
  title: "cold build, gzip",
  open: async (stack) => {
    const project = await openProject(stack);
    const common = { project, from: "scratch", before: clean };
    return [
      oursBuilding(common, ["--from", "scratch"]),
      nativeBuilding(common, ["--from", "scratch", "--no-cache"]),
      limit(project),
      pipe(project, "tar \\| pigz", "pigz"),
    ];
  },
};

const coldBase: Scenario = {
  name: "cold-base",
  title: "cold build on a Debian base from a registry",
  open: async (stack) => {
    const registry = stack.use(await startDockerRegistry());
    const project = await openProject(stack);
    const from = await pushBase(registry.host);
    return buildPrograms({ project, from, before: clean });
  },
};

const zstd: Scenario = {
  name: "zstd",
  title: "cold build, zstd (`mise oci` has only gzip)",
  open: async (stack) => {
    const project = await openProject(stack);
    const common = { project, from: "scratch", before: clean };
    return [
      oursBuilding(common, ["--from", "scratch", "--compression", "zstd"]),
      nativeBuilding(common, ["--from", "scratch", "--no-cache"]),
      pipe(project, "tar \\| zstd -T0", "zstd -q -T0 -3"),
    ];
  },
};

/** Builds once before the first measured run. */
function builtOnce(): (program: BuildProgram) => Promise<void> {
  const built = new Set<string>();
  return async (program) => {
    if (built.has(program.name)) return;
    built.add(program.name);
    await program.run();
  };
}

const warm: Scenario = {
  name: "warm",
  title: "warm build: nothing changed",
  open: async (stack) => {
    const project = await openProject(stack);
    return buildPrograms({ project, from: "scratch", before: builtOnce() });
  },
};

const warmBase: Scenario = {
  name: "warm-base",
  title: "warm build on a Debian base from a registry",
  open: async (stack) => {
    const registry = stack.use(await startDockerRegistry());
    const project = await openProject(stack);
    const from = await pushBase(registry.host);
    return buildPrograms({ project, from, before: builtOnce() });
  },
};

const bump: Scenario = {
  name: "bump",
  title: "one tool of four bumped (prettier, 8 MB)",
  open: async (stack) => {
    const project = await openProject(stack);
    const setTools = async (tools: readonly ToolName[]): Promise<void> => {
      await Deno.writeTextFile(join(project.directory, "mise.toml"), toolsToml(tools));
      await project.runMise("trust", "--quiet");
    };
    const before = async (program: BuildProgram): Promise<void> => {
      await program.clean();
      await setTools(OLD);
      await program.run();
      await setTools(TOOLS);
    };
    return buildPrograms({ project, from: "scratch", before });
  },
};

/** A script that puts directories into an image with umoci, one layer each. */
export function umoci(
  project: MiseProject,
  trees: readonly string[],
): Contender {
  const output = join(project.root, "umoci");
  const setUp = 'umoci init --layout "$OUT" && umoci new --image "$OUT:t"';
  const script = trees.map((tree) => `umoci insert --image "$OUT:t" ${tree} ${tree}`).join("\n");
  return scriptContender(project, { name: "umoci insert", setUp, script, output });
}

/** The same with buildah, which commits its containers' storage: one layer. */
async function buildah(
  stack: AsyncDisposableStack,
  project: MiseProject,
  trees: readonly string[],
): Promise<Contender> {
  const podman = stack.use(await startPodman());
  const copies = trees.map((tree) => `buildah copy -q "$c" ${tree} ${tree} >&2`);
  const script = [
    "c=$(buildah from scratch)",
    ...copies,
    'buildah commit -q --disable-compression=false "$c" "oci:$OUT:t" >&2',
    'buildah rm "$c" >&2',
  ].join("\n");
  const output = join(podman.root, "image");
  return scriptContender(project, { name: "buildah", script, output, env: podman.env });
}

const others: Scenario = {
  name: "others",
  title: "the same files into an image, by other programs",
  rounds: 2,
  open: async (stack) => {
    const project = await openProject(stack);
    const trees = [...TOOLS.map((tool) => project.installPath(tool)), dirname(project.mise)];
    return [
      oursBuilding({ project, from: "scratch", before: clean }, ["--from", "scratch"]),
      umoci(project, trees),
      await buildah(stack, project, trees),
    ];
  },
};

/** The scenarios of this file. */
export const BUILD_SCENARIOS: readonly Scenario[] = [
  cold,
  zstd,
  warm,
  bump,
  coldBase,
  warmBase,
  others,
];
