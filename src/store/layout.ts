/**
 * The OCI image layout on disk (image-spec, image-layout.md).
 *
 * Order of writing: every blob is flushed before it gets its name; then, once for all of them, the directory
 * of blobs is flushed; then `index.json` is replaced. So all blobs are on the device before `index.json`
 * names them, and the layout is not flushed more often than it has new blobs.
 * @module
 */
import { dirname, join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type Descriptor,
  type Digest,
  digestOf,
  encodeIndex,
  encodeLayoutFile,
  type Index,
  INDEX_FILE,
  LAYOUT_FILE,
  MAX_MANIFEST_BYTES,
  maybeFullName,
  parseLayoutFile,
  parseManifest,
} from "../oci/mod.ts";
import { BlobDirectory, FileBlobWriter } from "./blob_directory.ts";
import { type Disk, realDisk } from "./disk.ts";
import { type ImageStore, tagOf } from "./image_store.ts";
import { maybeLstat, maybeStat, maybeSystemCode, withPath } from "./io_error.ts";
import { LAYOUT_LOCK_FILE, type Lock, lockLayout, type LockOptions } from "./lock.ts";
import type { BlobRange, BlobSink, BlobWriter } from "./ports.ts";
import { checkWritable, sweepTemporaries, TEMPORARY_PREFIX, writeFileAtomic } from "./temp_file.ts";
import { reachable, type VerifyOptions, type VerifyResult, verifyStore } from "./verify.ts";

/** The error for a path that is not a (sound) image layout. */
function layoutError(path: string, why: string, hint?: string): MiseOciError {
  return new MiseOciError("layout", `Cannot use "${path}" as an image layout: ${why}`, {
    hint: hint ?? "Give the directory of an OCI image layout, as mise-oci build writes it",
  });
}

/** Runs a parser of `oci-layout` or `index.json`; what it finds malformed is an error of the layout. */
export function parsingLayout<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof MiseOciError) || error.code !== "invalid") throw error;
    throw new MiseOciError("layout", error.message, {
      hint: "The image layout is damaged; build or copy it again",
      cause: error,
    });
  }
}

/** Options of {@linkcode createLayout} and {@linkcode openLayout}. */
export interface LayoutOptions {
  /** The disk; a test may give its own. */
  readonly disk?: Disk;
}

/** Options of {@linkcode Layout.setTag}. */
export interface SetTagOptions extends LockOptions {
  /** The layout's lock, if the caller already holds it. */
  readonly lock?: Lock;
  /**
   * Removes the blobs that only the replaced image named, so that a layout that is built into again
   * and again does not grow. Only for a caller that held the lock while it put its blobs in, as must
   * everybody else who writes there: a blob that is about to be named must not go. Default: false.
   */
  readonly removeReplaced?: boolean;
}

/**
 * An entry of an index under a name: for containerd (Kubernetes, nerdctl) also under the full one that it
 * makes of the name, as BuildKit writes it.
 */
export function nameEntry(entry: Descriptor, tag: string | undefined): Descriptor {
  const { [Annotation.refName]: _tag, [Annotation.containerdName]: _name, ...others } =
    entry.annotations ?? {};
  const { annotations: _annotations, ...bare } = entry;
  const full = tag === undefined ? undefined : maybeFullName(tag);
  const annotations = {
    ...others,
    ...(tag === undefined ? {} : { [Annotation.refName]: tag }),
    ...(full === undefined ? {} : { [Annotation.containerdName]: full }),
  };
  return Object.keys(annotations).length === 0 ? bare : { ...bare, annotations };
}

/** Reads a small file of a layout. A link, FIFO or directory in its place is not one. */
async function maybeReadFile(directory: string, name: string): Promise<Uint8Array | undefined> {
  const path = join(directory, name);
  const info = maybeLstat(path);
  if (info === undefined) return undefined;
  if (!info.isFile) throw layoutError(directory, `${name} is not a regular file`);
  if (info.size > MAX_MANIFEST_BYTES) {
    throw layoutError(directory, `${name} has ${info.size} bytes, more than ${MAX_MANIFEST_BYTES}`);
  }
  return await withPath("read", path, () => Deno.readFile(path));
}

/** An image layout: blobs, and an index that names images among them. */
export class Layout implements BlobSink, ImageStore {
  /** The absolute directory. */
  readonly dir: string;
  /** What it is, for messages. */
  readonly place: string;
  /** How the command line names it. */
  readonly address: string;
  /** Its blobs. */
  readonly blobs: BlobDirectory;
  readonly #disk: Disk;
  #prepared: Promise<void> | undefined;

  /** Use {@linkcode openLayout} or {@linkcode createLayout}, which check the directory first. */
  constructor(dir: string, options: LayoutOptions = {}) {
    this.dir = dir;
    this.place = `image layout "${dir}"`;
    this.address = `oci:${dir}`;
    this.blobs = new BlobDirectory(join(dir, "blobs", "sha256"), this.place);
    this.#disk = options.disk ?? realDisk;
  }

  /** The index. A layout that was just created and has none yet gives an empty one. */
  async index(): Promise<Index> {
    const what = `"${join(this.dir, INDEX_FILE)}"`;
    const bytes = await maybeReadFile(this.dir, INDEX_FILE);
    if (bytes === undefined) return { manifests: [] };
    const parsed = parsingLayout(() => parseManifest(bytes, { what }));
    if (parsed.kind === "index") return parsed.index;
    throw layoutError(this.dir, `${INDEX_FILE} is an image manifest, not an index`);
  }

  /** Checks that everything named is whole. @throws {MiseOciError} as {@linkcode verifyStore}. */
  verify(options: VerifyOptions = {}): Promise<VerifyResult> {
    return verifyStore(this, options);
  }

  size(digest: Digest): Promise<number | undefined> {
    return this.blobs.size(digest);
  }

  async has(digest: Digest, size: number): Promise<boolean> {
    return await this.size(digest) === size;
  }

  open(digest: Digest, range?: BlobRange): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    return this.blobs.open(digest, range);
  }

  state(digest: Digest): Promise<string | undefined> {
    return this.blobs.state(digest);
  }

  async create(): Promise<BlobWriter> {
    await this.prepare();
    return await FileBlobWriter.create(this.blobs.path, { disk: this.#disk });
  }

  /** Makes the directory of blobs, once, when the first of them is to be written. */
  prepare(): Promise<void> {
    this.#prepared ??= withPath(
      "create",
      this.blobs.path,
      () => Deno.mkdir(this.blobs.path, { recursive: true }),
    );
    return this.#prepared;
  }

  /** Stores a manifest or config. @returns its descriptor. */
  async writeManifest(bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
    const digest = await digestOf(bytes);
    const writer = await this.create();
    await writer.write(bytes);
    await writer.commit({ digest, size: bytes.length });
    return { mediaType, digest, size: bytes.length };
  }

  /**
   * Names an image in the index, as the last step: replaces the entry of the same tag (or the one
   * without a tag) and keeps the others. Everything the entry names must be there.
   *
   * @throws {MiseOciError} `not-found` or `integrity` if a blob is missing; the index is unchanged then.
   */
  async setTag(entry: Descriptor, tag?: string, options: SetTagOptions = {}): Promise<Descriptor> {
    await verifyStore(this, { entries: [entry], sizesOnly: true });
    const named = nameEntry(entry, tag);
    const lock = options.lock ?? await lockLayout(this.dir, options);
    try {
      const replaced = await this.#replaceEntry(named, tag);
      if (options.removeReplaced) await this.#removeBlobsOf(replaced);
    } finally {
      if (options.lock === undefined) await lock.release();
    }
    return named;
  }

  /** @returns the entries that are no longer named. */
  async #replaceEntry(entry: Descriptor, tag: string | undefined): Promise<readonly Descriptor[]> {
    const index = await this.index();
    const replaced = index.manifests.filter((old) => tagOf(old) === tag);
    const at = index.manifests.findIndex((old) => tagOf(old) === tag);
    const manifests = index.manifests.filter((old, i) => i === at || tagOf(old) !== tag);
    if (at < 0) manifests.push(entry);
    else manifests[at] = entry;
    const options = { disk: this.#disk };
    await this.#disk.syncDirectory(this.blobs.path);
    if (await maybeReadFile(this.dir, LAYOUT_FILE) === undefined) {
      await writeFileAtomic(join(this.dir, LAYOUT_FILE), encodeLayoutFile(), options);
    }
    await writeFileAtomic(
      join(this.dir, INDEX_FILE),
      encodeIndex({ ...index, manifests }),
      options,
    );
    return replaced;
  }

  /**
   * Takes entries out of the index, and then the blobs that only they named.
   *
   * @param isMeant whether to remove an entry.
   * @returns the entries that are gone.
   */
  async removeEntries(
    isMeant: (entry: Descriptor) => boolean,
    options: LockOptions = {},
  ): Promise<readonly Descriptor[]> {
    const lock = await lockLayout(this.dir, options);
    try {
      const index = await this.index();
      const removed = index.manifests.filter(isMeant);
      if (removed.length === 0) return [];
      const manifests = index.manifests.filter((entry) => !removed.includes(entry));
      const text = encodeIndex({ ...index, manifests });
      await writeFileAtomic(join(this.dir, INDEX_FILE), text, { disk: this.#disk });
      await this.#removeBlobsOf(removed);
      return removed;
    } finally {
      await lock.release();
    }
  }

  /** Removes blobs that only these entries named; removes nothing if that cannot be determined. */
  async #removeBlobsOf(replaced: readonly Descriptor[]): Promise<void> {
    try {
      const gone = await reachable(this, replaced);
      for (const digest of (await reachable(this, (await this.index()).manifests)).keys()) {
        gone.delete(digest);
      }
      for (const digest of gone.keys()) await Deno.remove(this.blobs.pathOf(digest));
    } catch (error) {
      // A damaged image, old or other: superfluous blobs are no reason to fail.
      if (!(error instanceof MiseOciError) && maybeSystemCode(error) === undefined) throw error;
    }
  }
}

/**
 * Opens an existing image layout.
 *
 * @throws {MiseOciError} `not-found` if the directory is not there, `layout` if it is not a layout or
 * `oci-layout` or `index.json` are malformed.
 */
export async function openLayout(dir: string, options: LayoutOptions = {}): Promise<Layout> {
  const info = maybeStat(dir);
  if (info === undefined) {
    throw new MiseOciError("not-found", `Cannot find image layout "${dir}": no such directory`, {
      hint: "Run mise-oci build first, or give the directory of an OCI image layout",
    });
  }
  if (!info.isDirectory) {
    throw layoutError(dir, "it is a file", "For an archive of a layout write oci-archive:FILE");
  }
  const marker = await maybeReadFile(dir, LAYOUT_FILE);
  if (marker === undefined) throw layoutError(dir, `it has no file ${LAYOUT_FILE}`);
  parsingLayout(() => parseLayoutFile(marker, `"${join(dir, LAYOUT_FILE)}"`));
  if (maybeLstat(join(dir, INDEX_FILE)) === undefined) {
    throw layoutError(dir, `it has no file ${INDEX_FILE}`);
  }
  const layout = new Layout(dir, options);
  await layout.index();
  return layout;
}

/** Names that an interrupted build can leave behind; any other file in a directory belongs to the user. */
function isOurs(name: string): boolean {
  return name === "blobs" || name === LAYOUT_LOCK_FILE || name.startsWith(TEMPORARY_PREFIX);
}

/** Checks a directory that exists. @throws {MiseOciError} `layout` if files of others are in it. */
async function checkExisting(dir: string): Promise<void> {
  const names = await withPath(
    "read",
    dir,
    () => Array.fromAsync(Deno.readDir(dir), (entry) => entry.name),
  );
  if (names.includes(LAYOUT_FILE)) {
    const marker = await maybeReadFile(dir, LAYOUT_FILE) ?? new Uint8Array();
    return parsingLayout(() => parseLayoutFile(marker, `"${join(dir, LAYOUT_FILE)}"`));
  }
  const foreign = names.find((name) => !isOurs(name));
  if (foreign === undefined) return;
  throw new MiseOciError(
    "layout",
    `Cannot write an image layout to "${dir}": it holds "${foreign}" and is not an image layout`,
    { hint: "Choose an empty or new directory with -o" },
  );
}

/** The directory itself if it exists, else the nearest one above it that does. */
function nearestDirectory(path: string): string {
  for (let current = path;; current = dirname(current)) {
    const info = maybeStat(current);
    if (info?.isDirectory) return current;
    if (info !== undefined) {
      throw new MiseOciError(
        "layout",
        `Cannot write an image layout to "${path}": "${current}" is a file`,
        {
          hint: "Choose another directory with -o",
        },
      );
    }
  }
}

/**
 * Opens a directory to write images to: a new one or an existing layout, whose tags are kept. Says
 * now what would be wrong later; makes nothing before the first blob is written.
 *
 * @throws {MiseOciError} `layout` if the directory holds something else, `io` if it cannot be written.
 */
export async function createLayout(dir: string, options: LayoutOptions = {}): Promise<Layout> {
  if (dirname(dir) === dir) {
    throw new MiseOciError(
      "layout",
      `Cannot write an image layout to "${dir}": it is a root directory`,
      {
        hint: "Choose another directory with -o",
      },
    );
  }
  if (/^\/(?:dev|proc|sys)(?:\/|$)/.test(dir)) {
    throw new MiseOciError(
      "layout",
      `Cannot write an image layout to "${dir}": the system keeps no files there`,
      { hint: "Choose another directory with -o" },
    );
  }
  const nearest = nearestDirectory(dir);
  const exists = nearest === dir;
  if (!exists && maybeLstat(dir)?.isSymlink) {
    throw new MiseOciError(
      "layout",
      `Cannot write an image layout to "${dir}": it is a link to nothing`,
      {
        hint: "Remove the link, or choose another directory with -o",
      },
    );
  }
  if (exists) await checkExisting(dir);
  const layout = new Layout(dir, options);
  if (exists) await layout.index();
  await checkWritable(nearest);
  if (exists) {
    await sweepTemporaries(dir);
    await sweepTemporaries(layout.blobs.path);
  }
  return layout;
}
