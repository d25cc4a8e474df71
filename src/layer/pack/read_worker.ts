/**
 * The worker that reads small files ahead: one message in, one out, with the buffer transferred both ways.
 * Files that it cannot read are left to the thread that writes the tar, which reports errors.
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

/** Fills `into` with the content of a file of the scanned size. */
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

/** Checks the file after reading: if it still matches the scan, the content is that of the scan. */
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
