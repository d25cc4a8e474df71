/**
 * The cache key of a layer: everything that determines its bytes and is known without reading file
 * contents. It must change whenever the bytes may change (faults D18). References to other tools, which
 * only the contents show, are kept with the cached layer: see `dependencies.ts`.
 * @module
 */
import { concat } from "../../bytes.ts";
import { resolveCompression } from "../../oci/compression.ts";
import { sha256Hex } from "../../oci/sha256.ts";
import type { CompressionPlan, LayerPlan } from "../../plan/types.ts";
import { LAYER_FORMAT, RELOCATION_FORMAT } from "../format.ts";
import { type LayerTree, type ScanContext, scanLayer } from "../tree/scan.ts";

/** What a cache key depends on besides the plan. */
export interface FingerprintContext extends ScanContext {
  /** Compression of the layer. */
  readonly compression: CompressionPlan;
}

/**
 * Computes the cache key of the layer that a plan would produce now: 64 hex digits. Reads names and inodes,
 * but no contents.
 *
 * @throws {MiseOciError} as {@linkcode scanLayer}.
 */
export async function fingerprintLayer(
  plan: LayerPlan,
  context: FingerprintContext,
): Promise<string> {
  return await fingerprintTree(plan, await scanLayer(plan, context), context.compression);
}

/** A cache key and its inputs. */
interface Known {
  readonly plan: LayerPlan;
  readonly compression: string;
  readonly fingerprint: string;
}
/** The last cache key of each tree, since a build needs it twice. */
const known = new WeakMap<LayerTree, Known>();

/** The cache key of a scanned tree. */
export async function fingerprintTree(
  plan: LayerPlan,
  tree: LayerTree,
  compression: CompressionPlan,
): Promise<string> {
  const { kind, level } = resolveCompression(compression);
  const last = known.get(tree);
  if (last?.plan === plan && last.compression === `${kind}:${level}`) return last.fingerprint;
  const fingerprint = await computeFingerprint(plan, tree, { kind, level });
  known.set(tree, { plan, compression: `${kind}:${level}`, fingerprint });
  return fingerprint;
}

async function computeFingerprint(
  plan: LayerPlan,
  tree: LayerTree,
  { kind, level }: { readonly kind: string; readonly level: number },
): Promise<string> {
  const head = [
    LAYER_FORMAT,
    RELOCATION_FORMAT,
    kind,
    level,
    plan.kind,
    plan.owner.uid,
    plan.owner.gid,
    plan.sources.map((source) => [
      source.type,
      source.imagePath,
      source.type === "tree" ? source.exclude ?? [] : [],
      ...(source.type === "tree" && source.ignore !== undefined ? [source.ignore] : []),
    ]),
    tree.relocations.rules.length > 0,
    tree.relocations.rules.filter(({ image }) => tree.relocations.own.includes(image))
      .map(({ host, image }) => [host, image]),
    tree.relocations.own,
    plan.exclude,
  ];
  const batches: Promise<string>[] = [];
  for (let start = 0; start < tree.entries.length; start += BATCH) {
    batches.push(hashEntries(tree.entries.slice(start, start + BATCH)));
  }
  return await sha256Hex(JSON.stringify([...head, ...await Promise.all(batches)]));
}

/** Number of entries hashed at once. */
const BATCH = 1024;
/** Number of numeric fields of an entry. */
const NUMBERS = 9;
const TYPES = ["file", "directory", "symlink", "hardlink"] as const;

/**
 * Hashes names as text and numbers in binary form: formatting thousands of numbers takes as long as reading
 * their inodes.
 */
async function hashEntries(entries: LayerTree["entries"]): Promise<string> {
  const numbers = new Float64Array(entries.length * NUMBERS);
  const texts: string[] = [];
  let at = 0;
  for (const { path, type, mode, uid, gid, target, host, content } of entries) {
    texts.push(path, target, content === undefined ? "" : await sha256Hex(content));
    numbers[at] = TYPES.indexOf(type);
    numbers[at + 1] = mode;
    numbers[at + 2] = uid;
    numbers[at + 3] = gid;
    // A directory's inode adds nothing to its entries.
    if (host !== undefined && type !== "directory") {
      numbers[at + 4] = host.size;
      numbers[at + 5] = host.mtime;
      numbers[at + 6] = host.ctime;
      numbers[at + 7] = host.dev;
      numbers[at + 8] = host.ino;
    }
    at += NUMBERS;
  }
  const names = new TextEncoder().encode(texts.join("\0"));
  return await sha256Hex(concat([new Uint8Array(numbers.buffer), names]));
}

/** Host path of the first difference between two scans of one plan, if any. */
export function maybeDifference(before: LayerTree, after: LayerTree): string | undefined {
  const length = Math.max(before.entries.length, after.entries.length);
  for (let i = 0; i < length; i++) {
    const a = before.entries[i];
    const b = after.entries[i];
    if (a !== undefined && b !== undefined && sameEntry(a, b)) continue;
    const entry = a === undefined || (b !== undefined && b.path < a.path) ? b : a;
    return entry?.host?.path ?? `/${entry?.path}`;
  }
  return undefined;
}

function sameEntry(a: LayerTree["entries"][number], b: LayerTree["entries"][number]): boolean {
  if (a.path !== b.path || a.type !== b.type || a.mode !== b.mode || a.target !== b.target) {
    return false;
  }
  if (a.type === "directory" || a.host === undefined || b.host === undefined) return true;
  return a.host.size === b.host.size && a.host.mtime === b.host.mtime &&
    a.host.ctime === b.host.ctime && a.host.ino === b.host.ino && a.host.dev === b.host.dev;
}
