/**
 * Starting programs in tests.
 * @module
 */
import { join } from "@std/path";
import { IS_ROOT } from "./paths.ts";

/** Options of {@linkcode run}. */
export interface RunOptions {
  /** The whole environment. Default: the test's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory. Default: the test's own. */
  readonly cwd?: string;
  /** What the program reads from stdin. Default: nothing. */
  readonly stdin?: string | Uint8Array<ArrayBuffer>;
  /** Whether an exit code other than 0 is returned instead of thrown. Default: no. */
  readonly allowFailure?: boolean;
  /** Kills the program when aborted. */
  readonly signal?: AbortSignal;
}

/** How a program ended. */
export interface RunResult {
  /** Exit code; 128 + signal number if a signal ended it. */
  readonly code: number;
  /** What it wrote to stdout. */
  readonly stdout: string;
  /** What it wrote to stderr. */
  readonly stderr: string;
}

/**
 * Runs a program to its end.
 *
 * @throws {Error} naming the command and its output if it fails and `allowFailure` is not set.
 */
export async function run(
  command: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<RunResult> {
  const { env, cwd, stdin, allowFailure = false, signal } = options;
  const [program, ...args] = command;
  const child = new Deno.Command(program, {
    args,
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...(env === undefined ? {} : { env, clearEnv: true }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal === undefined ? {} : { signal }),
  }).spawn();
  const [output] = await Promise.all([
    child.output(),
    stdin === undefined ? undefined : feed(child, stdin),
  ]);
  const decoder = new TextDecoder();
  const result: RunResult = {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
  if (result.code !== 0 && !allowFailure) {
    throw new Error(
      `"${command.join(" ")}" ended with ${result.code}:\n${result.stderr}${result.stdout}`,
    );
  }
  return result;
}

async function feed(child: Deno.ChildProcess, input: string | Uint8Array): Promise<void> {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch (error) {
    // A program may end without reading its input; its exit code says what that means.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Absolute path of a program on PATH or in the system directories, or `undefined`. */
export function which(program: string): string | undefined {
  const path = `${Deno.env.get("PATH") ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
  for (const directory of path.split(":")) {
    if (directory === "") continue;
    const candidate = join(directory, program);
    try {
      const info = Deno.statSync(candidate);
      if (info.isFile && ((info.mode ?? 0) & 0o111) !== 0) return candidate;
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}

/** Whether a path exists. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Unmounts what an engine left mounted below a directory. */
async function unmountBelow(directory: string): Promise<void> {
  const mounts = (await Deno.readTextFile("/proc/self/mounts")).split("\n")
    .map((line) => line.split(" ")[1] ?? "").filter((path) => path.startsWith(`${directory}/`));
  for (const path of mounts.sort().reverse()) {
    await run(["umount", "--lazy", path], { allowFailure: true });
  }
}

/**
 * Removes a tree, also one with mounts in it or with directories that their owner cannot write; never
 * fails if it is not there.
 */
export async function removeTree(path: string): Promise<void> {
  if (IS_ROOT) await unmountBelow(path);
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    await run(["chmod", "-R", "u+rwX", "--", path], { allowFailure: true });
    await run(["rm", "-rf", "--", path]);
  }
}

/** A directory that is removed when it goes out of scope (`await using`). */
export interface TempDir extends AsyncDisposable {
  /** Absolute path; no capital letter and no dot, which podman's `oci:` transport refuses. */
  readonly path: string;
}

/** Makes a temporary directory. */
export async function makeTempDir(): Promise<TempDir> {
  const parent = Deno.env.get("TMPDIR") ?? "/tmp";
  const path = join(parent, `mise-oci-test-${crypto.randomUUID().slice(-12)}`);
  await Deno.mkdir(path, { mode: 0o755 });
  return { path, [Symbol.asyncDispose]: () => removeTree(path) };
}
