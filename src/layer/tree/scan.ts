/**
 * Converts a layer's plan to its entries, with `lstat` only: in archive order, with relocated links.
 * Contents are read when the layer is packed.
 * @module
 */
import { decodeBase64 } from "../../bytes.ts";
import { MiseOciError } from "../../errors.ts";
import type { LayerPlan, LayerSource, Owner } from "../../plan/types.ts";
import { followBaseLinks } from "./base_links.ts";
import { EntryMap, layerPath, linkSameInodes, refuseWhiteout, whiteout } from "./entries.ts";
import { type HostStat, joinPath, type LayerEntry, parentPath } from "../entry.ts";
import { treeError } from "../errors.ts";
import { dockerignore, type Ignore } from "./dockerignore.ts";
import { relocateLinks } from "../relocate/links.ts";
import { excluder, maybeWrappedNpm, noiseFilter, withoutOrphans } from "./exclude.ts";
import type { RelocationMap } from "../relocate/relocate.ts";
import { expandRelocations } from "../relocate/relocation_host.ts";
import { tarHeaderSize } from "../../tar/encode.ts";
import { paddedSize, TAR_BLOCK } from "../../tar/header.ts";
import { isWithin } from "../../paths.ts";
import { joinHostPath, statNumbers } from "./tree_stat.ts";
import { type Found, type ListedTree, walkTree } from "./walk.ts";

/** Attributes of a base directory that is not mode 0755 of root. */
export interface DirectoryAttributes extends Owner {
  /** Permission bits with setgid and sticky. */
  readonly mode: number;
}

/**
 * The directories of the base image, which are not written again. Exceptions are those with special
 * attributes: docker and podman create a parent missing in a layer as mode 0755 of root, so these are
 * written with the base's attributes.
 */
export interface BaseDirectories {
  /** Whether the base has a directory (or a link to one) at an image path without leading slash. */
  has(path: string): boolean;
  /** The attributes of a directory unless it is mode 0755 of root; `undefined` for links too. */
  maybeReserved?(path: string): DirectoryAttributes | undefined;
  /** The directory that a link leads to, without leading slash; `undefined` if it is not a link to one. */
  maybeLink?(path: string): string | undefined;
}

/** What the scan of a layer depends on besides its plan. */
export interface ScanContext {
  /** The directories of the base image. */
  readonly baseDirectories: BaseDirectories;
  /** Cancels the scan. */
  readonly signal?: AbortSignal | undefined;
}

/** The contents of a layer to be packed. */
export interface LayerTree {
  /** Entries in the order of the archive. */
  readonly entries: readonly LayerEntry[];
  /** Every host directory that was listed, including those that are not written. */
  readonly directories: readonly HostStat[];
  /** Size of the tar; rewritten content may change it slightly. */
  readonly bytes: number;
  /** Warnings, one sentence each. */
  readonly warnings: readonly string[];
  /** The relocations for contents. */
  readonly relocations: RelocationMap;
}

/**
 * Scans the sources of a layer.
 *
 * @throws {MiseOciError} `not-found` for a missing source; `invalid` for names that cannot be in a layer;
 * `io` for files that cannot be read, listed together, or that vanish.
 */
export function scanLayer(plan: LayerPlan, context: ScanContext): Promise<LayerTree> {
  return scanListed(plan, context, undefined);
}

/** Trees that were just listed. */
export interface ListedTrees {
  /** The list of a tree, by its root with links resolved. */
  take(root: string): Promise<ListedTree | undefined>;
}

/** {@linkcode scanLayer} with some trees already listed. */
export async function scanListed(
  plan: LayerPlan,
  context: ScanContext,
  lists: ListedTrees | undefined,
): Promise<LayerTree> {
  const warnings: string[] = [];
  const unreadable: string[] = [];
  const directories: HostStat[] = [];
  const byPath = new EntryMap();
  const scan: Scan = { plan, context, lists, entries: byPath, directories, warnings, unreadable };
  for (const source of plan.sources) await scanSource(scan, source);
  if (unreadable.length > 0) throw unreadableError(plan.name, unreadable);
  const relocations = expandRelocations(plan);
  const sorted = byPath.sorted();
  const found = plan.policies.isInstall === true ? withoutOrphans(sorted) : sorted;
  const { baseDirectories } = context;
  const provided = (path: string): boolean =>
    byPath.get(path) !== undefined || baseDirectories.has(path);
  relocateLinks(found, { relocations, provided, warn: (text) => warnings.push(text) });
  // A package layer is created in the base itself, so links are already followed.
  const placed = plan.policies.keepsAttributes === true
    ? found
    : followBaseLinks(found, (path) => baseDirectories.maybeLink?.(path));
  const entries: LayerEntry[] = [];
  for (const entry of placed) {
    const written = isInBase(entry, scan) ? maybeReserved(entry, scan) : entry;
    if (written !== undefined) entries.push(written);
  }
  linkSameInodes(entries);
  return new ScannedTree(entries, { directories, warnings: warnings.sort(), relocations });
}

/** A tree that computes its size on demand, since a cached layer does not need it. */
class ScannedTree implements LayerTree {
  readonly entries: readonly LayerEntry[];
  readonly directories: readonly HostStat[];
  readonly warnings: readonly string[];
  readonly relocations: RelocationMap;
  #bytes: number | undefined;

  constructor(entries: readonly LayerEntry[], more: Omit<LayerTree, "entries" | "bytes">) {
    this.entries = entries;
    this.directories = more.directories;
    this.warnings = more.warnings;
    this.relocations = more.relocations;
  }

  get bytes(): number {
    return this.#bytes ??= this.entries.reduce(
      (sum, entry) => sum + entrySize(entry),
      2 * TAR_BLOCK,
    );
  }
}

interface Scan {
  readonly plan: LayerPlan;
  readonly context: ScanContext;
  readonly lists: ListedTrees | undefined;
  readonly entries: EntryMap;
  readonly directories: HostStat[];
  readonly warnings: string[];
  readonly unreadable: string[];
}

async function scanSource(scan: Scan, source: LayerSource): Promise<void> {
  const { plan, entries } = scan;
  const path = layerPath(source.imagePath, { whiteouts: plan.policies.keepsAttributes === true });
  const owner = ownerOf(source, plan);
  const home = "home" in source ? source.home : undefined;
  entries.addParents(path, (parent) => ({
    ...(home === undefined || isWithin(`/${parent}`, home) ? owner : plan.owner),
    path: parent,
    type: "directory",
    mode: 0o755,
    target: "",
  }));
  switch (source.type) {
    case "tree":
      return await scanTree(scan, source, path);
    case "file":
      return entries.set(scanFile(scan, source, path));
    case "absent":
      return entries.set(whiteout(path, plan.owner));
    case "directory": {
      const { mode = 0o755 } = source;
      return entries.set({ ...owner, path, type: "directory", mode, target: "" });
    }
    case "link": {
      const { target } = source;
      return entries.set({ ...owner, path, type: "symlink", mode: 0o777, target });
    }
    case "content":
      return entries.set({
        ...owner,
        path,
        type: "file",
        mode: source.mode,
        target: "",
        content: source.encoding === "base64"
          ? decodeBase64(source.content)
          : new TextEncoder().encode(source.content),
      });
  }
}

function ownerOf(source: LayerSource, plan: LayerPlan): Owner {
  return "owner" in source ? source.owner ?? plan.owner : plan.owner;
}

async function scanTree(
  scan: Scan,
  source: Extract<LayerSource, { type: "tree" }>,
  prefix: string,
): Promise<void> {
  const { hostPath, exclude = [], ignore } = source;
  const root = realPath(hostPath);
  const { isFile, isDirectory } = Deno.lstatSync(root);
  if (!isFile && !isDirectory) {
    throw new MiseOciError(
      "invalid",
      `Cannot put "${hostPath}" in a layer: neither a file nor a directory`,
    );
  }
  const globs = [...scan.plan.exclude, ...exclude];
  const noise = scan.plan.policies.isInstall === true ? noiseFilter(root) : () => false;
  const unwanted = globs.length === 0 ? undefined : excluder(globs);
  const ignored = new IgnoredPaths(ignore, joinHostPath(hostPath, ".dockerignore"));
  const excluded = (path: string): boolean =>
    (unwanted?.(path) ?? false) || noise(path) || ignored.isHidden(path);
  const owner = ownerOf(source, scan.plan);
  const restored = (entry: Found): Found => {
    if (
      entry.path !== "bin/npm" || scan.plan.policies.isInstall !== true || entry.type !== "file"
    ) {
      return entry;
    }
    const target = maybeWrappedNpm(root, entry.path);
    return target === undefined ? entry : { ...entry, type: "symlink", target };
  };
  const warn = (text: string): void => void scan.warnings.push(text);
  const isFree = scan.entries.isFree(prefix);
  const add = (entry: Found): void => {
    const name = entry.path.slice(entry.path.lastIndexOf("/") + 1);
    if (name.startsWith(".wh.")) refuseWhiteout(name, entry.host.path);
    if (entry.type === "directory") scan.directories.push(entry.host);
    const path = entry.path === "" ? prefix : joinPath(prefix, entry.path);
    if (path !== "") {
      const made = treeEntry(scan, restored(entry), { path, owner });
      const own = source.mode !== undefined && entry.path === "" && made.type === "file";
      const added = own ? { ...made, mode: source.mode } : made;
      if (isFree) scan.entries.add(added);
      else scan.entries.set(added);
    } else if (entry.type !== "directory") {
      throw new MiseOciError("invalid", `Cannot put "${hostPath}" at "/": not a directory`);
    }
  };
  const found = (entry: Found): void => ignored.pass(entry).forEach(add);
  const { unreadable, lists, context: { signal } } = scan;
  const listed = await lists?.take(root);
  await walkTree(root, { excluded, warn, unreadable, signal, listed, found });
}

/** Applies a `.dockerignore` to one tree. */
class IgnoredPaths {
  readonly #rules: Ignore | undefined;
  /** Ignored directories in which nothing has been re-included so far. */
  readonly #held = new Map<string, Found>();

  constructor(patterns: readonly string[] | undefined, place: string) {
    this.#rules = patterns === undefined ? undefined : dockerignore(patterns, place);
  }

  /** Whether neither a path nor anything below it can be in the layer. */
  isHidden(path: string): boolean {
    const rules = this.#rules;
    return rules !== undefined && rules.ignores(path) && !rules.mayTakeBack(path);
  }

  /** The entries to add for a path: itself and the ignored directories that contain it, or nothing. */
  pass(entry: Found): readonly Found[] {
    const { path, type } = entry;
    if (path !== "" && this.#rules?.ignores(path) === true) {
      if (type === "directory") this.#held.set(path, entry);
      return [];
    }
    const passed = [entry];
    if (this.#held.size === 0) return passed;
    for (let above = parentPath(path); above !== ""; above = parentPath(above)) {
      const parent = this.#held.get(above);
      if (parent !== undefined) passed.unshift(parent);
      this.#held.delete(above);
    }
    return passed;
  }
}

/** Entries get standard modes and the given owner; a package layer keeps those on disk. */
function treeEntry(
  { plan }: Scan,
  found: Found,
  { path, owner }: { readonly path: string; readonly owner: Owner },
): LayerEntry {
  const { type, host, target } = found;
  if (plan.policies.keepsAttributes === true) {
    return { path, type, mode: found.mode, uid: found.uid, gid: found.gid, target, host };
  }
  const executable = type === "directory" || (found.mode & 0o111) !== 0;
  const mode = type === "symlink" ? 0o777 : executable ? 0o755 : 0o644;
  const { uid, gid } = owner;
  return { path, type, mode, uid, gid, target, host };
}

function scanFile(
  { plan, unreadable }: Scan,
  source: Extract<LayerSource, { type: "file" }>,
  path: string,
): LayerEntry {
  const real = realPath(source.hostPath);
  const info = Deno.lstatSync(real);
  if (!info.isFile) {
    throw new MiseOciError("invalid", `Cannot put "${source.hostPath}" in a layer: not a file`);
  }
  try {
    Deno.openSync(real).close();
  } catch {
    unreadable.push(real);
  }
  const host = { ...statNumbers(info), path: real, links: 1 };
  return { path, type: "file", mode: source.mode, ...plan.owner, target: "", host };
}

function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new MiseOciError("not-found", `Cannot find "${path}": no such file or directory`, {
        hint: "Check the path, or run mise install if it is a tool",
        cause: error,
      });
    }
    throw treeError(error, "find", path);
  }
}

/** Whether a directory exists in the base and is not written; a package layer writes those it changes. */
function isInBase({ type, path, host }: LayerEntry, { plan, context }: Scan): boolean {
  if (type !== "directory" || (plan.policies.keepsAttributes === true && host !== undefined)) {
    return false;
  }
  return context.baseDirectories.has(path);
}

/** A directory with special attributes, as in the base. */
function maybeReserved({ path }: LayerEntry, { context }: Scan): LayerEntry | undefined {
  const reserved = context.baseDirectories.maybeReserved?.(path);
  if (reserved === undefined) return undefined;
  const { mode, uid, gid } = reserved;
  return { path, type: "directory", mode, uid, gid, target: "" };
}

function entrySize(entry: LayerEntry): number {
  const size = contentSize(entry);
  return paddedSize(size) + tarHeaderSize({ ...entry, size });
}

/** Size in bytes of an entry's content before it is rewritten. */
export function contentSize(entry: LayerEntry): number {
  if (entry.type !== "file") return 0;
  return entry.content?.length ?? entry.host?.size ?? 0;
}

function unreadableError(layer: string, paths: readonly string[]): MiseOciError {
  const shown = [...paths].sort().slice(0, 10).map((path) => `"${path}"`).join(", ");
  const more = paths.length > 10 ? ` and ${paths.length - 10} more` : "";
  const what = paths.length === 1 ? "1 path" : `${paths.length} paths`;
  return new MiseOciError("io", `Cannot read ${what} of layer "${layer}": ${shown}${more}`, {
    hint: "Make them readable, or run as the user they belong to",
  });
}
