/**
 * The fingerprint of a layer: everything that decides its bytes and is known without reading a file. It
 * is the key of the local layer cache, so it is strict: whatever may change the bytes changes it (faults
 * D18). The one thing that only content tells, which other tools it names, is kept with the cached layer:
 * see `dependencies.ts`.
 * @module
 */
import { Sha256, sha256Hex } from "../oci/sha256.ts";
import type { CompressionPlan, LayerPlan } from "../plan/types.ts";
import { resolveFraming } from "./compression.ts";
import { LAYER_FORMAT, RELOCATION_FORMAT } from "./format.ts";
import { type LayerTree, type ScanContext, scanLayer } from "./scan.ts";

/** What a fingerprint depends on besides the plan. */
export interface FingerprintContext extends ScanContext {
  /** How the layer would be compressed. */
  readonly compression: CompressionPlan;
}

/**
 * The fingerprint of the layer that a plan would give now: 64 hex digits. Reads names and inodes, and no
 * content.
 *
 * @throws {MiseOciError} what {@linkcode scanLayer} throws.
 */
export async function fingerprintLayer(
  plan: LayerPlan,
  context: FingerprintContext,
): Promise<string> {
  return await fingerprintTree(plan, await scanLayer(plan, context), context.compression);
}

/** A fingerprint and what it is of. */
interface Known {
  readonly plan: LayerPlan;
  readonly compression: string;
  readonly fingerprint: string;
}
/** The last fingerprint of each tree: a build asks for it before and after. */
const known = new WeakMap<LayerTree, Known>();

/** The fingerprint of a tree that has been scanned. */
export async function fingerprintTree(
  plan: LayerPlan,
  tree: LayerTree,
  compression: CompressionPlan,
): Promise<string> {
  // Whether zstd is there does not matter for the key, only for the build.
  const { kind, level } = resolveFraming(compression, true);
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
  const hash = new Sha256();
  hash.update(JSON.stringify([
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
    ]),
    tree.relocations.rules.length > 0,
    tree.relocations.rules.filter(({ image }) => tree.relocations.own.includes(image))
      .map(({ host, image }) => [host, image]),
    tree.relocations.own,
    plan.exclude,
  ]));
  let lines = "";
  for (const { path, type, mode, uid, gid, target, host, content } of tree.entries) {
    lines += `\0${path}\0${target}\0${type} ${mode} ${uid} ${gid}`;
    // A directory's own inode says nothing that its entries do not say.
    if (host !== undefined && type !== "directory") {
      lines += ` ${host.size} ${host.mtime} ${host.ctime} ${host.dev}:${host.ino}`;
    }
    if (content !== undefined) lines += ` ${await sha256Hex(content)}`;
    if (lines.length > 1 << 16) {
      hash.update(lines);
      lines = "";
    }
  }
  return await hash.update(lines).hex();
}

/** Host path of the first difference between two scans of one plan, `undefined` if there is none. */
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
