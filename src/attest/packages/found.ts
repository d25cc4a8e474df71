/**
 * The packages found in a layer, and the paths of lower layers that it removes. A layer is read once; the
 * result is cached by diff ID.
 * @module
 */

/** The ecosystem of a package. */
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

/** Fields of a distribution's packages, besides name and version. */
export interface DistributionFields {
  /** Architecture, in the distribution's terms. */
  readonly arch?: string;
  /** The source package, `NAME` or `NAME@VERSION`, if its name differs. */
  readonly upstream?: string;
  /** Epoch; only for rpm. */
  readonly epoch?: string;
}

/** A package described by a file in a layer. */
export interface FoundPackage {
  /** Its ecosystem. */
  readonly ecosystem: Ecosystem;
  /** Name. */
  readonly name: string;
  /** Version, if it has one. */
  readonly version?: string;
  /** Package URL; absent for packages of a distribution, since it contains the distribution's name. */
  readonly purl?: string;
  /** Fields of a distribution's package. */
  readonly distribution?: DistributionFields;
  /** Licences as stated by the package. */
  readonly licenses?: readonly string[];
}

/** The packages found in a layer. */
export interface LayerPackages {
  /** Packages by the path of the describing file; an empty list hides packages of a lower layer's file. */
  readonly files: ReadonlyMap<string, readonly FoundPackage[]>;
  /** Directories whose contents in lower layers are hidden. */
  readonly hidden: readonly string[];
  /** Paths that the layer removes, including everything below them. */
  readonly removed: readonly string[];
  /** Licences of Debian packages by name, from their copyright files. */
  readonly copyrights: ReadonlyMap<string, readonly string[]>;
  /** The text of os-release files and of `debian_version`, by path. */
  readonly releases: ReadonlyMap<string, string>;
  /** Paths of package databases in unsupported formats. */
  readonly unread: readonly string[];
}

/** To be incremented whenever the result for the same layer can change. */
const FORMAT = 4;

/** Encodes the packages of a layer as compact JSON. */
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

/**
 * Parses the result of {@linkcode encodeLayerPackages}; `undefined` if it is damaged or in another format.
 */
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
    return undefined; // an unreadable cache entry counts as missing
  }
}
