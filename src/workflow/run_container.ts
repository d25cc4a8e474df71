/**
 * Runs a container with this process's own terminal and streams, and ends it when this process is asked
 * to end.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { ContainerOptions, Engine } from "../engine/mod.ts";
import { CONTAINER_PREFIX, RUN_LABEL } from "./run_lease.ts";

/** What the container may take to end by itself once it got the signal; then it is removed. */
const GRACE_MS = 1000;

/** Signals by the exit code that stands for them (128 + number). */
const SIGNALS: ReadonlyMap<number, Deno.Signal> = new Map([
  [129, "SIGHUP"],
  [130, "SIGINT"],
  [143, "SIGTERM"],
]);

/** The signal that an interruption is about. */
function signalOf(reason: unknown): Deno.Signal {
  const code = typeof reason === "object" && reason !== null && "exitCode" in reason
    ? Number(reason.exitCode)
    : NaN;
  return SIGNALS.get(code) ?? "SIGTERM";
}

function sendTo(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended
  }
}

/** Removes what is left of the container. A name that a user chose may be that of another container. */
async function removeContainer(
  engine: Engine,
  { name, labels }: Pick<ContainerOptions, "name" | "labels">,
): Promise<void> {
  const run = labels[RUN_LABEL] ?? "";
  if (name === `${CONTAINER_PREFIX}${run}`) return await engine.removeContainer(name);
  for (const { id } of await engine.listContainers(RUN_LABEL, run)) {
    await engine.removeContainer(id);
  }
}

/**
 * Passes a signal on to the engine's client, which passes it to the container, and removes what is left
 * of the container a little later: the first process of a container ignores signals that it has no handler for.
 */
async function endContainer(
  engine: Engine,
  child: Deno.ChildProcess,
  options: Pick<ContainerOptions, "name" | "labels"> & { readonly reason: unknown },
): Promise<void> {
  const name = signalOf(options.reason);
  // Ctrl-C on a terminal went to the engine's client as well: twice would be once too often.
  if (name !== "SIGINT" || !Deno.stdin.isTerminal()) sendTo(child, name);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, GRACE_MS);
  });
  await Promise.race([child.status, late]);
  clearTimeout(timer);
  // Also when the client has ended: a signal may end it and leave the container running.
  await removeContainer(engine, options);
}

/**
 * Runs a container to its end.
 *
 * @returns its exit code (128 + number for a signal).
 * @throws {MiseOciError} `engine` if the engine cannot be started; the signal's reason if that is aborted,
 * once the container is gone.
 */
export async function runContainer(
  engine: Engine,
  options: ContainerOptions,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const [program = "", ...args] = engine.runCommand(options);
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
  } catch (cause) {
    throw new MiseOciError("engine", `Cannot start "${program}"`, { cause });
  }
  let ending: Promise<void> | undefined;
  const end = (): void => {
    ending = endContainer(engine, child, { ...options, reason: signal.reason });
  };
  signal.addEventListener("abort", end, { once: true });
  try {
    const { code } = await child.status;
    await ending;
    signal.throwIfAborted();
    return code;
  } finally {
    signal.removeEventListener("abort", end);
  }
}
