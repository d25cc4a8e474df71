/**
 * `deno task testbed`: prepares every real part the tests use, each once. What this machine cannot have by
 * its nature is printed and noted, so that the tests that need it are skipped with the reason; a part whose
 * set-up fails is a failure. `--programs [NAME…]` builds the programs from Go modules instead, all of them or
 * those that are named; `--programs=fast` those that the gate uses.
 * @module
 */
import {
  buildArm64Base,
  buildBase,
  buildProgram,
  copyBase,
  DEBIAN_PARTS,
  enableArm64,
  exists,
  fetchMise,
  hasNpm,
  installTools,
  isProgram,
  makeTempDir,
  MISSING_PARTS_FILE,
  type Part,
  type ProgramName,
  PROGRAMS,
  startDockerd,
  startPodman,
  TESTBED,
  which,
} from "../tests/support/testbed.ts";
import { installDebianPackages } from "../tests/support/testbed/debian.ts";
import { withLock } from "../tests/support/testbed/kept.ts";
import { whyNoMirror, whyNoMounts, whyNoNpmRegistry } from "../tests/support/testbed/nature.ts";
import { messageOf, provide, type Step } from "./gate/set_up.ts";

const missing: Partial<Record<Part, string>> = {};
const failed: string[] = [];

function log(line: string): void {
  // deno-lint-ignore no-console
  console.error(`testbed: ${line}`);
}

/** Runs one step and says how it went. */
async function provideStep(step: Step): Promise<void> {
  const start = performance.now();
  const { outcome, reason } = await provide(step, missing);
  if (outcome === "failed") failed.push(step.part);
  const time = `${Math.round(performance.now() - start)} ms`;
  log(`${step.part}: ${outcome === "failed" ? "FAILED" : outcome} (${reason ?? time})`);
}

/** Fails if podman, although installed, cannot run a container. */
async function tryPodman(): Promise<void> {
  await using podman = await startPodman();
  await using temp = await makeTempDir();
  await copyBase(`${temp.path}/base`);
  const result = await podman.runLayout(`${temp.path}/base`, ["true"]);
  if (result.code !== 0) throw new Error(`podman cannot run a container: ${result.stderr}`);
}

async function tryDockerd(): Promise<void> {
  await using docker = await startDockerd();
  await docker.run(["info"]);
}

async function whyNoBinfmt(): Promise<string | undefined> {
  const filesystems = await Deno.readTextFile("/proc/filesystems");
  const has = /\bbinfmt_misc$/m.test(filesystems) ||
    await exists("/proc/sys/fs/binfmt_misc/status");
  return has ? undefined : "the kernel has no binfmt_misc";
}

const STEPS: readonly Step[] = [
  {
    part: "mise",
    needs: ["linux"],
    unavailable: () => hasNpm() ? undefined : "npm is not installed",
    prepare: async () => {
      await fetchMise();
      await installTools();
    },
    excuse: whyNoNpmRegistry,
  },
  { part: "base", needs: ["root", "mmdebstrap"], prepare: buildBase, excuse: whyNoMirror },
  {
    part: "arm64",
    needs: ["root", "mmdebstrap", "arch-test", "qemu-aarch64-static", "update-binfmts"],
    unavailable: async () =>
      Deno.build.arch === "x86_64"
        ? await whyNoMounts() ?? await whyNoBinfmt()
        : "this machine is not amd64",
    prepare: async () => {
      await enableArm64();
      await buildArm64Base();
    },
    excuse: whyNoMirror,
  },
  { part: "podman", needs: ["root", "base"], unavailable: whyNoMounts, prepare: tryPodman },
  { part: "dockerd", needs: ["root"], unavailable: whyNoMounts, prepare: tryDockerd },
];

async function prepareParts(): Promise<void> {
  try {
    Object.assign(missing, await installDebianPackages(log));
  } catch (error) {
    failed.push("programs");
    log(`programs: FAILED: ${messageOf(error)}`);
  }
  const parts = Object.keys(DEBIAN_PARTS) as Part[];
  const absent = parts.filter((part) => missing[part] !== undefined);
  log(absent.length === 0 ? "programs: ready" : `programs: skipped: ${absent.join(", ")}`);
  for (const step of STEPS) await provideStep(step);
  const temporary = `${MISSING_PARTS_FILE}.partial`;
  await Deno.writeTextFile(temporary, `${JSON.stringify(missing, undefined, 2)}\n`);
  await Deno.rename(temporary, MISSING_PARTS_FILE);
}

async function buildPrograms(names: readonly ProgramName[]): Promise<void> {
  if (which("go") === undefined) return log(`${names.join(", ")}: skipped: go is not installed`);
  for (const name of names) {
    try {
      await buildProgram(name);
      log(`${name}: ready`);
    } catch (error) {
      failed.push(name);
      log(`${name}: FAILED: ${messageOf(error)}`);
    }
  }
}

function programsOf(args: readonly string[]): readonly ProgramName[] {
  const all = Object.keys(PROGRAMS).filter(isProgram);
  if (args[0] === "--programs=fast") return all.filter((name) => "cheap" in PROGRAMS[name]);
  const unknown = args.slice(1).find((name) => !isProgram(name));
  if (unknown !== undefined) throw new RangeError(`No program "${unknown}": ${all.join(", ")}`);
  return args.length === 1 ? all : args.slice(1).filter(isProgram);
}

if (Deno.args[0]?.startsWith("--programs")) await buildPrograms(programsOf(Deno.args));
else await withLock("prepare", prepareParts);
if (failed.length > 0) log(`not ready: ${failed.join(", ")} (kept in ${TESTBED})`);
Deno.exit(failed.length > 0 ? 1 : 0);
