/**
 * What the tests of several platforms share.
 * @module
 */
import { join } from "@std/path";
import { runProgramJson } from "./cli.ts";
import { rawBlobPath, type RawDescriptor } from "./layout.ts";
import { type FileServer, serveFiles } from "./node_mirror.ts";
import { makeTempDir, type MiseProject, OCI_ARCH, run } from "./testbed.ts";

/** Two platforms, not in the order of an index. */
export const BOTH = ["--platform", "linux/arm64,linux/amd64"];
/** The architecture of the two that this machine is not of. */
export const FOREIGN: "amd64" | "arm64" = OCI_ARCH === "amd64" ? "arm64" : "amd64";
const EPOCH = { SOURCE_DATE_EPOCH: "1700000000" };

/** One image of what `build --json` says. */
export interface Image {
  readonly platform: string;
  readonly digest: string;
  readonly layers: readonly {
    readonly kind: string;
    readonly name: string;
    readonly digest: string;
    readonly status: string;
  }[];
}

/** What `build --json` says of several platforms. */
export interface Built {
  readonly digest: string;
  readonly images: readonly Image[];
}

/** The variables of a project with a cache of its own. */
export function envOf(project: MiseProject): Record<string, string> {
  const cache = join(project.root, "oci-cache");
  return { ...project.env, ...EPOCH, MISE_OCI_CACHE_DIR: cache };
}

/** Builds the project and gives what `--json` says. */
export function build(project: MiseProject, args: readonly string[]): Promise<Built> {
  return runProgramJson<Built>(["build", ...args], { cwd: project.directory, env: envOf(project) });
}

/** Digest of a layer of the image for an architecture. */
export function layerDigest(
  { images }: Built,
  architecture: string,
  name: string,
): string | undefined {
  const image = images.find(({ platform }) => platform === `linux/${architecture}`);
  return image?.layers.find((layer) => layer.name === name)?.digest;
}

/** Every file of a directory with the time it was changed. */
export async function snapshot(directory: string): Promise<string> {
  return (await run(["find", directory, "-printf", "%p %T@ %s\\n"])).stdout;
}

/** A gzipped tar with one executable file, `bin/NAME`. */
export async function archiveOf(
  name: string,
  content: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  await using temp = await makeTempDir();
  await Deno.mkdir(join(temp.path, "bin"));
  await Deno.writeFile(join(temp.path, "bin", name), content, { mode: 0o755 });
  await run(["tar", "-C", temp.path, "-czf", join(temp.path, "a.tar.gz"), "bin"]);
  return await Deno.readFile(join(temp.path, "a.tar.gz"));
}

/** The `[tools]` entry of a tool of mise's `http:` backend. */
export function httpTool(name: string, url: string): string {
  return `[tools."http:${name}"]\nversion = "1.0.0"\nurl = "${url}"\nbin_path = "bin"\n`;
}

/** A server whose first answers stop half-way, until it is told to go on. */
export interface HalfServer extends FileServer {
  /** Resolves when half of the archive was sent. */
  readonly half: Promise<void>;
  /** Ends the answers under way and sends the others whole. */
  goOn(): void;
}

/** Serves an archive half-way. */
export function serveHalf(archive: Uint8Array<ArrayBuffer>): HalfServer {
  const half = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let slow = true;
  const server = serveFiles(() => {
    if (!slow) return archive;
    return new ReadableStream({
      async start(controller): Promise<void> {
        controller.enqueue(archive.subarray(0, archive.length >> 1));
        half.resolve();
        await closed.promise;
        controller.close();
      },
    });
  });
  return {
    url: server.url,
    half: half.promise,
    goOn: () => {
      slow = false;
      closed.resolve();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Unpacks the first layer of the only image of a layout. */
export async function unpackFirstLayer(layout: string, tree: string): Promise<void> {
  const { manifests } = JSON.parse(await Deno.readTextFile(join(layout, "index.json")));
  const text = await Deno.readTextFile(rawBlobPath(layout, manifests[0].digest));
  await Deno.mkdir(tree);
  await run(["tar", "-xzf", rawBlobPath(layout, JSON.parse(text).layers[0].digest), "-C", tree]);
}

/** What a tag of a registry names: its digest, and the platforms of an index. */
export async function tagOf(
  registry: string,
  tag: string,
): Promise<{ digest: string; names: string[] }> {
  const accept =
    "application/vnd.oci.image.index.v1+json,application/vnd.oci.image.manifest.v1+json";
  const response = await fetch(`http://${registry}/v2/app/manifests/${tag}`, {
    headers: { accept },
  });
  const { manifests = [] } = await response.json();
  const names = manifests.map(({ platform }: RawDescriptor) => platform?.architecture);
  return { digest: response.headers.get("docker-content-digest") ?? "", names };
}
