/** What the tests of this folder share. */
import { createHash } from "node:crypto";
import { MiseOciError } from "../../src/errors.ts";
import {
  type Descriptor,
  type Digest,
  encodeImageConfig,
  encodeManifest,
  MediaType,
  parseDiffId,
  parseDigest,
  type Platform,
} from "../../src/oci/mod.ts";
import {
  type BlobSink,
  type Cache,
  type CachedLayer,
  type Layout,
  openCache,
} from "../../src/store/mod.ts";

export const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

export function sha256(bytes: Uint8Array): Digest {
  return parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}

/** Runs a test in a directory of its own. */
export async function inTempDir(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "mise-oci-store-" }));
  try {
    await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Puts bytes into a sink. */
export async function put(sink: BlobSink, bytes: Uint8Array): Promise<Digest> {
  const writer = await sink.create();
  await writer.write(bytes);
  return (await writer.commit()).digest;
}

/** Everything a stream gives. */
export async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(
    await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
  );
}

/** The names in a directory and below it, sorted. */
export async function tree(dir: string, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(dir)) {
    names.push(prefix + entry.name);
    if (entry.isDirectory) {
      names.push(...await tree(`${dir}/${entry.name}`, `${prefix}${entry.name}/`));
    }
  }
  return names.sort();
}

/** The error that a promise must be rejected with. */
export async function rejected(promise: Promise<unknown>): Promise<MiseOciError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof MiseOciError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown");
}

export const AMD64: Platform = { os: "linux", architecture: "amd64" };
export const ARM64: Platform = { os: "linux", architecture: "arm64" };

/** Writes a small image of one plain layer into a layout, without naming it. */
export async function writeImage(
  layout: Layout,
  content = "hello",
  platform = AMD64,
): Promise<Descriptor> {
  const layer = text(content);
  const layerDigest = await put(layout, layer);
  const config = await layout.writeManifest(
    encodeImageConfig({ ...platform, diffIds: [parseDiffId(layerDigest)] }),
    MediaType.config,
  );
  const manifest = encodeManifest({
    config,
    layers: [{ mediaType: MediaType.layer, digest: layerDigest, size: layer.length }],
  });
  return { ...await layout.writeManifest(manifest, MediaType.manifest), platform };
}

/** One hour in milliseconds. */
export const HOUR = 3600_000;

/** A record of a layer whose blob has that digest and size. */
export function layerOf(digest: Digest, size: number): CachedLayer {
  return {
    descriptor: { mediaType: MediaType.layerGzip, digest, size },
    diffId: parseDiffId(digest),
    uncompressedSize: 100,
    label: "jq 1.8.1",
  };
}

/** A cache with what it reports. */
export async function newCache(
  dir: string,
): Promise<{ cache: Cache; problems: string[] }> {
  const problems: string[] = [];
  const cache = await openCache(`${dir}/cache`, { onProblem: (problem) => problems.push(problem) });
  return { cache, problems };
}

/** Makes an entry look as if it was used some time ago (or will be). */
export async function age(path: string, ms: number): Promise<void> {
  const then = new Date(Date.now() - ms);
  await Deno.utime(path, then, then);
}

/** A process of the store's tests, running `store_worker.ts`. */
export interface Worker {
  /** Resolves when it has said `ready`. */
  readonly ready: Promise<void>;
  /** Lets it go on. */
  proceed(): Promise<void>;
  /** Kills it as a crash would, and waits for its end. */
  kill(): Promise<void>;
  /** Its exit code and stderr. */
  readonly done: Promise<{ readonly code: number; readonly stderr: string }>;
}

/** Starts a worker. @param wrap a command with arguments that starts it, instead of starting it directly. */
export function startWorker(args: readonly string[], wrap: readonly string[] = []): Worker {
  const worker = new URL("./store_worker.ts", import.meta.url).pathname;
  const [command = "", ...rest] = [
    ...wrap,
    Deno.execPath(),
    "run",
    "-A",
    "--no-prompt",
    worker,
    ...args,
  ];
  const child = new Deno.Command(command, {
    args: rest,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  const ready = Promise.withResolvers<void>();
  const output = (async (): Promise<void> => {
    for await (const _chunk of child.stdout) ready.resolve();
    ready.reject(new Error("The worker ended early"));
  })();
  ready.promise.catch(() => {});
  const done = (async () => {
    const stderr = await new Response(child.stderr).text();
    const { code } = await child.status;
    await output;
    await input.close().catch(() => {});
    return { code, stderr };
  })();
  return {
    ready: ready.promise,
    done,
    proceed: async () => {
      await input.write(text("\n"));
    },
    kill: async () => {
      child.kill("SIGKILL");
      await done;
    },
  };
}

/** Whether a command runs and succeeds; why a test must be skipped if not. */
export function canRun(command: string, args: readonly string[]): boolean {
  try {
    return new Deno.Command(command, { args: [...args], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}
