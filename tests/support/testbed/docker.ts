/**
 * A Docker daemon of one test's own.
 * @module
 */
import { join } from "@std/path";
import { makeTempDir, removeTree, run, type RunOptions, type RunResult, which } from "./command.ts";

/** A Docker daemon apart from the machine's. */
export interface Dockerd extends AsyncDisposable {
  /** Variables that make any `docker` use it. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs `docker ARGS`. */
  run(args: readonly string[], options?: Omit<RunOptions, "env">): Promise<RunResult>;
}

/** How long the daemon may take until it answers, in milliseconds. */
const START_TIMEOUT = 30_000;

async function isUp(docker: Dockerd["run"], daemon: Deno.ChildProcess): Promise<void> {
  let ended = false;
  daemon.status.then(() => ended = true);
  const deadline = Date.now() + START_TIMEOUT;
  while (!ended && Date.now() < deadline) {
    // dockerd tells nobody when it is ready: ask it.
    if ((await docker(["version"], { allowFailure: true })).code === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(ended ? "dockerd ended at once" : "dockerd does not answer");
}

/** Starts a daemon with an empty storage and no network; stopped and removed when disposed of. */
export async function startDockerd(): Promise<Dockerd> {
  const temp = await makeTempDir();
  const root = temp.path;
  const host = `unix://${root}/docker.sock`;
  const env = {
    PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`,
    HOME: root,
    DOCKER_HOST: host,
    DOCKER_CONFIG: join(root, "config"),
  };
  const log = join(root, "dockerd.log");
  const daemon = new Deno.Command("sh", {
    args: [
      "-c",
      'exec "$0" "$@" >"$LOG" 2>&1',
      which("dockerd") ?? "dockerd",
      ...["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=overlay2"],
      ...["--data-root", join(root, "data"), "--exec-root", join(root, "exec")],
      ...["--pidfile", join(root, "docker.pid"), "-H", host],
    ],
    env: { ...env, LOG: log },
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const docker: Dockerd["run"] = (args, options = {}) =>
    run(["docker", ...args], { ...options, env });
  const stop = async (): Promise<void> => {
    try {
      daemon.kill("SIGTERM");
    } catch {
      // It ended by itself.
    }
    await daemon.status;
    await removeTree(root);
  };
  try {
    await isUp(docker, daemon);
  } catch (error) {
    const text = await Deno.readTextFile(log).catch(() => "");
    await stop();
    throw new Error(`Cannot start dockerd:\n${text.slice(-2000)}`, { cause: error });
  }
  return { env, run: docker, [Symbol.asyncDispose]: stop };
}
