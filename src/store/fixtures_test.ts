/** What the tests of this folder share. */
import { createHash } from "node:crypto";
import { MiseOciError } from "../errors.ts";
import {
  type Descriptor,
  type Digest,
  encodeImageConfig,
  encodeManifest,
  MediaType,
  parseDiffId,
  parseDigest,
  type Platform,
} from "../oci/mod.ts";
import type { BlobSink, Layout } from "./mod.ts";

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

/** Runs a worker of this folder's tests in a process of its own. */
export function spawnWorker(
  args: readonly string[],
  wrap: readonly string[] = [],
): Deno.ChildProcess {
  const worker = new URL("./worker_test.ts", import.meta.url).pathname;
  const [command, ...rest] = [
    ...wrap,
    Deno.execPath(),
    "run",
    "-A",
    "--no-prompt",
    worker,
    ...args,
  ];
  return new Deno.Command(command ?? "", {
    args: rest,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}
