/**
 * Layers of tools that need no scan: for each state that the trees of a tool were scanned in, the cache keeps the
 * cache key that the scan led to. A tree of thousands of files that has not changed is then listed and compared
 * as one digest; no entry of it is made, sorted or searched (docs/decisions/small-files.md).
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
 * Version of the records: another program may refuse, warn of or leave out what this one does not, without another
 * `LAYER_FORMAT` or `RELOCATION_FORMAT`. The number counts such changes between two versions of the program.
 */
const FORMAT = `${manifest.version} 1`;

/** What a scan led to. */
interface ScanRecord {
  /** State of the trees: {@linkcode TreeState.digest}. */
  readonly state: string;
  /** Cache key of the layer. */
  readonly fingerprint: string;
  /** Digest of the relocations, `""` if those of other tools make no difference. */
  readonly relocations: string;
  /** Whether a file was searched for credentials: values that are declared secret may be in it. */
  readonly searched: boolean;
}

function maybeParseRecord(value: unknown): ScanRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { state, fingerprint, relocations, searched } = value as Record<string, unknown>;
  const isRecord = typeof state === "string" && typeof fingerprint === "string" &&
    typeof relocations === "string" && typeof searched === "boolean";
  return isRecord ? { state, fingerprint, relocations, searched } : undefined;
}

/** What the result of a scan depends on besides plan and files. */
export interface KnownScanOptions {
  /** Where records are kept. */
  readonly cache: Cache;
  /** Key of what the base holds: `baseContentKey`. */
  readonly groundKey: string;
  /** Compression, and what is searched for. */
  readonly plan: Pick<BuildPlan, "compression" | "declared" | "allowed">;
  /** Trees that a thread lists or has listed. */
  readonly lists?: TreeLists | undefined;
  /** Stops listing. */
  readonly signal?: AbortSignal | undefined;
}

/** What is known of a layer before it is scanned. */
export class KnownScan {
  /** The trees, listed for the scan. */
  readonly listed: ListedTrees;
  /** How content is relocated. */
  readonly relocations: RelocationMap;
  /** The cache key that a scan would lead to, `undefined` if that takes a scan. */
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
   * Keeps what a scan led to, unless a file is so young that a later change could go unnoticed. Only for a layer
   * that nothing was said of: a record says nothing.
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

/** Whether the scan read a file through a link: what that leads to is not part of the state. */
function followsLinks({ entries }: LayerTree): boolean {
  return entries.some(({ type, path }) => type === "symlink" && path.endsWith("/pyvenv.cfg"));
}

/** Whether all links of a tree stay in it: no rule for another tool changes one. */
function isClosed({ entries, relocations: { own } }: LayerTree): boolean {
  return entries.every(({ type, path, target }) => {
    if (type !== "symlink") return true;
    if (target.startsWith("/")) return false;
    const leadsTo = join("/", dirname(path), target);
    return own.some((root) => isWithin(leadsTo, root));
  });
}

/** Everything that a scan depends on besides the files, other tools, and what they are compared with. */
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

/** The digests of relocations, which the layers of a plan share. */
const rulesKeys = new WeakMap<readonly Relocation[], Promise<string>>();

function rulesKey(rules: readonly Relocation[]): Promise<string> {
  const known = rulesKeys.get(rules) ?? sha256Hex(JSON.stringify(rules));
  rulesKeys.set(rules, known);
  return known;
}
