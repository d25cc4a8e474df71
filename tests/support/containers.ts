/**
 * What tests of `run` and `load` share: an engine, a small image, and the program on both.
 * @module
 */
import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { dirname, join } from "@std/path";
import { programCommand } from "./cli.ts";
import { makeTempDir, OCI_ARCH, run, startDockerd, startPodman } from "./testbed.ts";

/** A real engine of one test's own, and a directory for its files. */
export interface TestEngine extends AsyncDisposable {
  /** Which one. */
  readonly name: "podman" | "docker";
  /** The whole environment to run programs in. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute directory; removed with the engine. */
  readonly root: string;
  /** Runs the engine's own program and gives its stdout. */
  ask(...args: readonly string[]): Promise<string>;
  /** The command line of `mise-oci run` with this engine. */
  runCommand(args: readonly string[]): [string, ...string[]];
  /** Fails if the engine has a container or an image. */
  assertEmpty(message?: string): Promise<void>;
}

/** Starts an engine with an empty storage. */
export async function startEngine(name: "podman" | "docker"): Promise<TestEngine> {
  const temp = await makeTempDir();
  const engine = await (name === "podman" ? startPodman() : startDockerd());
  const home = Deno.env.get("HOME") ?? "/root";
  const env = {
    ...engine.env,
    PATH: `${dirname(Deno.execPath())}:${engine.env.PATH}`,
    HOME: temp.path,
    LANG: "C.UTF-8",
    TERM: "xterm",
    MISE_OCI_CACHE_DIR: join(temp.path, "cache"),
    DENO_DIR: Deno.env.get("DENO_DIR") ??
      join(Deno.env.get("XDG_CACHE_HOME") ?? join(home, ".cache"), "deno"),
  };
  const ask = async (...args: readonly string[]): Promise<string> =>
    (await engine.run(args)).stdout.trim();
  return {
    name,
    env,
    root: temp.path,
    ask,
    runCommand: (args) => programCommand(["run", "--engine", name, ...args]),
    assertEmpty: async (message) => {
      assertEquals(await ask("ps", "--all", "--quiet"), "", message);
      assertEquals(await ask("images", "--all", "--quiet"), "", message);
    },
    [Symbol.asyncDispose]: async () => {
      await engine[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

/** How a program ended, its output as bytes. */
export interface ProgramEnd {
  /** Exit code. */
  readonly code: number;
  /** What it wrote to stdout. */
  readonly stdout: Uint8Array<ArrayBuffer>;
  /** The same as text. */
  readonly text: string;
  /** What it wrote to stderr. */
  readonly stderr: string;
}

/** A program that runs, to be talked to. */
export interface RunningProgram {
  /** The process. */
  readonly child: Deno.ChildProcess;
  /** Resolves when its stdout or stderr has had the text; rejects if it ends before. */
  seen(text: string): Promise<void>;
  /** How it ended. */
  readonly end: Promise<ProgramEnd>;
}

/** What a program wrote so far, and who waits for some of it. */
class Output {
  readonly stdout: Uint8Array<ArrayBuffer>[] = [];
  stderr = "";
  readonly #waiting = new Set<() => void>();

  /** Reads a stream to its end. */
  async read(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    put: (chunk: Uint8Array<ArrayBuffer>) => void,
  ): Promise<void> {
    for await (const chunk of stream) {
      put(chunk);
      for (const check of [...this.#waiting]) check();
    }
  }

  text(): string {
    return new TextDecoder().decode(joinBytes(this.stdout));
  }

  /** Resolves when the text was written; rejects if the program ends without. */
  seen(wanted: string, end: Promise<ProgramEnd>): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!this.text().includes(wanted) && !this.stderr.includes(wanted)) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
      end.then(({ code, stderr }) => {
        if (!this.#waiting.delete(check)) return;
        reject(new Error(`ended with ${code} before "${wanted}": ${stderr}`));
      });
    });
  }
}

/** Starts a program whose output is collected. @param stdin its whole input; default none. */
export function startProgram(
  command: readonly [string, ...string[]],
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly cwd?: string;
    readonly stdin?: Uint8Array<ArrayBuffer>;
  },
): RunningProgram {
  const [program, ...args] = command;
  const { env, cwd = "/", stdin } = options;
  const child = new Deno.Command(program, {
    args,
    env,
    cwd,
    clearEnv: true,
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = new Output();
  const end = (async (): Promise<ProgramEnd> => {
    const decoder = new TextDecoder();
    const [{ code }] = await Promise.all([
      child.status,
      output.read(child.stdout, (chunk) => output.stdout.push(chunk)),
      output.read(
        child.stderr,
        (chunk) => output.stderr += decoder.decode(chunk, { stream: true }),
      ),
      stdin === undefined ? undefined : feed(child, stdin),
    ]);
    const { stderr } = output;
    return { code, stdout: joinBytes(output.stdout), text: output.text(), stderr };
  })();
  return { child, end, seen: (wanted) => output.seen(wanted, end) };
}

async function feed(child: Deno.ChildProcess, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const writer = child.stdin.getWriter();
  await writer.write(bytes).then(() => writer.close()).catch((error: unknown) => {
    // A program may end without reading its input.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  });
}

function joinBytes(chunks: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

const PROGRAMS = ["sh", "cat", "sleep", "stty", "ls"];
const OCI = "application/vnd.oci.image";

async function copyPrograms(root: string): Promise<void> {
  await Deno.mkdir(join(root, "tmp"), { recursive: true });
  for (const program of PROGRAMS) {
    const path = `/bin/${program}`;
    const { stdout } = await run(["ldd", path]);
    const libraries = [...stdout.matchAll(/(?:=> |^\s+)(\/\S+)/gm)].map((match) => match[1] ?? "");
    for (const file of [path, ...libraries]) {
      await Deno.mkdir(dirname(join(root, file)), { recursive: true });
      await Deno.copyFile(await Deno.realPath(file), join(root, file));
    }
  }
}

async function addBlob(
  layout: string,
  bytes: Uint8Array,
): Promise<{ digest: string; size: number }> {
  const hex = createHash("sha256").update(bytes).digest("hex");
  await Deno.writeFile(join(layout, "blobs/sha256", hex), bytes);
  return { digest: `sha256:${hex}`, size: bytes.length };
}

/** Options of {@linkcode makeSmallImage}. */
export interface SmallImageOptions {
  /** Name in the index. */
  readonly tag?: string;
  /** Its command; default one that prints `default`. */
  readonly cmd?: readonly string[];
  /** One more layer each, on top of the first: the content of `/marks/N`. */
  readonly marks?: readonly string[];
}

/** Writes a layout with a shell of this machine and little else: 5 MB, a second to load. */
export async function makeSmallImage(
  layout: string,
  options: SmallImageOptions = {},
): Promise<void> {
  const { tag, marks = [], cmd = ["sh", "-c", "echo default"] } = options;
  await using temp = await makeTempDir();
  await Deno.mkdir(join(layout, "blobs/sha256"), { recursive: true });
  await copyPrograms(join(temp.path, "0"));
  for (const [i, mark] of marks.entries()) {
    await Deno.mkdir(join(temp.path, `${i + 1}/marks`), { recursive: true });
    await Deno.writeTextFile(join(temp.path, `${i + 1}/marks/${i}`), mark);
  }
  const layers = [];
  for (let i = 0; i <= marks.length; i++) {
    const archive = join(temp.path, `${i}.tar`);
    const flags = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    await run(["tar", ...flags, "-C", join(temp.path, String(i)), "-cf", archive, "."]);
    layers.push(await addBlob(layout, await Deno.readFile(archive)));
  }
  const json = (value: unknown): Promise<{ digest: string; size: number }> =>
    addBlob(layout, new TextEncoder().encode(JSON.stringify(value)));
  const config = await json({
    os: "linux",
    architecture: OCI_ARCH,
    config: { Env: ["PATH=/bin"], Cmd: cmd },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  });
  const manifest = await json({
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: { mediaType: `${OCI}.config.v1+json`, ...config },
    layers: layers.map((layer) => ({ mediaType: `${OCI}.layer.v1.tar`, ...layer })),
  });
  const entry = { mediaType: `${OCI}.manifest.v1+json`, ...manifest };
  const annotations = { "org.opencontainers.image.ref.name": tag };
  const manifests = [tag === undefined ? entry : { ...entry, annotations }];
  await Deno.writeTextFile(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await Deno.writeTextFile(
    join(layout, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests }),
  );
}
