/**
 * Tar archives as an async iterator of entries with content; the convenient form of {@linkcode TarParser}.
 * @module
 */
import { type TarEntry, TarParser, type TarReadOptions } from "./parser.ts";

/** An entry with its content. */
export interface ReadableTarEntry extends TarEntry {
  /**
   * The content in pieces. It can be read once, and only until the next entry is requested; unread content is
   * skipped.
   */
  content(): AsyncIterable<Uint8Array>;
}

type Event =
  | { readonly type: "entry"; readonly entry: TarEntry }
  | { readonly type: "data"; readonly chunk: Uint8Array }
  | { readonly type: "end" };

/**
 * The entries of a tar archive, verified one by one.
 *
 * @throws {MiseOciError} `invalid` naming the entry, `integrity` if the archive is truncated, while
 * iterating.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readTar } from "./read_tar.ts";
 *
 * const empty = ReadableStream.from([new Uint8Array(1024)]);
 * const paths: string[] = [];
 * for await (const entry of readTar(empty)) paths.push(entry.path);
 * assertEquals(paths, []);
 * ```
 */
export async function* readTar(
  stream: AsyncIterable<Uint8Array>,
  options: TarReadOptions = {},
): AsyncGenerator<ReadableTarEntry> {
  const events = tarEvents(stream, options);
  let reading = 0;
  try {
    for (let next = await events.next(); !next.done; next = await events.next()) {
      if (next.value.type !== "entry") continue;
      const mine = ++reading;
      const content = async function* (): AsyncGenerator<Uint8Array> {
        while (reading === mine) {
          const part = await events.next();
          if (part.done || part.value.type !== "data") return;
          yield part.value.chunk;
        }
      };
      yield { ...next.value.entry, content };
    }
  } finally {
    await events.return(undefined);
  }
}

async function* tarEvents(
  stream: AsyncIterable<Uint8Array>,
  options: TarReadOptions,
): AsyncGenerator<Event> {
  let events: Event[] = [];
  const parser = new TarParser({
    entry: (entry) => events.push({ type: "entry", entry }) > 0,
    data: (chunk) => events.push({ type: "data", chunk }),
    end: () => events.push({ type: "end" }),
  }, options);
  for await (const chunk of stream) {
    options.signal?.throwIfAborted();
    parser.push(chunk);
    yield* events;
    events = [];
  }
  parser.finish();
}
