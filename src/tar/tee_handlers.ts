/**
 * Reads an archive once for several handlers.
 * @module
 */
import type { TarHandler } from "./parser.ts";

/** A handler that forwards everything to each of `handlers`, and content only to those that want it. */
export function teeHandlers(...handlers: readonly TarHandler[]): TarHandler {
  let wanting: readonly TarHandler[] = [];
  return {
    entry: (entry) => {
      wanting = handlers.filter((handler) => handler.entry(entry));
      return wanting.length > 0;
    },
    data: (chunk) => wanting.forEach((handler) => handler.data?.(chunk)),
    end: () => wanting.forEach((handler) => handler.end?.()),
  };
}
