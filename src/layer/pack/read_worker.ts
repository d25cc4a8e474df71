/**
 * The worker that reads small files ahead of the thread that writes the tar: one message in, one message
 * out, the buffer transferred both ways. Whatever it cannot read it leaves to that thread, which says
 * what is wrong.
 * @module
 */
import fs from "node:fs";
import { isAsPacked, packedSize, type ReadRequest, type ReadResponse } from "./read_messages.ts";

interface WorkerScope {
  onmessage: (event: MessageEvent<ReadRequest>) => void;
  postMessage(message: ReadResponse, transfer: ArrayBuffer[]): void;
}
const scope = globalThis as unknown as WorkerScope;
const { O_RDONLY = 0, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants;

/** Fills `into` with the content of a file that was there when the tree was scanned. */
function readWhole(path: string, into: Uint8Array): boolean {
  let fd: number;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch {
    return false;
  }
  try {
    for (let done = 0; done < into.length;) {
      const count = fs.readSync(fd, into, done, into.length - done, null);
      if (count === 0) return false;
      done += count;
    }
    return true;
  } catch {
    return false;
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Looks again once the content is there: a file that is still what the scan saw had this content then.
 */
function isStill(path: string, stats: Float64Array, at: number): boolean {
  try {
    return isAsPacked(Deno.lstatSync(path), stats, at);
  } catch {
    return false;
  }
}

scope.onmessage = ({ data: { paths, stats, buffer } }): void => {
  const failed: number[] = [];
  let start = 0;
  let at = 0;
  for (const path of paths.split("\0")) {
    const size = packedSize(stats, at);
    const into = new Uint8Array(buffer, start, size);
    if (!readWhole(path, into) || !isStill(path, stats, at)) failed.push(at);
    start += size;
    at++;
  }
  scope.postMessage({ buffer, failed }, [buffer]);
};
