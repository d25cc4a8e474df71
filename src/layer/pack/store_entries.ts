/**
 * Packs given entries and stores the blob, for layers that are not planned from a host tree, such as the
 * changes made by a package manager.
 * @module
 */
import { type Descriptor, type DiffId, layerMediaType } from "../../oci/mod.ts";
import { changedError } from "./content.ts";
import { RelocatedTexts } from "../relocate/dependencies.ts";
import { linkSameInodes } from "../tree/entries.ts";
import { comparePaths, type LayerEntry } from "../entry.ts";
import { TreeChangedError } from "../errors.ts";
import { LayerOutput } from "./output.ts";
import { packEntries } from "./pack.ts";
import type { CompressionPool } from "../../compress/pool.ts";
import { relocationMap } from "../relocate/relocate.ts";
import type { LayerSink } from "./sink.ts";

/** Options of {@linkcode storeEntries}. */
export interface StoreContext {
  /** The layer's name for messages. */
  readonly name: string;
  /** The compression workers. */
  readonly pool: CompressionPool;
  /** Destination of the blob. */
  readonly sink: LayerSink;
  /** Cancels the operation. */
  readonly signal?: AbortSignal | undefined;
}

/** A layer's blob that has been stored. */
export interface StoredEntries {
  /** The blob, without annotations. */
  readonly descriptor: Descriptor;
  /** Digest of the tar. */
  readonly diffId: DiffId;
  /** Length of the tar in bytes. */
  readonly uncompressedSize: number;
}

/**
 * Writes entries without relocation, sorted by path; names with the same inode become hard links. The files
 * must not change meanwhile.
 *
 * @throws {MiseOciError} `io` if a file changes or cannot be read; errors of the sink.
 */
export async function storeEntries(
  unsorted: readonly LayerEntry[],
  { name, pool, sink, signal }: StoreContext,
): Promise<StoredEntries> {
  const entries = [...unsorted].sort((a, b) => comparePaths(a.path, b.path));
  linkSameInodes(entries);
  const writer = await sink.create();
  const output = new LayerOutput(pool, { signal, write: (bytes) => writer.write(bytes) });
  try {
    await packEntries(entries, output, {
      relocations: relocationMap([], []),
      provided: () => true,
      warn: () => {},
      texts: new RelocatedTexts(),
    });
    const tar = await output.finish();
    const { digest, size } = await writer.commit();
    const descriptor = { mediaType: layerMediaType(pool.parameters.kind), digest, size };
    return { descriptor, diffId: tar.diffId, uncompressedSize: tar.size };
  } catch (error) {
    await output.abort();
    await writer.abort();
    throw error instanceof TreeChangedError ? changedError(name, error) : error;
  }
}
