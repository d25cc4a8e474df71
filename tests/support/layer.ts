/**
 * What tests of layers share: a sink in memory, plans, small trees.
 * @module
 */
import { createHash } from "node:crypto";
import zlib from "node:zlib";
import {
  buildLayer,
  type BuiltLayer,
  type CompressionPool,
  createCompressionPool,
  type LayerSink,
} from "../../src/layer/mod.ts";
import { type Digest, parseDigest } from "../../src/oci/mod.ts";
import type { CompressionPlan, LayerPlan } from "../../src/plan/types.ts";

/** A sink that keeps blobs in memory. */
export interface MemorySink extends LayerSink {
  /** Blobs by digest. */
  readonly blobs: Map<Digest, Uint8Array<ArrayBuffer>>;
  /** Number of blobs that were given up. */
  aborted: number;
}

/** Makes a sink that keeps blobs in memory. */
export function memorySink(): MemorySink {
  const blobs = new Map<Digest, Uint8Array<ArrayBuffer>>();
  const sink: MemorySink = {
    blobs,
    aborted: 0,
    create: () => {
      const chunks: Uint8Array[] = [];
      return Promise.resolve({
        write: (chunk) => Promise.resolve(void chunks.push(chunk.slice())),
        commit: () => {
          const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
          let at = 0;
          for (const chunk of chunks) {
            bytes.set(chunk, at);
            at += chunk.length;
          }
          const digest = sha256(bytes);
          blobs.set(digest, bytes);
          return Promise.resolve({ digest, size: bytes.length });
        },
        abort: () => Promise.resolve(void sink.aborted++),
      });
    },
  };
  return sink;
}

/** The digest of bytes. */
export function sha256(bytes: Uint8Array): Digest {
  return parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}

/** A base image without directories. */
export const NO_BASE = { has: (): boolean => false };

/** How the planners say that layers of a kind are treated, as far as tests of the layer engine need it. */
function policiesOf(kind: LayerPlan["kind"]): LayerPlan["policies"] {
  if (kind === "packages") return { keepsAttributes: true };
  return kind === "tool" ? { isInstall: true, isPublished: true, precedesBase: true } : {};
}

/** The plan of a tool's layer at `/mise/installs/t/1`, with its own tree relocated. */
export function toolPlan(hostPath: string, changes: Partial<LayerPlan> = {}): LayerPlan {
  return {
    kind: "tool",
    name: "t",
    version: "1",
    owner: { uid: 0, gid: 0 },
    sources: [{ type: "tree", hostPath, imagePath: "/mise/installs/t/1" }],
    relocations: [{ host: hostPath, image: "/mise/installs/t/1" }],
    exclude: [],
    policies: policiesOf(changes.kind ?? "tool"),
    createdBy: "test",
    annotations: {},
    ...changes,
  };
}

/** A built layer with its bytes. */
export interface TestLayer {
  /** What `buildLayer` returned. */
  readonly built: BuiltLayer;
  /** The blob. */
  readonly blob: Uint8Array<ArrayBuffer>;
  /** The tar. */
  readonly tar: Uint8Array;
  /** Warnings. */
  readonly warnings: readonly string[];
}

/** Options of {@linkcode buildForTest}. */
export interface TestBuildOptions {
  /** Compression; default gzip. */
  readonly compression?: CompressionPlan;
  /** Number of workers; default 2. */
  readonly workers?: number;
  /** A pool to use instead. */
  readonly pool?: CompressionPool;
  /** Directories of the base. */
  readonly baseDirectories?: { has(path: string): boolean };
  /** Told of bytes of tar. */
  readonly onBytes?: (bytes: number) => void;
}

/** Builds a layer in memory and checks what holds for every layer (fault L23). */
export async function buildForTest(
  plan: LayerPlan,
  options: TestBuildOptions = {},
): Promise<TestLayer> {
  const compression = options.compression ?? { kind: "gzip" };
  await using pool = createCompressionPool({ compression, workers: options.workers ?? 2 });
  const sink = memorySink();
  const warnings: string[] = [];
  const built = await buildLayer(plan, {
    pool: options.pool ?? pool,
    sink,
    baseDirectories: options.baseDirectories ?? NO_BASE,
    warn: (text) => void warnings.push(text),
    ...(options.onBytes === undefined ? {} : { onBytes: options.onBytes }),
  });
  const blob = sink.blobs.get(built.descriptor.digest);
  if (blob === undefined) throw new Error("The layer is not in the sink");
  const tar = decompress(blob, compression.kind);
  if (blob.length !== built.descriptor.size) throw new Error("L23: size is not the blob's");
  if (tar.length !== built.uncompressedSize) throw new Error("L23: size is not the tar's");
  if (String(sha256(tar)) !== String(built.diffId)) throw new Error("L23: not the tar's diff ID");
  return { built, blob, tar, warnings };
}

function decompress(blob: Uint8Array, kind: CompressionPlan["kind"]): Uint8Array {
  if (kind === "none") return blob;
  if (kind === "gzip") return zlib.gunzipSync(blob);
  return (zlib as unknown as { zstdDecompressSync(data: Uint8Array): Uint8Array })
    .zstdDecompressSync(blob);
}

/** A member as Python's tarfile sees it. */
export interface TarMember {
  /** Path. */
  readonly name: string;
  /** ustar type flag. */
  readonly type: string;
  /** Permission bits. */
  readonly mode: number;
  /** User id. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
  /** Content length. */
  readonly size: number;
  /** Time as it is in the header. */
  readonly mtime: number;
  /** Link target. */
  readonly linkname: string;
  /** User name. */
  readonly uname: string;
  /** Beginning of the content, as Latin-1. */
  readonly head: string;
}

const PYTHON = `
import sys, json, tarfile, io
t = tarfile.open(fileobj=sys.stdin.buffer, mode="r|")
print(json.dumps([dict(name=m.name, type=m.type.decode(), mode=m.mode, uid=m.uid, gid=m.gid,
  size=m.size, mtime=m.mtime, linkname=m.linkname, uname=m.uname,
  head=t.extractfile(m).read(65536).decode("latin-1") if m.isreg() else "") for m in t]))
`;

/** Whether Python is there to read archives with. */
export const HAS_PYTHON: boolean = runs("python3");
/** Whether GNU tar is there. */
export const HAS_TAR: boolean = runs("tar");
/** Whether the tests run as a user who may not read everything. */
export const IS_ROOT: boolean = Deno.uid() === 0;

/** Whether a program is installed. */
export function runs(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** Lists a tar with Python's tarfile: an independent reader. */
export async function listTar(tar: Uint8Array): Promise<TarMember[]> {
  return JSON.parse(await pipe(["python3", "-c", PYTHON], tar));
}

/** Runs a program with bytes on stdin and gives its stdout; fails with its stderr. */
export async function pipe(command: readonly string[], input: Uint8Array): Promise<string> {
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(input).then(() => writer.close()).catch(() => {});
  const { success, stdout, stderr } = await output;
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Runs a shell script; for what Deno cannot make (FIFOs, odd names). */
export function shell(script: string): void {
  const { success, stderr } = new Deno.Command("bash", { args: ["-euc", script] }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Calls a test with a new directory, which is removed afterwards. */
export async function withTree(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "mise-oci-layer-" });
  try {
    await test(await Deno.realPath(directory));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
