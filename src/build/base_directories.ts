/**
 * The directories of the base image, and a key for what it holds. Both are known of a base that was read
 * before without a look into it.
 * @module
 */
import type { BaseDirectories } from "../layer/mod.ts";
import type { BaseFile, BaseFiles } from "../layer/read/mod.ts";
import { sha256Hex } from "../oci/mod.ts";
import type { Cache } from "../store/mod.ts";
import type { BaseImage } from "./base_image.ts";
import type { WorkflowContext } from "../context.ts";

/** What the layers of a base hold. */
const filesModule = () => import("./base_files.ts");

const DIRECTORIES = "base-directories";

/** A key for everything that depends on the base's content: its layers in their order. */
export function baseContentKey(base: BaseImage): Promise<string> {
  return sha256Hex(base.layers.map(({ diffId }) => `${diffId}\n`).join(""));
}

/** A link to a directory counts (`/bin` → `usr/bin`): a directory entry would replace the link. */
function isDirectory(files: BaseFiles, { type, path }: Pick<BaseFile, "type" | "path">): boolean {
  return type === "directory" || type === "symlink" && files.resolve(path)?.type === "directory";
}

/** What a directory is that is not mode 0755 of root: `[path, mode, uid, gid]`. */
type Reserved = readonly [path: string, mode: number, uid: number, gid: number];

function isReserved(value: unknown): value is Reserved {
  return Array.isArray(value) && typeof value[0] === "string" &&
    value.slice(1).every((number) => Number.isInteger(number) && number >= 0);
}

/** A link to a directory and where that is: `["lib", "usr/lib"]`. */
type DirectoryLink = readonly [path: string, directory: string];

function isDirectoryLink(value: unknown): value is DirectoryLink {
  return Array.isArray(value) && value.length === 2 &&
    value.every((path) => typeof path === "string" && path !== "");
}

/** What the cache keeps of a base's directories. */
interface DirectoryList {
  readonly names: readonly string[];
  readonly reserved: readonly Reserved[];
  readonly links: readonly DirectoryLink[];
}

function maybeParseDirectories(value: unknown): DirectoryList | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { names, reserved, links } = value as Record<string, unknown>;
  if (!Array.isArray(names) || !names.every((path) => typeof path === "string")) return undefined;
  if (!Array.isArray(links) || !links.every(isDirectoryLink)) return undefined;
  return Array.isArray(reserved) && reserved.every(isReserved)
    ? { names, reserved, links }
    : undefined;
}

function listDirectories(files: BaseFiles): DirectoryList {
  const names: string[] = [];
  const reserved: Reserved[] = [];
  const links: DirectoryLink[] = [];
  for (const file of files.entries()) {
    const { path, type, mode, uid, gid } = file;
    if (path === "" || !isDirectory(files, file)) continue;
    names.push(path);
    const real = type === "symlink" ? files.resolve(path)?.path ?? "" : "";
    if (real !== "") links.push([path, real]);
    const usual = mode === 0o755 && uid === 0 && gid === 0;
    if (type === "directory" && !usual) reserved.push([path, mode, uid, gid]);
  }
  return { names, reserved, links };
}

function directoriesOf({ names, reserved, links }: DirectoryList): BaseDirectories {
  const set = new Set(names);
  const linked = new Map(links);
  const attributes = new Map(
    reserved.map(([path, mode, uid, gid]) => [path, { mode, uid, gid }]),
  );
  return {
    has: (path) => set.has(path),
    maybeReserved: (path) => attributes.get(path),
    maybeLink: (path) => linked.get(path),
  };
}

/**
 * The directories that the base has, which layers do not write again. The answer is kept as well: a
 * warm build need not merge ten thousand files to know that `/usr` is one.
 */
export async function readBaseDirectories(
  base: BaseImage,
  cache: Cache,
  context: WorkflowContext,
): Promise<BaseDirectories> {
  if (base.layers.length === 0) return directoriesOf({ names: [], reserved: [], links: [] });
  const key = await baseContentKey(base);
  const kept = maybeParseDirectories(await cache.getDocument(DIRECTORIES, key));
  if (kept !== undefined) return directoriesOf(kept);
  const { readBaseFiles } = await filesModule();
  const list = listDirectories(await readBaseFiles(base, cache, context));
  await cache.putDocument(DIRECTORIES, key, list);
  return directoriesOf(list);
}
