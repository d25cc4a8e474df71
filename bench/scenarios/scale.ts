/**
 * Many files, large files, many tools.
 * @module
 */
import { join } from "@std/path";
import {
  createMiseProject,
  fetchMise,
  makeTempDir,
  type MiseProject,
  run,
  TOOLS,
} from "../../tests/support/testbed.ts";
import type { Contender, Scenario } from "../contender.ts";
import {
  type BuildProgram,
  buildPrograms,
  nativeBuilding,
  oursBuilding,
  scriptContender,
} from "../programs.ts";
import { umoci } from "./build.ts";

const clean = (program: BuildProgram): Promise<void> => program.clean();

async function openTree(stack: AsyncDisposableStack): Promise<[MiseProject, string]> {
  const project = stack.use(await createMiseProject());
  const temp = stack.use(await makeTempDir());
  return [project, join(temp.path, "tree")];
}

/** Files of 1 KB of text, a hundred to a directory; no two near each other are alike. */
async function writeSmallFiles(tree: string, count: number): Promise<void> {
  const line = (i: number): string => `export const value${i} = "${(i * 7919).toString(36)}";\n`;
  const text = new TextEncoder().encode(Array.from({ length: 20_000 }, (_, i) => line(i)).join(""));
  for (let i = 0; i < count; i++) {
    const directory = `${tree}/d${Math.floor(i / 100)}`;
    if (i % 100 === 0) await Deno.mkdir(directory, { recursive: true });
    const start = (i * 4099) % (text.length - 1024);
    Deno.writeFileSync(`${directory}/f${i}.js`, text.subarray(start, start + 1024));
  }
}

/** Copies one tree into an image: no tools, no mise. */
function copyArgs(tree: string): readonly string[] {
  return ["--from", "scratch", "--no-mise", "--copy", `${tree}:/data`];
}

function pipe(project: MiseProject, tree: string, [name, program]: [string, string]): Contender {
  const script = `tar -cf - -C ${tree} . | ${program} > "$OUT"`;
  return scriptContender(project, { name, script, output: join(project.root, "piped") });
}

const smallFiles: Scenario = {
  name: "small-files",
  title: "100,000 files of 1 KB",
  rounds: 2,
  open: async (stack) => {
    const [project, tree] = await openTree(stack);
    await writeSmallFiles(tree, 100_000);
    const common = { project, from: "scratch", before: clean };
    return [
      oursBuilding(common, copyArgs(tree)),
      nativeBuilding(common, [...copyArgs(tree), "--no-cache"]),
      pipe(project, tree, ["tar \\| pigz", "pigz"]),
      umoci(project, [tree]),
    ];
  },
};

/** The same build at several sizes: the time of each entry should not grow with their number. */
const perFile: Scenario = {
  name: "per-file",
  title: "200,000 files against 10 times the time of 20,000",
  rounds: 2,
  open: async (stack) => {
    const [project, tree] = await openTree(stack);
    await writeSmallFiles(tree, 200_000);
    const part = join(tree, "../part");
    await writeSmallFiles(part, 20_000);
    const common = { project, from: "scratch", before: clean };
    const large = oursBuilding(common, copyArgs(tree));
    const small = oursBuilding(common, copyArgs(part));
    const { name, prepare } = large;
    return [{ name, prepare, run: large.run }, {
      name: "10 × 20,000 files",
      prepare,
      run: async () => {
        const { wall, cpu, memory } = await small.run();
        return { wall: wall * 10, cpu: cpu * 10, memory };
      },
    }];
  },
};

/** A file of 4 GiB that compresses as programs do: the mise executable again and again. */
async function writeLargeFile(project: MiseProject, tree: string): Promise<void> {
  await Deno.mkdir(tree, { recursive: true });
  const script = 'while cat "$MISE"; do :; done | head -c 4294967296 > "$FILE"';
  const env = { ...project.env, MISE: project.mise, FILE: join(tree, "large") };
  await run(["bash", "-c", script], { env });
}

const largeFile: Scenario = {
  name: "large-file",
  title: "one file of 4 GiB",
  rounds: 1,
  warmUp: false,
  open: async (stack) => {
    const [project, tree] = await openTree(stack);
    await writeLargeFile(project, tree);
    return [
      oursBuilding({ project, from: "scratch", before: clean }, copyArgs(tree)),
      pipe(project, tree, ["tar \\| pigz", "pigz"]),
    ];
  },
};

const largeFileZstd: Scenario = {
  name: "large-file-zstd",
  title: "one file of 4 GiB, zstd",
  rounds: 1,
  warmUp: false,
  open: async (stack) => {
    const [project, tree] = await openTree(stack);
    await writeLargeFile(project, tree);
    const args = [...copyArgs(tree), "--compression", "zstd"];
    return [
      oursBuilding({ project, from: "scratch", before: clean }, args),
      pipe(project, tree, ["tar \\| zstd -T0", "zstd -q -T0 -3"]),
    ];
  },
};

/** A project of as many tools as asked for: each is prettier under another name, and what `fill` adds to it. */
async function openManyTools(
  stack: AsyncDisposableStack,
  count: number,
  fill: (tree: string, i: number) => Promise<void> = () => Promise.resolve(),
): Promise<MiseProject> {
  const project = stack.use(await createMiseProject({ tools: ["prettier"], ownData: true }));
  const names = Array.from({ length: count }, (_, i) => `bench-tool-${i + 1}`);
  const manifest: string[] = [];
  const { version } = TOOLS.prettier;
  for (const [i, name] of names.entries()) {
    const directory = join(project.data, "installs", `npm-${name}`);
    await Deno.mkdir(directory, { recursive: true });
    const target = join(directory, version);
    await run(["cp", "-a", "--reflink=auto", project.installPath("prettier"), target]);
    await fill(target, i);
    manifest.push(
      `[npm-${name}]\nshort = "npm:${name}"\nfull = "npm:${name}"\nexplicit_backend = true\n`,
    );
  }
  const text = manifest.join("\n");
  await Deno.writeTextFile(join(project.data, "installs/.mise-installs.toml"), text);
  const tools = names.map((name) => `"npm:${name}" = "${version}"\n`).join("");
  await Deno.writeTextFile(join(project.directory, "mise.toml"), `[tools]\n${tools}`);
  await project.runMise("trust", "--quiet");
  return project;
}

const manyTools: Scenario = {
  name: "50-tools",
  title: "50 tools of 8 MB, cold",
  rounds: 2,
  open: async (stack) => {
    const project = await openManyTools(stack, 50);
    return buildPrograms({ project, from: "scratch", before: clean });
  },
};

const manyToolsWarm: Scenario = {
  name: "50-tools-warm",
  title: "50 tools of 8 MB, warm",
  rounds: 3,
  open: async (stack) => {
    const project = await openManyTools(stack, 50);
    return buildPrograms({ project, from: "scratch" });
  },
};

/** Adds the small files of a project of 48 tools with 80,000 files to one of them. */
function addSmallFiles(tree: string): Promise<void> {
  return writeSmallFiles(join(tree, "more"), 1600);
}

/** Adds a program of 40 MB too, which makes 2 GB in all. */
async function addLarge(mise: string, tree: string, i: number): Promise<void> {
  await addSmallFiles(tree);
  const script = `tail -c +${i * 2_000_000 + 1} "$MISE" | head -c 40000000 > "$FILE"`;
  await run(["bash", "-c", script], {
    env: { ...Deno.env.toObject(), MISE: mise, FILE: join(tree, "program") },
  });
}

const largeWarm: Scenario = {
  name: "large-warm",
  title: "48 tools, 80,000 files of 2.3 GB, warm",
  rounds: 3,
  open: async (stack) => {
    const mise = await fetchMise();
    const project = await openManyTools(stack, 48, (tree, i) => addLarge(mise, tree, i));
    return buildPrograms({ project, from: "scratch" });
  },
};

/** The worst case for a program that looks at files, against one that reads them. */
const manyFilesWarm: Scenario = {
  name: "many-files-warm",
  title: "48 tools, 80,000 files of 0.5 GB, warm",
  rounds: 3,
  open: async (stack) => {
    const project = await openManyTools(stack, 48, addSmallFiles);
    return buildPrograms({ project, from: "scratch" });
  },
};

/** The scenarios of this file. */
export const SCALE_SCENARIOS: readonly Scenario[] = [
  smallFiles,
  perFile,
  largeFile,
  largeFileZstd,
  manyTools,
  manyToolsWarm,
  largeWarm,
  manyFilesWarm,
];
