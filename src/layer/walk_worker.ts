/**
 * The worker that helps to walk a tree: lists directories and asks `lstat` of what is in them. Whatever it
 * cannot do it leaves to the thread that walks, which says what is wrong. It opens nothing.
 * @module
 */
import { joinHostPath } from "./tree_stat.ts";
import {
  INFO_NUMBERS,
  type Listing,
  type ListRequest,
  type ListResponse,
  packInfo,
} from "./walk_messages.ts";

interface WorkerScope {
  onmessage: (event: MessageEvent<ListRequest>) => void;
  postMessage(message: ListResponse, transfer: ArrayBuffer[]): void;
}
const scope = globalThis as unknown as WorkerScope;

function maybeList(directory: string): Listing | undefined {
  try {
    const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
    // A name that is not UTF-8, or may not be, is looked into where it can be said.
    if (names.some((name) => name.includes("\ufffd"))) return undefined;
    const numbers = new Float64Array(names.length * INFO_NUMBERS);
    let at = 0;
    for (const name of names) {
      if (!packInfo(Deno.lstatSync(joinHostPath(directory, name)), numbers, at++)) return undefined;
    }
    return { names: names.join("/"), numbers };
  } catch {
    return undefined;
  }
}

scope.onmessage = ({ data }): void => {
  const listings = data.map(maybeList);
  scope.postMessage(listings, listings.flatMap((listing) => listing?.numbers.buffer ?? []));
};
