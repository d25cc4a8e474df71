/**
 * The worker that lists trees: one root in, everything below it out. A tree in which something is wrong it
 * leaves to the thread that scans the layer, which says what.
 * @module
 */
import { type ListRequest, type ListResponse, packFound } from "./list_messages.ts";
import { type Found, walkTree } from "./walk.ts";

interface WorkerScope {
  onmessage: (event: MessageEvent<ListRequest>) => void;
  postMessage(message: ListResponse, transfer: ArrayBuffer[]): void;
}
const scope = globalThis as unknown as WorkerScope;

async function list({ root, id }: ListRequest): Promise<ListResponse> {
  const entries: Found[] = [];
  const wrong: string[] = [];
  await walkTree(root, {
    excluded: () => false,
    warn: (text) => void wrong.push(text),
    unreadable: wrong,
    // This is a thread already, and there are as many of them as cores.
    help: { minimum: Infinity },
    found: (entry) => void entries.push(entry),
  });
  return wrong.length > 0 ? { id, names: "" } : packFound(id, entries);
}

scope.onmessage = ({ data: request }): void => {
  list(request).catch((): ListResponse => ({ id: request.id, names: "" })).then((response) =>
    scope.postMessage(response, response.stats === undefined ? [] : [response.stats.buffer])
  );
};
