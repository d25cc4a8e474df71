/**
 * Messages to and from the threads that read ahead.
 * @module
 */
import type { HostStat } from "../entry.ts";

/** Files to read. */
export interface ReadRequest {
  /** Absolute host paths, separated by NUL. */
  readonly paths: string;
  /** {@linkcode packStats} of the files; contents are stored in the buffer one after the other. */
  readonly stats: Float64Array;
  /** Receives the contents. */
  readonly buffer: ArrayBuffer;
}

/** Files that were read. */
export interface ReadResponse {
  /** The request's buffer. */
  readonly buffer: ArrayBuffer;
  /** Positions in the request of files that could not be read or have changed. */
  readonly failed: readonly number[];
}

/** Number of fields per file in {@linkcode ReadRequest.stats}. */
const STATS = 5;

/** Packs `lstat` results of files into one array. */
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

/** Whether a file is unchanged since `lstat` was packed at a position. */
export function isAsPacked(now: Deno.FileInfo, stats: Float64Array, at: number): boolean {
  const first = at * STATS;
  return now.isFile && now.size === stats[first] && (now.ino ?? 0) === stats[first + 1] &&
    (now.dev ?? 0) === stats[first + 2] && (now.mtime?.getTime() ?? 0) === stats[first + 3] &&
    (now.ctime?.getTime() ?? 0) === stats[first + 4];
}
