/**
 * `deno task testbed`: prepares every real part the tests use, each once. What cannot be had here is
 * printed and noted, so that the tests that need it are skipped with the reason.
 * @module
 */
import {
  buildArm64Base,
  buildBase,
  copyBase,
  DEBIAN_PARTS,
  enableArm64,
  fetchMise,
  installTools,
  makeTempDir,
  MISSING_PARTS_FILE,
  type Part,
  startDockerd,
  startPodman,
  TESTBED,
  whyMissing,
} from "../tests/support/testbed.ts";
import { installDebianPackages } from "../tests/support/testbed/debian.ts";

const missing: Partial<Record<Part, string>> = {};

function log(line: string): void {
  // deno-lint-ignore no-console
  console.error(`testbed: ${line}`);
}

/** Runs one step; if it fails, notes the first line of the reason for the parts it was to provide. */
async function provide(parts: readonly Part[], step: () => Promise<unknown>): Promise<void> {
  const blocked = parts.map((part) => missing[part]).find((reason) => reason !== undefined);
  const start = performance.now();
  try {
    if (blocked !== undefined) throw new Error(blocked);
    await step();
    log(`${parts.join(", ")}: ready (${Math.round(performance.now() - start)} ms)`);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const reason = text.replaceAll(/\s+/g, " ").slice(0, 200);
    for (const part of parts) missing[part] = reason;
    log(`${parts.join(", ")}: missing: ${reason}`);
  }
}

/** An engine that is installed may still be unable to run here, in a container without privileges. */
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

await Deno.mkdir(TESTBED, { recursive: true });
await Deno.remove(MISSING_PARTS_FILE).catch(() => {});
Object.assign(missing, await installDebianPackages(log));
const absent = (Object.keys(DEBIAN_PARTS) as Part[]).filter((part) => missing[part] !== undefined);
log(absent.length === 0 ? "programs: ready" : `programs: missing ${absent.join(", ")}`);
await provide(["mise"], async () => {
  if (Deno.build.os !== "linux") throw new Error("not Linux");
  await fetchMise();
  await installTools();
});
await provide(["base"], async () => {
  const reason = whyMissing("root") ?? whyMissing("mmdebstrap");
  if (reason !== undefined) throw new Error(reason);
  await buildBase();
});
await provide(["arm64"], async () => {
  if (Deno.build.arch !== "x86_64") throw new Error("this machine is not amd64");
  const parts = [
    "root",
    "mmdebstrap",
    "arch-test",
    "qemu-aarch64-static",
    "update-binfmts",
  ] as const;
  const reason = parts.map(whyMissing).find((one) => one !== undefined);
  if (reason !== undefined) throw new Error(reason);
  await enableArm64();
  await buildArm64Base();
});
if (missing.podman === undefined) await provide(["podman"], tryPodman);
if (missing.dockerd === undefined) await provide(["dockerd"], tryDockerd);
await Deno.writeTextFile(MISSING_PARTS_FILE, `${JSON.stringify(missing, undefined, 2)}\n`);
