/**
 * Starts every program of the corpus in a base, and judges the same without starting it.
 * @module
 */
import { join } from "@std/path";
import { type LayerPlan } from "../../../src/plan/types.ts";
import { scanLayer } from "../../../src/layer/mod.ts";
import { parseDiffId } from "../../../src/oci/mod.ts";
import { checkCommands, describeCause, readTreeFacts } from "../../../src/check/mod.ts";
import { ARM64_HANDLER } from "../testbed/base.ts";
import { exists, makeTempDir, run } from "../testbed/command.ts";
import { type BaseName, makeBases } from "./bases.ts";
import { makeCorpus, makeLauncher } from "./corpus.ts";
import type { Architecture } from "./npm_programs.ts";

/** Whether the kernel of this machine starts arm64 programs through qemu, as few others do. */
const EMULATES_ARM = await exists(ARM64_HANDLER);

/** The image's PATH: the corpus first. */
const PATH = "/corpus/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const AT_ONCE = navigator.hardwareConcurrency * 2;

/** What was said of a program and what happened. */
export interface Trial {
  /** The program. */
  readonly program: string;
  /** The image's architecture. */
  readonly architecture: Architecture;
  /** The base. */
  readonly base: BaseName;
  /** Why it would not start, as the preflight says; `undefined` for a program called good. */
  readonly verdict?: string;
  /** Why it did not start; `undefined` if it did. */
  readonly failure?: string;
}

function tree(hostPath: string, imagePath: string): LayerPlan {
  return {
    kind: "packages",
    name: imagePath,
    owner: { uid: 0, gid: 0 },
    sources: [{ type: "tree", hostPath, imagePath }],
    relocations: [],
    exclude: ["dev/*", "proc/*", "sys/*", "var/cache/**"],
    policies: { keepsAttributes: true },
    createdBy: "test",
    annotations: {},
  };
}

/** What the preflight says of each program that does not start. */
async function judge(
  base: BaseName,
  architecture: Architecture,
): Promise<ReadonlyMap<string, string>> {
  const root = join(await makeBases(architecture), base);
  const diffId = parseDiffId(`sha256:${"0".repeat(64)}`);
  const layers = [];
  for (const plan of [tree(root, "/"), tree(await makeCorpus(architecture), "/corpus")]) {
    const scanned = await scanLayer(plan, { baseDirectories: { has: () => false } });
    layers.push({ diffId, facts: readTreeFacts(scanned), label: {} });
  }
  const { problems } = checkCommands({ layers, architecture, env: [`PATH=${PATH}`] });
  return new Map(
    problems.flatMap(({ cause, commands, dependents }) =>
      [...commands, ...dependents].map((name) => [name, describeCause(cause)] as const)
    ),
  );
}

/** Runs every program, some at once; one `.out` and one `.code` file for each. */
const SCRIPT = `
mount --bind "$1" "$1" && mount --bind "$2" "$1/corpus" && mount -t proc proc "$1/proc" || exit 1
mount -o remount,ro,bind "$1" && mount -o remount,ro,bind "$1/corpus" || exit 1
cd "$2/bin" || exit 1
printf '%s\\n' * | xargs -P ${AT_ONCE} -I @ sh -c '
  timeout -k 1 60 "$3" "$1" "PATH=${PATH}" "/corpus/bin/$4" --version >"$2/$4.out" 2>&1 </dev/null
  echo $? >"$2/$4.code"' sh "$1" "$3" "$4" @
`;

/** What kernel, loaders and env say when something does not start. */
const MESSAGES = [
  /execve: .*/,
  /error while loading shared libraries: .*/,
  /version [`'"][^'"]*' not found .*/,
  /Error loading shared library .*/,
  /Error relocating .*/,
  /^aarch64-binfmt-P: .*/m,
  /^qemu(?:-aarch64\S*)?: .*/m,
  /^(?:\/\S+\/)?env: .*(?:No such file|can't execute|not found|Permission|unrecognized|invalid).*/m,
];

function maybeFailure(code: number, output: string): string | undefined {
  if (code === 0) return undefined;
  const found = MESSAGES.map((pattern) => pattern.exec(output)?.[0]).find((text) =>
    text !== undefined
  );
  if (found !== undefined) return found;
  return code === 126 || code === 127 ? `exit code ${code}: ${output.slice(0, 200)}` : undefined;
}

/** Tries the whole corpus of an architecture in a base. */
export async function tryBase(
  base: BaseName,
  architecture: Architecture = "amd64",
): Promise<readonly Trial[]> {
  const root = join(await makeBases(architecture), base);
  const corpus = await makeCorpus(architecture);
  const launch = await makeLauncher();
  await using out = await makeTempDir();
  const shell = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", SCRIPT, "sh"] as const;
  await run([...shell, root, corpus, out.path, launch]);
  const verdicts = await judge(base, architecture);
  const programs = Array.from(Deno.readDirSync(join(corpus, "bin")), ({ name }) => name)
    .filter((name) => !(EMULATES_ARM && name.endsWith("-arm64"))).sort();
  return programs.map((program) => {
    const output = Deno.readTextFileSync(join(out.path, `${program}.out`));
    const code = Number(Deno.readTextFileSync(join(out.path, `${program}.code`)));
    const verdict = verdicts.get(program);
    const failure = maybeFailure(code, output);
    return {
      program,
      architecture,
      base,
      ...(verdict === undefined ? {} : { verdict }),
      ...(failure === undefined ? {} : { failure }),
    };
  });
}
