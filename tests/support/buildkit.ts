/**
 * A BuildKit of one test's own: its daemon, storage and socket in a temporary directory.
 * @module
 */
import { join } from "@std/path";
import { exists, makeTempDir, program, removeTree, run, type RunResult, which } from "./testbed.ts";

/** What is built. */
export interface BuildkitBuild {
  /** Absolute directory with the Dockerfile and what it copies. */
  readonly directory: string;
  /** `linux/amd64`; several with commas between them. */
  readonly platform: string;
  /** Absolute path of the `oci-archive` that is made. */
  readonly output: string;
}

/** A daemon that runs until it is disposed of. */
export interface Buildkit extends AsyncDisposable {
  /** Builds a Dockerfile. @returns what BuildKit printed: a line for each step. */
  build(options: BuildkitBuild): Promise<string>;
}

/** The command that runs a daemon with its storage in a directory, which is empty at first. */
export function buildkitCommand(root: string, address: string): [string, ...string[]] {
  return [
    program("buildkitd"),
    ...["--root", root, "--addr", address, "--containerd-worker=false"],
    ...["--oci-worker=true", "--oci-worker-net=host"],
    ...["--oci-worker-binary", which("runc") ?? "runc"],
  ];
}

/** Starts it with an empty storage. Steps have this machine's network. */
export async function startBuildkit(): Promise<Buildkit> {
  const temp = await makeTempDir();
  const address = `unix://${join(temp.path, "socket")}`;
  const [buildkitd, ...args] = buildkitCommand(join(temp.path, "root"), address);
  const child = new Deno.Command(buildkitd, {
    args,
    env: { HOME: temp.path },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const buildctl = (...args: string[]): Promise<RunResult> =>
    run([program("buildctl"), "--addr", address, ...args], { allowFailure: true });
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    await child.status;
    await removeTree(temp.path);
  };
  for (let tries = 0; !await exists(join(temp.path, "socket")); tries++) {
    if (tries === 100) {
      await end();
      throw new Error("buildkitd does not listen");
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return {
    build: async ({ directory, platform, output }) => {
      const { code, stderr } = await buildctl(
        ...["build", "--progress", "plain", "--frontend", "dockerfile.v0"],
        ...["--local", `context=${directory}`, "--local", `dockerfile=${directory}`],
        ...["--opt", `platform=${platform}`, "--output"],
        // Compressing what apt installed takes minutes, and nobody moves it.
        `type=oci,compression=uncompressed,dest=${output}`,
      );
      if (code !== 0) throw new Error(`buildctl ended with ${code}:\n${stderr}`);
      return stderr;
    },
    [Symbol.asyncDispose]: end,
  };
}
