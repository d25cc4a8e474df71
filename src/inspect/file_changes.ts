/**
 * The differences between two layers, file by file.
 * @module
 */

/** A file of a layer with all properties that are compared. */
export interface LayerFile {
  /** Path relative to the root, without a leading slash. */
  readonly path: string;
  /** `file`, `directory`, `symlink`, … */
  readonly type: string;
  /** Permission bits. */
  readonly mode: number;
  /** User id. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
  /** Bytes of content. */
  readonly size: number;
  /** Target of a link. */
  readonly link?: string;
  /** SHA-256 of the content in hex, of a file. */
  readonly hash?: string;
}

/** One difference. */
export interface FileChange {
  readonly path: string;
  /** How it changed from A to B. */
  readonly change: "added" | "removed" | "changed";
  /** The differing properties of a file that is in both: `content`, `mode`, `owner`, `type`, `link`. */
  readonly what: readonly string[];
  /** Bytes of content in A and in B. */
  readonly sizes: readonly [before: number | undefined, after: number | undefined];
}

function differences(a: LayerFile, b: LayerFile): readonly string[] {
  if (a.type !== b.type) return ["type"];
  return [
    ...(a.size !== b.size || a.hash !== b.hash ? ["content"] : []),
    ...(a.link !== b.link ? ["link"] : []),
    ...(a.mode !== b.mode ? ["mode"] : []),
    ...(a.uid !== b.uid || a.gid !== b.gid ? ["owner"] : []),
  ];
}

/**
 * The differences between two layers, by path. If an archive has several entries for a path, the last one is
 * used.
 */
export function compareFiles(
  before: readonly LayerFile[],
  after: readonly LayerFile[],
): readonly FileChange[] {
  const old = new Map(before.map((file) => [file.path, file]));
  const now = new Map(after.map((file) => [file.path, file]));
  const changes: FileChange[] = [];
  for (const [path, b] of now) {
    const a = old.get(path);
    if (a === undefined) {
      changes.push({ path, change: "added", what: [], sizes: [undefined, b.size] });
      continue;
    }
    const what = differences(a, b);
    if (what.length > 0) changes.push({ path, change: "changed", what, sizes: [a.size, b.size] });
  }
  for (const [path, a] of old) {
    if (now.has(path)) continue;
    changes.push({ path, change: "removed", what: [], sizes: [a.size, undefined] });
  }
  return changes.sort((a, b) => a.path < b.path ? -1 : 1);
}
