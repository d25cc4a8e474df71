/**
 * Skips the scan of unchanged tools: for each state of a tool's trees that was scanned, the cache records the
 * resulting cache key. An unchanged tree of thousands of files is then only listed and compared by one digest,
 * without creating, sorting or searching entries (docs/decisions/small-files.md).
 * @module
 */
import { dirname, join } from "@std/path/posix";
import manifest from "../../deno.json" with { type: "json" };
import type { LayerTree } from "../layer/mod.ts";
import { LAYER_FORMAT, RELOCATION_FORMAT } from "../layer/format.ts";
import type { RelocationMap } from "../layer/relocate/relocate.ts";
import { expandRelocations } from "../layer/relocate/relocation_host.ts";
import type { ListedTrees } from "../layer/tree/scan.ts";
import type { TreeLists } from "../layer/tree/tree_lists.ts";
import { maybeTreeState, type TreeState } from "../layer/tree/tree_state.ts";
import { sha256Hex } from "../oci/mod.ts";
import { resolveCompression } from "../oci/compression.ts";
import { isWithin } from "../paths.ts";
import type { BuildPlan, LayerPlan, Relocation } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";

const SCANS = "layer-scans";
/**
 * Version of the records. Another version of the program may refuse, warn about or leave out other files with
 * the same `LAYER_FORMAT` and `RELOCATION_FORMAT`; increase the number for such changes between two releases.
 */
const FORMAT = `${manifest.version} 1`;

/** The result of a scan. */
interface ScanRecord {
  /** State of the trees: {@linkcode TreeState.digest}. */
  readonly state: string;
  /** Cache key of the layer. */
  readonly fingerprint: string;
  /** Digest of the relocations; empty if those of other tools make no difference. */
  readonly relocations: string;
  /** Whether a file was searched for credentials, so that declared secrets matter. */
  readonly searched: boolean;
}

function maybeParseRecord(value: unknown): ScanRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { state, fingerprint, relocations, searched } = value as Record<string, unknown>;
  const isRecord = typeof state === "string" && typeof fingerprint === "string" &&
    typeof relocations === "string" && typeof searched === "boolean";
  return isRecord ? { state, fingerprint, relocations, searched } : undefined;
}

/** Inputs of a scan besides plan and files. */
export interface KnownScanOptions {
  /** The cache with the records. */
  readonly cache: Cache;
  /** Key of the base's contents: `baseContentKey`. */
  readonly groundKey: string;
  /** Compression, and the values to search for. */
  readonly plan: Pick<BuildPlan, "compression" | "declared" | "allowed">;
  /** Trees listed by a thread. */
  readonly lists?: TreeLists | undefined;
  /** Cancels listing. */
  readonly signal?: AbortSignal | undefined;
}

/** Facts about a layer before it is scanned. */
export class KnownScan {
  /** The trees, listed for the scan. */
  readonly listed: ListedTrees;
  /** How content is relocated. */
  readonly relocations: RelocationMap;
  /** The cache key that a scan would produce; `undefined` if a scan is needed to find out. */
  readonly fingerprint: string | undefined;
  readonly #state: TreeState;
  readonly #key: string;
  readonly #cache: Cache;

  private constructor(
    { state, relocations, key, cache, fingerprint }: {
      readonly state: TreeState;
      readonly relocations: RelocationMap;
      readonly key: string;
      readonly cache: Cache;
      readonly fingerprint: string | undefined;
    },
  ) {
    this.listed = state.listed;
    this.relocations = relocations;
    this.fingerprint = fingerprint;
    this.#state = state;
    this.#key = key;
    this.#cache = cache;
  }

  /** Lists the trees of a layer; `undefined` for a layer that is always scanned. */
  static async maybe(layer: LayerPlan, options: KnownScanOptions): Promise<KnownScan | undefined> {
    const state = layer.policies.isInstall === true
      ? await maybeTreeState(layer, options)
      : undefined;
    if (state === undefined) return undefined;
    const { cache, plan: { declared = [] } } = options;
    const relocations = expandRelocations(layer);
    const key = await keyOf(layer, relocations, options);
    const record = state.digest === undefined
      ? undefined
      : maybeParseRecord(await cache.getDocument(SCANS, key));
    const isSame = record !== undefined && record.state === state.digest &&
      (record.relocations === "" || record.relocations === await rulesKey(relocations.rules)) &&
      !(record.searched && declared.length > 0);
    const fingerprint = isSame ? record.fingerprint : undefined;
    return new KnownScan({ state, relocations, key, cache, fingerprint });
  }

  /**
   * Records the result of a scan, unless a file is so new that a later change could go unnoticed. Only for
   * layers without warnings, because a record does not contain any.
   */
  async keep(tree: LayerTree, result: Pick<ScanRecord, "fingerprint" | "searched">): Promise<void> {
    const { digest, isSettled } = this.#state;
    if (digest === undefined || !isSettled || followsLinks(tree)) return;
    const { rules } = tree.relocations;
    const relocations = isClosed(tree) ? "" : await rulesKey(rules);
    const record: ScanRecord = { state: digest, relocations, ...result };
    await this.#cache.putDocument(SCANS, this.#key, record);
  }
}

/** Whether the scan followed a link to a file, whose target is not part of the state. */
function followsLinks({ entries }: LayerTree): boolean {
  return entries.some(({ type, path }) => type === "symlink" && path.endsWith("/pyvenv.cfg"));
}

/** Whether all links of a tree stay within it, so that relocations of other tools do not change them. */
function isClosed({ entries, relocations: { own } }: LayerTree): boolean {
  return entries.every(({ type, path, target }) => {
    if (type !== "symlink") return true;
    if (target.startsWith("/")) return false;
    const leadsTo = join("/", dirname(path), target);
    return own.some((root) => isWithin(leadsTo, root));
  });
}

/** All inputs of a scan except the files, other tools, and the state that is compared. */
async function keyOf(
  layer: LayerPlan,
  { rules, own }: RelocationMap,
  { groundKey, plan: { compression, allowed = [] } }: KnownScanOptions,
): Promise<string> {
  const { kind, owner, sources, exclude, policies } = layer;
  const hosts = rules.flatMap(({ host, image }) => own.includes(image) ? host : []);
  const inside = rules.filter(({ host }) => hosts.some((root) => isWithin(host, root)));
  const input = [
    [FORMAT, LAYER_FORMAT, RELOCATION_FORMAT, resolveCompression(compression), groundKey, allowed],
    [kind, owner, sources, exclude, policies],
    [inside, own, rules.length > 0],
  ];
  return await sha256Hex(JSON.stringify(input));
}

/** The digests of relocations, shared by the layers of a plan. */
const rulesKeys = new WeakMap<readonly Relocation[], Promise<string>>();

function rulesKey(rules: readonly Relocation[]): Promise<string> {
  const known = rulesKeys.get(rules) ?? sha256Hex(JSON.stringify(rules));
  rulesKeys.set(rules, known);
  return known;
}
