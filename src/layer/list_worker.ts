/**
 * The worker that lists trees: one root in, everything below it out. A tree in which something is wrong it
 * leaves to the thread that scans the layer, which says what.
 * @module
 */
import { FoundPacker, type ListRequest, type ListResponse } from "./list_messages.ts";
import { walkWhole } from "./walk.ts";

interface WorkerScope {
  onmessage: (event: MessageEvent<ListRequest>) => void;
  postMessage(message: ListResponse, transfer: ArrayBuffer[]): void;
}
const scope = globalThis as unknown as WorkerScope;

async function list({ root, id }: ListRequest): Promise<ListResponse> {
  const packer = new FoundPacker();
  const isWhole = await walkWhole(root, { found: (entry) => packer.add(entry) });
  return isWhole ? packer.response(id) : { id, names: "" };
}

scope.onmessage = ({ data: request }): void => {
  list(request).catch((): ListResponse => ({ id: request.id, names: "" })).then((response) =>
    scope.postMessage(response, response.stats === undefined ? [] : [response.stats.buffer])
  );
};
