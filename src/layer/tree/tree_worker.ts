/**
 * The worker that lists whole trees, one after the other: receives the path of a root, and returns
 * everything below it.
 * @module
 */
import { TreePacker } from "./pack_directory.ts";
import type { TreeResponse } from "./walk_messages.ts";

interface WorkerScope {
  onmessage: (event: MessageEvent<string>) => void;
  postMessage(message: TreeResponse, transfer: ArrayBuffer[]): void;
}
const scope = globalThis as unknown as WorkerScope;

scope.onmessage = ({ data: root }): void => {
  const packer = new TreePacker(root);
  while (packer.next() !== undefined);
  const response = packer.finish();
  const { numbers } = response;
  scope.postMessage(response, numbers.length === 0 ? [] : [numbers.buffer]);
};
