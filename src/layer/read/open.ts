/**
 * Decompresses a layer blob to its tar.
 * The compression is detected from the bytes rather than the media type, because registries contain layers
 * labelled gzip that are plain, and the reverse. A mismatch is accepted and reported through the `warn`
 * option; the content is verified by the diff ID in the image config.
 * @module
 */
import { type Compression, maybeLayerCompression } from "../../oci/mod.ts";
import { decompress } from "../../compress/decompress.ts";
import { MAGIC_BYTES, sniffCompression } from "../../compress/sniff.ts";
import { MiseOciError } from "../../errors.ts";
import { LayerMeter, type LayerReadOptions } from "./limits.ts";

const NAMES: Readonly<Record<Compression, string>> = {
  gzip: "gzip",
  zstd: "zstd",
  none: "uncompressed",
};

/**
 * The uncompressed tar of a layer blob, as an iterator of chunks. See {@linkcode openLayerStream}.
 *
 * @throws {MiseOciError} as {@linkcode openLayerStream}, while iterating.
 */
export async function* readLayerChunks(
  blob: ReadableStream<Uint8Array>,
  mediaType: string,
  options: LayerReadOptions = {},
): AsyncGenerator<Uint8Array> {
  const what = options.what ?? "layer";
  const meter = new LayerMeter(options);
  const source = blob[Symbol.asyncIterator]();
  try {
    const head: Uint8Array[] = [];
    let size = 0;
    while (size < MAGIC_BYTES) {
      const next = await source.next();
      if (next.done) break;
      head.push(next.value);
      size += next.value.length;
    }
    const compression = decide(firstBytes(head), mediaType, options);
    const input = metered(head, source, meter);
    const output = decompress(input, compression, { what, transient: options.transient });
    for await (const chunk of output) {
      meter.output(chunk.length);
      yield chunk;
    }
  } finally {
    await source.return?.();
  }
}

/**
 * The uncompressed tar of a layer blob. gzip may have several members and zero padding, zstd several frames
 * and skippable ones. Chunks are not copied: they may be views of a larger buffer.
 *
 * The stream fails with a {@linkcode MiseOciError}: `unsupported` for a media type that is not a layer's or
 * a compression that layers cannot have, `integrity` for damaged or truncated data, `invalid` when a limit
 * is exceeded (faults U20, U22, U24).
 */
export function openLayerStream(
  blob: ReadableStream<Uint8Array>,
  mediaType: string,
  options: LayerReadOptions = {},
): ReadableStream<Uint8Array> {
  return ReadableStream.from(readLayerChunks(blob, mediaType, options));
}

function decide(head: Uint8Array, mediaType: string, options: LayerReadOptions): Compression {
  const what = options.what ?? "layer";
  const stated = maybeLayerCompression(mediaType);
  if (stated === undefined) {
    throw new MiseOciError(
      "unsupported",
      `Cannot read ${what}: unsupported media type ${JSON.stringify(mediaType.slice(0, 200))}`,
      { hint: "Layers are tar archives, plain or compressed with gzip or zstd" },
    );
  }
  if (head.length === 0 && stated !== "none") {
    throw new MiseOciError("integrity", `Cannot decompress ${what}: it is empty`);
  }
  const found = sniffCompression(head);
  if (found === undefined) {
    throw new MiseOciError("unsupported", `Cannot decompress ${what}: it is xz or bzip2`, {
      hint:
        "The image specification allows gzip and zstd only; push the image again with one of them",
    });
  }
  if (found !== stated) {
    options.warn?.(
      `The media type of ${what} says ${NAMES[stated]}, but the data is ${NAMES[found]}`,
    );
  }
  return found;
}

function firstBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes: number[] = [];
  for (const chunk of chunks) bytes.push(...chunk.subarray(0, MAGIC_BYTES - bytes.length));
  return Uint8Array.from(bytes);
}

async function* metered(
  head: readonly Uint8Array[],
  source: AsyncIterator<Uint8Array>,
  meter: LayerMeter,
): AsyncGenerator<Uint8Array> {
  for (const chunk of head) {
    meter.input(chunk.length);
    yield chunk;
  }
  for (let next = await source.next(); !next.done; next = await source.next()) {
    meter.input(next.value.length);
    yield next.value;
  }
}
