/**
 * Unpacks the layers of an image into a rootfs (image-spec, layer.md "Applying Changesets").
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";
import type { Descriptor, DiffId } from "../oci/mod.ts";
import {
  diffIdError,
  type LayerIndex,
  type LayerReadOptions,
  maybeWhiteout,
  readVerifiedLayer,
} from "../layer/read/mod.ts";
import type { TarEntry } from "../tar/parser.ts";
import { isWithin } from "../paths.ts";
import type { Attributes, Rootfs } from "./rootfs.ts";

/** A layer of the base image. */
export interface UnpackLayer {
  /** The descriptor of the blob in the manifest. */
  readonly descriptor: Descriptor;
  /** The diff ID of the tar in the image config. */
  readonly diffId: DiffId;
  /** Opens the blob; called twice, each time from its start. */
  open(): Promise<ReadableStream<Uint8Array>>;
  /** The content of the layer, if it is known; otherwise the layer is read. */
  readonly index?: LayerIndex;
}

/** What was left out while unpacking. */
export interface UnpackReport {
  /** Number of devices, FIFOs and sockets, which are not created. */
  special: number;
  /** Number of extended attributes and ACLs, which are not set. */
  xattrs: number;
}

/** Options of {@linkcode unpackLayers}. */
export interface UnpackOptions extends Omit<LayerReadOptions, "what"> {
  /** Called with one sentence about each kind of entries that were left out; default `warn`. */
  readonly note?: (text: string) => void;
}

/**
 * Unpacks layers, bottom first. Each is read twice: once to verify its diff ID and to learn what it hides, so
 * that nothing is written of a layer that does not match the config, and so that the order of whiteouts and
 * new files in the archive does not matter.
 *
 * Devices, FIFOs and sockets are not created, and extended attributes are not set; one note gives their
 * number.
 *
 * @throws {MiseOciError} `integrity` for a wrong diff ID, `invalid` naming the entry for what a layer
 * must not contain, `io`; and as `readVerifiedLayer`.
 */
export async function unpackLayers(
  rootfs: Rootfs,
  layers: readonly UnpackLayer[],
  options: UnpackOptions = {},
): Promise<UnpackReport> {
  const report: UnpackReport = { special: 0, xattrs: 0 };
  for (const layer of layers) await unpackLayer(rootfs, layer, { ...options, report });
  const { note = options.warn } = options;
  if (report.special > 0) {
    note?.(`Unpacked the base without ${report.special} devices, FIFOs or sockets`);
  }
  if (report.xattrs > 0) {
    note?.(`Unpacked the base without ${report.xattrs} extended attributes`);
  }
  return report;
}

async function unpackLayer(
  rootfs: Rootfs,
  layer: UnpackLayer,
  options: UnpackOptions & { readonly report: UnpackReport },
): Promise<void> {
  const { descriptor: { digest, mediaType }, diffId } = layer;
  const reading = { ...options, what: `layer ${digest} of the base image` };
  const unpacker = new LayerUnpacker(rootfs, reading.what, options.report);
  for (const path of await readWhiteouts(layer, reading)) unpacker.whiteout(path);
  const { warn: _warned, ...quiet } = reading;
  try {
    const unpacking = { ...quiet, mediaType, diffId, handler: unpacker };
    await readVerifiedLayer(await layer.open(), unpacking);
  } finally {
    unpacker.close();
  }
  unpacker.finish();
}

/** Verifies a layer, and gives the paths in it that may be whiteouts. */
async function readWhiteouts(
  layer: UnpackLayer,
  options: LayerReadOptions & { readonly what: string },
): Promise<readonly string[]> {
  const { descriptor: { mediaType }, diffId, index } = layer;
  const paths: string[] = [];
  const collect = ({ path }: Pick<TarEntry, "path">): boolean => {
    if (path.includes(".wh.")) paths.push(path);
    return false;
  };
  if (index === undefined) {
    const handler = { entry: collect };
    await readVerifiedLayer(await layer.open(), { ...options, mediaType, diffId, handler });
  } else {
    if (index.diffId !== diffId) {
      throw diffIdError(options.what, { expected: diffId, diffId: index.diffId });
    }
    index.entries.forEach(collect);
  }
  return paths;
}

/** Puts the entries of one layer where they belong. */
class LayerUnpacker {
  readonly #rootfs: Rootfs;
  readonly #what: string;
  readonly #report: UnpackReport;
  /** Directories get their attributes last: read-only ones have to be filled first. */
  readonly #directories = new Map<string, Attributes>();
  #open:
    | { readonly file: Deno.FsFile; readonly real: string; readonly entry: TarEntry }
    | undefined;

  constructor(rootfs: Rootfs, what: string, report: UnpackReport) {
    this.#rootfs = rootfs;
    this.#what = what;
    this.#report = report;
  }

  /** Removes what a path hides if it is a whiteout. */
  whiteout(path: string): void {
    this.#attempt(path, () => {
      const whiteout = maybeWhiteout(path);
      if (whiteout?.type === "remove") {
        const real = this.#rootfs.locate(whiteout.path, "ignore");
        if (real !== undefined) this.#rootfs.remove(real);
      } else if (whiteout?.type === "opaque") {
        const real = this.#rootfs.locateDirectory(whiteout.path, "ignore");
        if (real !== undefined) this.#rootfs.clear(real);
      }
    });
  }

  entry(entry: TarEntry): boolean {
    return this.#attempt(entry.path, () => {
      if (maybeWhiteout(entry.path) !== undefined) return false;
      this.#report.xattrs += entry.xattrs;
      if (entry.path === "") {
        if (entry.type !== "directory") throw new RangeError("the root can only be a directory");
        this.#directories.set("", entry);
        return false;
      }
      const real = this.#rootfs.locate(entry.path, "create")!;
      if (entry.type !== "directory") this.#forgetReplaced(real);
      return this.#place(entry, real);
    });
  }

  data(chunk: Uint8Array): void {
    const { file, entry } = this.#open!;
    this.#attempt(entry.path, () => {
      for (let done = 0; done < chunk.length;) done += file.writeSync(chunk.subarray(done));
    });
  }

  end(): void {
    const { real, entry } = this.#open!;
    this.close();
    this.#attempt(entry.path, () => this.#rootfs.setAttributes(real, entry));
  }

  /** Closes the file that is being written, if any. */
  close(): void {
    this.#open?.file.close();
    this.#open = undefined;
  }

  /** Sets the attributes of the directories. */
  finish(): void {
    const deepestFirst = [...this.#directories].sort(([a], [b]) => b.length - a.length);
    for (const [real, attributes] of deepestFirst) {
      this.#attempt(real, () => {
        // A later entry may have put a link in the way.
        const isStill = this.#rootfs.locateDirectory(real, "ignore") === real;
        if (isStill) this.#rootfs.setAttributes(real, attributes);
      });
    }
  }

  /** Creates an entry at its real path; returns whether content follows. */
  #place(entry: TarEntry, real: string): boolean {
    switch (entry.type) {
      case "directory":
        this.#rootfs.makeDirectory(real);
        this.#directories.set(real, entry);
        return false;
      case "file":
        this.#open = { file: this.#rootfs.createFile(real), real, entry };
        return true;
      case "symlink":
        this.#rootfs.makeLink(real, entry.linkTarget!, entry);
        return false;
      case "hardlink": {
        const target = this.#rootfs.locate(entry.linkTarget!, "ignore");
        if (target === undefined) throw new RangeError("its hard link target does not exist");
        this.#rootfs.makeHardLink(real, target);
        return false;
      }
      default:
        this.#rootfs.remove(real);
        this.#report.special++;
        return false;
    }
  }

  /** If a directory is replaced, the remembered attributes below it are dropped. */
  #forgetReplaced(real: string): void {
    if (this.#rootfs.lstat(real)?.isDirectory !== true) return;
    for (const path of this.#directories.keys()) {
      if (isWithin(path, real)) this.#directories.delete(path);
    }
  }

  #attempt<T>(path: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof MiseOciError) throw error;
      const isRefused = error instanceof RangeError;
      throw new MiseOciError(
        isRefused ? "invalid" : "io",
        `Cannot unpack ${this.#what}: ${JSON.stringify(path.slice(0, 200))}: ${
          describeError(error)
        }`,
        { cause: error },
      );
    }
  }
}
