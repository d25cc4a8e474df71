/**
 * What the thread that reads ahead is asked and answers.
 * @module
 */
import type { HostStat } from "./entry.ts";

/** Files to be read. */
export interface ReadRequest {
  /** Absolute host paths, separated by NUL. */
  readonly paths: string;
  /** {@linkcode packStats} of each; the contents go into the buffer one after the other. */
  readonly stats: Float64Array;
  /** Takes them. */
  readonly buffer: ArrayBuffer;
}

/** Files that were read. */
export interface ReadResponse {
  /** The request's buffer. */
  readonly buffer: ArrayBuffer;
  /** Positions in the request of the files that could not be read, or are not as they were. */
  readonly failed: readonly number[];
}

/** Numbers of a file in {@linkcode ReadRequest.stats}. */
const STATS = 5;

/** What `lstat` said of files, as one block of numbers. */
export function packStats(hosts: readonly HostStat[]): Float64Array {
  const stats = new Float64Array(hosts.length * STATS);
  for (const [i, { size, ino, dev, mtime, ctime }] of hosts.entries()) {
    stats.set([size, ino, dev, mtime, ctime], i * STATS);
  }
  return stats;
}

/** What `lstat` said of the file at a position. */
export function unpackStats(stats: Float64Array, at: number): Omit<HostStat, "path" | "links"> {
  const [size = 0, ino = 0, dev = 0, mtime = 0, ctime = 0] = stats.subarray(
    at * STATS,
    (at + 1) * STATS,
  );
  return { size, ino, dev, mtime, ctime };
}
