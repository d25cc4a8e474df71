/**
 * Installs that outlive the run that began them: `mise install` of a run that was killed goes on, and what mise
 * says of a tool that is half there is wrong (it calls a directory without its mark of completion installed).
 * So an install holds a lock that its processes inherit, and questions wait for it.
 * @module
 */
import { dirname } from "@std/path";
import { runProcess } from "../process/run.ts";
import { callMise, type MiseAnswer, type MiseCall } from "./command.ts";

/** Locks between processes. */
export interface InstallLocks {
  /** Absolute path of the lock file of this machine's own installs. */
  readonly host: string;
  /**
   * Waits until nobody holds the lock in a way that excludes this one. A lock file that does not exist is held
   * by nobody, and is not made for a shared one.
   */
  take(path: string, kind: "shared" | "exclusive"): Promise<AsyncDisposable>;
}

const FLOCK = "/usr/bin/flock";

/** Whether there is util-linux's `flock`, which becomes the program that it starts, and may be run. */
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
 * Runs `mise install` while its lock is held. Where there is no `flock` this process holds it, and an install
 * that outlives it holds none.
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
