/**
 * Bases that differ from another in little, made in a registry over plain HTTP by other code than the
 * program's.
 * @module
 */
import { join } from "@std/path";
import { digestOf } from "./faultreg/mod.ts";
import { makeTempDir, run } from "./testbed.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

interface RawDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture: string };
}

/** How the base differs. */
export interface DerivedBase {
  /** Fields of the `config` object that are set anew. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** A shell script that makes the tree of one more layer, in the current directory. */
  readonly layer?: string;
}

async function getJson(url: string): Promise<{ body: Record<string, unknown>; type: string }> {
  const response = await fetch(url, { headers: { accept: `${MANIFEST},${INDEX}` } });
  if (!response.ok) throw new Error(`GET ${url}: ${response.status} ${await response.text()}`);
  return { body: await response.json(), type: response.headers.get("content-type") ?? "" };
}

async function putBlob(repository: string, bytes: Uint8Array<ArrayBuffer>): Promise<RawDescriptor> {
  const digest = digestOf(bytes);
  const begun = await fetch(`${repository}/blobs/uploads/`, { method: "POST" });
  await begun.body?.cancel();
  const url = new URL(begun.headers.get("location") ?? "", repository);
  url.searchParams.set("digest", digest);
  const put = await fetch(url, { method: "PUT", body: bytes });
  await put.body?.cancel();
  if (put.status !== 201) throw new Error(`PUT ${url}: ${put.status}`);
  return { mediaType: "", digest, size: bytes.length };
}

async function putManifest(
  repository: string,
  target: string,
  document: { readonly body: unknown; readonly type: string },
): Promise<RawDescriptor> {
  const bytes = new TextEncoder().encode(JSON.stringify(document.body));
  const digest = digestOf(bytes);
  const put = await fetch(`${repository}/manifests/${target === "" ? digest : target}`, {
    method: "PUT",
    headers: { "content-type": document.type },
    body: bytes,
  });
  const text = await put.text();
  if (put.status !== 201) throw new Error(`PUT manifest ${target}: ${put.status} ${text}`);
  return { mediaType: document.type, digest, size: bytes.length };
}

async function layerOf(script: string): Promise<{ blob: Uint8Array<ArrayBuffer>; diffId: string }> {
  await using temp = await makeTempDir();
  const tree = join(temp.path, "tree");
  await Deno.mkdir(tree);
  await run(["sh", "-ec", script], { cwd: tree });
  const tar = join(temp.path, "layer.tar");
  await run(["tar", "--sort=name", "--mtime=@0", "-C", tree, "-cf", tar, "."]);
  const diffId = digestOf(await Deno.readFile(tar));
  await run(["gzip", "-n", tar]);
  return { blob: await Deno.readFile(`${tar}.gz`), diffId };
}

async function deriveOne(
  repository: string,
  manifest: Record<string, unknown>,
  { config = {}, layer }: DerivedBase,
): Promise<Record<string, unknown>> {
  const old = manifest["config"] as RawDescriptor;
  const { body } = await getJson(`${repository}/blobs/${old.digest}`);
  const rootfs = body["rootfs"] as { type: string; diff_ids: string[] };
  const made = layer === undefined ? undefined : await layerOf(layer);
  const changed = {
    ...body,
    config: { ...body["config"] as object, ...config },
    rootfs: { ...rootfs, diff_ids: [...rootfs.diff_ids, ...made ? [made.diffId] : []] },
    history: [...body["history"] as object[], ...made ? [{ created_by: "derived" }] : []],
  };
  const bytes = new TextEncoder().encode(JSON.stringify(changed));
  const layers = [...manifest["layers"] as RawDescriptor[]];
  if (made !== undefined) {
    const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
    layers.push({ ...await putBlob(repository, made.blob), mediaType });
  }
  return {
    ...manifest,
    config: { ...await putBlob(repository, bytes), mediaType: old.mediaType },
    layers,
  };
}

/**
 * Makes a tag of a repository that holds a changed copy of another tag, every platform of it.
 *
 * @param base `host:port/name:tag`, spoken to over http.
 * @returns the new reference.
 */
export async function deriveBase(
  base: string,
  tag: string,
  change: DerivedBase,
): Promise<string> {
  const [, host = "", name = "", from = ""] = /^([^/]+)\/(.+):([^:]+)$/.exec(base) ?? [];
  const repository = `http://${host}/v2/${name}`;
  const { body, type } = await getJson(`${repository}/manifests/${from}`);
  if (type.includes("index")) {
    const manifests = [];
    for (const entry of body["manifests"] as RawDescriptor[]) {
      const child = await getJson(`${repository}/manifests/${entry.digest}`);
      const derived = await deriveOne(repository, child.body, change);
      const put = await putManifest(repository, "", { body: derived, type: MANIFEST });
      manifests.push({ ...entry, ...put });
    }
    await putManifest(repository, tag, { body: { ...body, manifests }, type: INDEX });
  } else {
    const derived = await deriveOne(repository, body, change);
    await putManifest(repository, tag, { body: derived, type: MANIFEST });
  }
  return `${host}/${name}:${tag}`;
}
