/**
 * The worker that helps to walk a tree: lists directories and asks `lstat` of what is in them. Whatever it
 * cannot do it leaves to the thread that walks, which says what is wrong. It opens nothing.
 * @module
 */
import { joinHostPath } from "./tree_stat.ts";
import { INFO_NUMBERS, type ListRequest, type ListResponse, packInfo } from "./walk_messages.ts";

interface WorkerScope {
  onmessage: (event: MessageEvent<ListRequest>) => void;
  postMessage(message: ListResponse, transfer: ArrayBuffer[]): void;
}
const scope = globalThis as unknown as WorkerScope;
/** What was packed for the present answer; grows as it must. */
let packed = new Float64Array(4096 * INFO_NUMBERS);

/** Names in a directory, their numbers packed from a position on. */
function maybeList(directory: string, start: number): readonly string[] | undefined {
  try {
    const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
    // A name that is not UTF-8, or may not be, is looked into where it can be said.
    if (names.some((name) => name.includes("\ufffd"))) return undefined;
    const needed = (start + names.length) * INFO_NUMBERS;
    if (needed > packed.length) {
      const before = packed;
      packed = new Float64Array(2 * needed);
      packed.set(before);
    }
    let at = start;
    for (const name of names) {
      if (!packInfo(Deno.lstatSync(joinHostPath(directory, name)), packed, at++)) return undefined;
    }
    return names;
  } catch {
    return undefined;
  }
}

scope.onmessage = ({ data }): void => {
  let count = 0;
  const names = data.map((directory) => {
    const listed = maybeList(directory, count);
    count += listed?.length ?? 0;
    return listed?.join("/");
  });
  const numbers = packed.slice(0, count * INFO_NUMBERS);
  scope.postMessage({ names, numbers }, count === 0 ? [] : [numbers.buffer]);
};
