/**
 * A lock for `mise install`, which continues if the run that started it is killed. Meanwhile mise
 * takes a directory without its mark of completion for an installed tool. So an install holds a
 * lock that its processes inherit, and queries wait for it.
 * @module
 */
import { dirname } from "@std/path";
import { runProcess } from "../process/run.ts";
import { callMise, type MiseAnswer, type MiseCall } from "./command.ts";

/** Locks between processes. */
export interface InstallLocks {
  /** Absolute path of the lock file for installs of the host platform. */
  readonly host: string;
  /**
   * Waits for the lock. A lock file that does not exist is not locked, and a shared lock does not
   * create it.
   */
  take(path: string, kind: "shared" | "exclusive"): Promise<AsyncDisposable>;
}

const FLOCK = "/usr/bin/flock";

/**
 * Whether util-linux's `flock`, which executes a program while holding a lock, exists and may be
 * run.
 */
async function hasFlock(): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  const { state } = await Deno.permissions.query({ name: "run", command: FLOCK });
  if (state !== "granted") return false;
  try {
    const { stdout } = await runProcess({
      command: [FLOCK, "--version"],
      failure: `Cannot run ${FLOCK}`,
      explain: (cause) => cause,
      stdout: { maxBytes: 4096, beyond: "drop" },
    });
    return new TextDecoder().decode(stdout).includes("util-linux");
  } catch {
    return false;
  }
}

/**
 * Runs `mise install` while holding its lock. Without `flock`, this process holds the lock, so an
 * install that outlives it is not protected.
 */
export async function runInstall(
  call: MiseCall,
  { path, locks }: { readonly path: string; readonly locks: InstallLocks | undefined },
): Promise<MiseAnswer> {
  if (locks === undefined) return await callMise(call);
  if (!await hasFlock()) {
    await using _lock = await locks.take(path, "exclusive");
    return await callMise(call);
  }
  await Deno.mkdir(dirname(path), { recursive: true });
  return await callMise({ ...call, starter: [FLOCK, "--no-fork", path] });
}
