/**
 * Runs programs of a base image, and the maintainer scripts of packages, isolated from the host (fault U31).
 *
 * They run in their own mount, PID, IPC and UTS namespaces. The rootfs becomes their whole file system (it is
 * moved over `/`, not only `chroot`ed to, so that nothing above it is reachable). They get a small `/dev`, a
 * read-only `/proc`, empty `/tmp` and `/run`, only the given environment, and only the capabilities that are
 * needed to install files: none to mount, create devices, load modules, trace, or administer the network. All
 * mounts disappear with the namespace, even if the program is killed.
 *
 * It needs Linux, root (or a user namespace with root, as in `podman unshare`), and `unshare`, `setpriv`,
 * `mount` and `chroot`, which are part of util-linux and coreutils.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { collect, sendSignal, startProcess } from "../process/run.ts";
import type { Rootfs } from "../rootfs/rootfs.ts";

/** Capabilities that are kept. Without `setfcap` packages fall back to setuid, which layers can hold. */
const CAPABILITIES = [
  "chown",
  "dac_override",
  "fowner",
  "fsetid",
  "kill",
  "setgid",
  "setuid",
  "sys_chroot",
  "net_bind_service",
  "audit_write",
];

/**
 * The first line of output. From then on the kernel kills the shell together with `unshare`; if `unshare` is
 * killed before, the shell keeps running and cannot be found.
 */
const STARTED = "mise-oci: isolated";

/** Arguments: the rootfs, then the command. The rootfs has real directories where things are mounted. */
const SCRIPT = `
echo "${STARTED}"
root=$1; shift
setpriv=$(command -v setpriv) || { echo "setpriv: not found" >&2; exit 1; }
chroot=$(command -v chroot) || { echo "chroot: not found" >&2; exit 1; }
mount -n --bind "$root" "$root"
cd "$root"
mount -n -t tmpfs -o mode=755,nosuid,noexec tmpfs dev
for name in null zero full random urandom; do : >dev/$name; mount -n --bind /dev/$name dev/$name; done
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mkdir dev/shm
mount -n -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
mount -n -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
mount -n -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -n -t proc -o ro,nosuid,nodev,noexec proc proc
echo localhost >/proc/sys/kernel/hostname || true
umask 022
mount -n --move "$root" /
PATH=$ISOLATED_PATH
unset ISOLATED_PATH OLDPWD PWD
# Not exec: the shell stays the first process of its space, which takes what programs leave behind
# with it when it ends.
"$setpriv" --bounding-set="-all,${
  CAPABILITIES.map((name) => `+${name}`).join(",")
}" --inh-caps=-all "$chroot" . "$@" || exit $?
`;

/**
 * Makes the kernel kill the started command when the parent dies for any reason; if the parent is already
 * dead, the current parent id differs. Arguments: the parent's id, then the command.
 */
const WITH_PARENT = [
  "setpriv",
  "--pdeathsig=KILL",
  "/bin/sh",
  "-c",
  'test "$PPID" = "$1" || exit 1; shift; exec "$@"',
  "sh",
];

/** Directories that something is mounted on. */
const MOUNT_POINTS: readonly string[] = ["dev", "proc", "run", "tmp"];

/** What to run. */
export interface IsolatedCommand {
  /** Absolute path in the rootfs, and arguments. */
  readonly command: readonly [string, ...string[]];
  /** The whole environment, PATH among it. */
  readonly env: Readonly<Record<string, string>> & { readonly PATH: string };
  /** Where the host's own programs are found. */
  readonly hostPath: string;
  /** Whether it can reach the network. */
  readonly network: boolean;
  /** Kills the command, and everything that it started. */
  readonly signal?: AbortSignal;
  /** Called with every line of output. */
  readonly onLine?: (line: string) => void;
}

/** How it ended. */
export interface IsolatedResult {
  /** Exit code; 126 and 127 as a shell has them if it could not be started. */
  readonly code: number;
  /** The last lines of its output. */
  readonly tail: readonly string[];
}

const TAIL_LINES = 30;

/**
 * Makes sure that the mount points are real directories: `mount` would follow a link, to a place that the
 * image chose.
 *
 * @throws {MiseOciError} `packages` naming the one that is something else.
 */
export function prepareMountPoints(rootfs: Rootfs): void {
  for (const path of MOUNT_POINTS) {
    const info = rootfs.lstat(path);
    if (info === undefined) rootfs.makeDirectory(path);
    else if (!info.isDirectory) {
      throw new MiseOciError(
        "packages",
        `Cannot install packages: "/${path}" of the base image is not a directory`,
      );
    }
  }
}

/**
 * Runs a command in a rootfs whose mount points were prepared, without input, and waits for its end.
 *
 * @throws {MiseOciError} `packages` if `unshare` is missing, `permission` if it may not be run; the
 * signal's reason if it is aborted.
 */
export async function runIsolated(
  rootfs: Rootfs,
  { command, env, hostPath, network, signal, onLine }: IsolatedCommand,
): Promise<IsolatedResult> {
  signal?.throwIfAborted();
  const child = spawn(unshareArgs(rootfs, { command, network }), {
    ...env,
    PATH: hostPath,
    ISOLATED_PATH: env.PATH,
  });
  let started = false;
  const kill = (): void => sendSignal(child, "SIGKILL");
  const stop = (): void => {
    if (started) kill();
  };
  signal?.addEventListener("abort", stop);
  try {
    const tail: string[] = [];
    const take = (line: string): void => {
      if (!started && line === STARTED) {
        started = true;
        if (signal?.aborted) kill();
        return;
      }
      onLine?.(line);
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
    };
    const lines = { maxBytes: 0, beyond: "drop", onLine: take } as const;
    const [{ code }] = await Promise.all([
      child.status,
      collect(child.stdout, lines).bytes,
      collect(child.stderr, lines).bytes,
    ]);
    signal?.throwIfAborted();
    return { code, tail };
  } finally {
    signal?.removeEventListener("abort", stop);
    kill(); // what fails here must not leave it running
    await child.status;
    rootfs.forget();
  }
}

function unshareArgs(
  { directory }: Rootfs,
  { command, network }: Pick<IsolatedCommand, "command" | "network">,
): readonly string[] {
  const spaces = ["--mount", "--propagation", "private", "--pid", "--ipc", "--uts"];
  if (!network) spaces.push("--net");
  return [
    // Without namespaces, `unshare` only starts the command that follows.
    "--",
    ...WITH_PARENT,
    String(Deno.pid),
    "unshare",
    ...spaces,
    "--fork",
    "--kill-child",
    "--",
    "/bin/sh",
    "-euc",
    SCRIPT,
    "sh",
    directory,
    ...command,
  ];
}

function spawn(args: readonly string[], env: Readonly<Record<string, string>>): Deno.ChildProcess {
  return startProcess({
    command: ["unshare", ...args],
    env,
    clearEnv: true,
    cwd: "/",
    failure: 'Cannot install packages with "unshare"',
    explain: (cause) =>
      !(cause instanceof Deno.errors.NotFound) ? cause : new MiseOciError(
        "packages",
        'Cannot install packages: the program "unshare" is not on PATH',
        { hint: "Install util-linux", cause },
      ),
  }, { stdout: "piped", stderr: "piped" });
}
