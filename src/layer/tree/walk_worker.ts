/**
 * The worker that helps to walk a tree: lists directories and calls `lstat` for their contents. What it
 * cannot list is left to the walking thread.
 * @module
 */
import { DirectoryPacker } from "./pack_directory.ts";
import type { ListRequest, ListResponse } from "./walk_messages.ts";

interface WorkerScope {
  onmessage: (event: MessageEvent<ListRequest>) => void;
  postMessage(message: ListResponse, transfer: ArrayBuffer[]): void;
}
const scope = globalThis as unknown as WorkerScope;
const packer = new DirectoryPacker();

scope.onmessage = ({ data }): void => {
  const names = data.map((directory) => packer.maybeAdd(directory)?.names.join("/"));
  const numbers = packer.take();
  scope.postMessage({ names, numbers }, numbers.length === 0 ? [] : [numbers.buffer]);
};
