/**
 * The file system of an image: all layers merged, links resolved inside the image.
 * @module
 */
import { type BaseFile, mergeIndexes } from "../layer/read/mod.ts";
import type { DiffId } from "../oci/mod.ts";
import type { FactsEntry, LayerFacts } from "./facts/layer_facts.ts";
import type { Program } from "./facts/program.ts";

/** A layer of the image with its facts. */
export interface ViewLayer {
  /** Its diff ID. */
  readonly diffId: DiffId;
  /** Its facts. */
  readonly facts: LayerFacts;
}

/** The file that a path resolves to. */
export interface ViewFile {
  /** Its absolute path with every link resolved. */
  readonly path: string;
  /** Type of the file. */
  readonly type: BaseFile["type"];
  /** Permission bits. */
  readonly mode: number;
  /** Index of its layer, bottom first. */
  readonly layer: number;
  /** What its content is; `other` if unknown. */
  readonly program: Program;
}

const OTHER: Program = { kind: "other" };
/** Maximum number of cached paths. */
const MAX_RESOLVED = 500_000;

/** The merged layers. Paths are absolute. */
export class ImageView {
  readonly #files: ReturnType<typeof mergeIndexes>;
  readonly #layers: readonly ViewLayer[];
  readonly #resolved = new Map<string, ViewFile | undefined>();
  #layerOf: ReadonlyMap<FactsEntry, number> | undefined;
  #named: ReadonlyMap<string, readonly string[]> | undefined;

  /** @throws {MiseOciError} `invalid` for layers that could not be unpacked. */
  constructor(layers: readonly ViewLayer[]) {
    this.#layers = layers;
    this.#files = mergeIndexes(layers.map(({ diffId, facts }) => ({
      diffId,
      entries: facts.entries,
      texts: facts.texts,
    })));
  }

  /** Resolves a path with all links. */
  resolve(path: string): ViewFile | undefined {
    const known = this.#resolved.get(path);
    if (known !== undefined || this.#resolved.has(path)) return known;
    const file = this.#files.resolve(path);
    const found = file === undefined ? undefined : this.#viewFile(file);
    if (this.#resolved.size >= MAX_RESOLVED) this.#resolved.clear();
    this.#resolved.set(path, found);
    return found;
  }

  #viewFile({ path, type, mode, entry }: BaseFile): ViewFile {
    const layer = this.#layerOfEntry(entry);
    const known = entry === undefined ? undefined : this.#layers[layer]?.facts.programs.get(entry);
    return { path: `/${path}`, type, mode, layer, program: known ?? OTHER };
  }

  /** The target of the link at exactly this path, if there is one. */
  linkTarget(path: string): string | undefined {
    return this.#files.get(path)?.link;
  }

  /** The layer that contains exactly this path; 0 if none lists it. */
  layerOf(path: string): number {
    return this.#layerOfEntry(this.#files.get(path)?.entry);
  }

  /** The index is created on first use, since some images do not need it. */
  #layerOfEntry(entry: FactsEntry | undefined): number {
    if (entry === undefined) return 0;
    this.#layerOf ??= this.#indexLayers();
    return this.#layerOf.get(entry) ?? 0;
  }

  #indexLayers(): ReadonlyMap<FactsEntry, number> {
    const layerOf = new Map<FactsEntry, number>();
    this.#layers.forEach(({ facts }, layer) => {
      for (const entry of facts.entries) layerOf.set(entry, layer);
    });
    return layerOf;
  }

  /** Entries of a layer that no other layer hides, with their absolute paths. */
  *entriesOf(layer: number): Iterable<{ readonly path: string; readonly entry: FactsEntry }> {
    for (const entry of this.#layers[layer]?.facts.entries ?? []) {
      if (this.#files.get(entry.path)?.entry === entry) yield { path: `/${entry.path}`, entry };
    }
  }

  /** The sorted names in the directory that a path resolves to; empty if it is not a directory. */
  list(path: string): readonly string[] {
    return this.#files.names(path);
  }

  /** The text of a file, if facts include it. */
  text(path: string): string | undefined {
    return this.#files.text(path);
  }

  /** All paths with this file name, in no particular order. */
  findNamed(name: string): readonly string[] {
    return (this.#named ??= this.#indexNames()).get(name) ?? [];
  }

  #indexNames(): ReadonlyMap<string, readonly string[]> {
    const named = new Map<string, string[]>();
    for (const { path } of this.#files.entries()) {
      if (path === "") continue;
      const name = path.slice(path.lastIndexOf("/") + 1);
      const paths = named.get(name);
      if (paths === undefined) named.set(name, [`/${path}`]);
      else paths.push(`/${path}`);
    }
    return named;
  }
}
