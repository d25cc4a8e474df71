/**
 * The worker that lists whole trees, one after the other: receives the path of a root, and returns
 * everything below it.
 * @module
 */
import { joinPath } from "../entry.ts";
import { DirectoryPacker } from "./pack_directory.ts";
import { joinHostPath } from "./tree_stat.ts";
import type { TreeResponse } from "./walk_messages.ts";

interface WorkerScope {
  onmessage: (event: MessageEvent<string>) => void;
  postMessage(message: TreeResponse, transfer: ArrayBuffer[]): void;
}
const scope = globalThis as unknown as WorkerScope;
const packer = new DirectoryPacker();

scope.onmessage = ({ data: root }): void => {
  const paths: string[] = [];
  const names: (string | undefined)[] = [];
  const pending = [""];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const packed = packer.maybeAdd(joinHostPath(root, path));
    paths.push(path);
    names.push(packed?.names.join("/"));
    for (const name of packed?.below ?? []) pending.push(joinPath(path, name));
  }
  const numbers = packer.take();
  scope.postMessage({ paths, names, numbers }, numbers.length === 0 ? [] : [numbers.buffer]);
};
