/**
 * What the thread that reads ahead is asked and answers.
 * @module
 */
import type { HostStat } from "../entry.ts";

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
  let at = 0;
  for (const { size, ino, dev, mtime, ctime } of hosts) {
    stats[at] = size;
    stats[at + 1] = ino;
    stats[at + 2] = dev;
    stats[at + 3] = mtime;
    stats[at + 4] = ctime;
    at += STATS;
  }
  return stats;
}

/** The size of the file at a position. */
export function packedSize(stats: Float64Array, at: number): number {
  return stats[at * STATS] ?? 0;
}

/** Whether what `lstat` says now is what it said of the file at a position. */
export function isAsPacked(now: Deno.FileInfo, stats: Float64Array, at: number): boolean {
  const first = at * STATS;
  return now.isFile && now.size === stats[first] && (now.ino ?? 0) === stats[first + 1] &&
    (now.dev ?? 0) === stats[first + 2] && (now.mtime?.getTime() ?? 0) === stats[first + 3] &&
    (now.ctime?.getTime() ?? 0) === stats[first + 4];
}
