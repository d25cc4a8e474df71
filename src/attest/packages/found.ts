/**
 * What a layer says about packages: which its files name, and which paths it takes from the layers below.
 * Made by reading the layer once, kept by its diff ID.
 * @module
 */

/** Who knows a package. */
export type Ecosystem =
  | "deb"
  | "apk"
  | "rpm"
  | "npm"
  | "pypi"
  | "gem"
  | "golang"
  | "cargo"
  | "generic";

/** What a package of a distribution has besides name and version. */
export interface DistributionFields {
  /** Architecture as the distribution names it. */
  readonly arch?: string;
  /** The source package, `NAME` or `NAME@VERSION`, if it is another than the package. */
  readonly upstream?: string;
  /** Epoch; of rpm only. */
  readonly epoch?: string;
}

/** A package that a file of a layer names. */
export interface FoundPackage {
  /** Who knows it. */
  readonly ecosystem: Ecosystem;
  /** Name. */
  readonly name: string;
  /** Version, if it has one. */
  readonly version?: string;
  /** Package URL; absent for packages of a distribution, whose name it holds. */
  readonly purl?: string;
  /** What only packages of a distribution have. */
  readonly distribution?: DistributionFields;
  /** Licences as the package states them. */
  readonly licenses?: readonly string[];
}

/** What a layer says about packages. */
export interface LayerPackages {
  /** Packages by the path of the file that names them; empty lists for files that could have. */
  readonly files: ReadonlyMap<string, readonly FoundPackage[]>;
  /** Paths below which the layer hides everything that lower layers have. */
  readonly hidden: readonly string[];
  /** Paths that the layer removes, with everything below them. */
  readonly removed: readonly string[];
  /** Licences of Debian packages by name, from their copyright files. */
  readonly copyrights: ReadonlyMap<string, readonly string[]>;
  /** The text of os-release files, and of Debian's own file of its version, by path. */
  readonly releases: ReadonlyMap<string, string>;
  /** Paths of package databases whose format is not read. */
  readonly unread: readonly string[];
}

/** To be raised whenever the same layer can say something else. */
const FORMAT = 4;

/** The compact JSON of what a layer says. */
export function encodeLayerPackages(layer: LayerPackages): string {
  const { files, hidden, removed, copyrights, releases, unread } = layer;
  return JSON.stringify({
    format: FORMAT,
    files: [...files],
    hidden,
    removed,
    copyrights: [...copyrights],
    releases: [...releases],
    unread,
  });
}

/** Parses what {@linkcode encodeLayerPackages} gave; `undefined` if it is damaged or of another version. */
export function maybeParseLayerPackages(text: unknown): LayerPackages | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const { format, files, hidden, removed, copyrights, releases, unread } = JSON.parse(text);
    if (format !== FORMAT) return undefined;
    if (![hidden, removed, unread].every(Array.isArray)) return undefined;
    return {
      files: new Map(files),
      hidden,
      removed,
      copyrights: new Map(copyrights),
      releases: new Map(releases),
      unread,
    };
  } catch {
    return undefined; // a cache entry that cannot be read is no entry
  }
}
