/**
 * A podman of one test's own: storage, runtime state and configuration in a temporary directory.
 * @module
 */
import { join } from "@std/path";
import { makeTempDir, removeTree, run, type RunOptions, type RunResult, which } from "./command.ts";

/** A podman apart from the machine's. */
export interface Podman extends AsyncDisposable {
  /** Variables that make any `podman`, `buildah` or `skopeo` use it. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute directory for files; no capital letter or dot in it. */
  readonly root: string;
  /** Runs `podman ARGS`. */
  run(args: readonly string[], options?: Omit<RunOptions, "env">): Promise<RunResult>;
  /**
   * Runs a command in an image layout's image, without network.
   * @param layout directory, `DIR:TAG` for one of several images.
   */
  runLayout(layout: string, command: readonly string[]): Promise<RunResult>;
}

const containersConf = (root: string): string =>
  `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "${root}/libpod"
`;

/** Starts with an empty storage; when disposed of, removes containers, images, mounts and files. */
export async function startPodman(): Promise<Podman> {
  const temp = await makeTempDir();
  const root = temp.path;
  // podman's clean-up after a container refuses a longer one, and podman then waits 20 seconds for it.
  if (`${root}/r`.length > 50) {
    throw new Error(`Temporary directory "${root}" is too long for podman`);
  }
  await Deno.writeTextFile(join(root, "containers.conf"), containersConf(root));
  await Deno.writeTextFile(
    join(root, "storage.conf"),
    `[storage]\ndriver = "overlay"\ngraphroot = "${root}/storage"\nrunroot = "${root}/r"\n`,
  );
  await Deno.writeTextFile(
    join(root, "policy.json"),
    '{"default":[{"type":"insecureAcceptAnything"}]}',
  );
  await Deno.mkdir(join(root, "tmp"));
  const env = {
    PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`,
    HOME: root,
    CONTAINERS_CONF: join(root, "containers.conf"),
    CONTAINERS_STORAGE_CONF: join(root, "storage.conf"),
    XDG_RUNTIME_DIR: join(root, "run"),
    TMPDIR: join(root, "tmp"),
  };
  await Deno.mkdir(env.XDG_RUNTIME_DIR, { mode: 0o700 });
  const podman = which("podman") ?? "podman";
  const runPodman: Podman["run"] = (args, options = {}) =>
    run([podman, ...args], { ...options, env });
  return {
    env,
    root,
    run: runPodman,
    runLayout: (layout, command) => runLayout(runPodman, layout, command),
    [Symbol.asyncDispose]: async () => {
      await runPodman(["rm", "--all", "--force"], { allowFailure: true });
      await removeTree(root);
    },
  };
}

async function runLayout(
  podman: Podman["run"],
  layout: string,
  command: readonly string[],
): Promise<RunResult> {
  const pulled = await podman(["pull", "--quiet", `oci:${layout}`]);
  const image = pulled.stdout.trim().split("\n").at(-1) ?? "";
  return await podman(["run", "--rm", "--network", "none", image, ...command], {
    allowFailure: true,
  });
}
