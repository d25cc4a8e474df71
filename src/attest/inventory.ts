/**
 * The packages of an image: those found in its layers, merged, and the tools installed by mise.
 * @module
 */
import {
  Annotation,
  type Descriptor,
  type DiffId,
  type Digest,
  type ImageConfig,
  layerTools,
  type Platform,
} from "../oci/mod.ts";
import { OS_RELEASE_FILES, parseOsRelease } from "../oci/os_release.ts";
import { type LockedTool, maybeLock } from "./lock_file.ts";
import type { FoundPackage, LayerPackages } from "./packages/found.ts";
import { formatPurl, splitName } from "./purl.ts";

/** A layer of the image with its packages. */
export interface InventoryLayer {
  /** Its blob. */
  readonly descriptor: Descriptor;
  /** Its diff ID. */
  readonly diffId: DiffId;
  /** Packages found in it. */
  readonly packages: LayerPackages;
}

/** The image to list. */
export interface InventoryInput {
  /** The image's name for users. */
  readonly name: string;
  /** Digest of its manifest. */
  readonly digest: Digest;
  /** The image's platform. */
  readonly platform: Platform;
  /** Its config. */
  readonly config: ImageConfig;
  /** Its layers, bottom first. */
  readonly layers: readonly InventoryLayer[];
  /** The tools' entries in lock files. */
  readonly locked: readonly LockedTool[];
}

/** A package of an image. */
export interface Component {
  /** `tool` for tools installed by mise, `package` for packages found in layers. */
  readonly kind: "tool" | "package";
  /** Name. */
  readonly name: string;
  /** mise's name of a tool: `npm:prettier`. */
  readonly tool?: string;
  /** Version. */
  readonly version?: string;
  /** Package URL. */
  readonly purl: string;
  /** Licences as stated by the package. */
  readonly licenses: readonly string[];
  /** Index of its layer, bottom first. */
  readonly layer: number;
  /** Paths of the files that describe it, sorted; for a tool, its directory. */
  readonly paths: readonly string[];
  /** Download URL of a tool. */
  readonly url?: string;
  /** Checksum of the download. */
  readonly checksum?: LockedTool["checksum"];
}

/** The distribution named in an image's os-release. */
export interface Distribution {
  /** `ID` of os-release. */
  readonly id: string;
  /** `VERSION_ID`. */
  readonly version?: string;
  /** `PRETTY_NAME`. */
  readonly name?: string;
}

/** The contents of an image. */
export interface Inventory extends Omit<InventoryInput, "config" | "layers" | "locked"> {
  /** RFC 3339 time of the build, if known. */
  readonly created?: string;
  /** The distribution of its base. */
  readonly distribution?: Distribution;
  /** Its layers, bottom first. */
  readonly layers: readonly Pick<InventoryLayer, "descriptor" | "diffId">[];
  /** Its packages, sorted by package URL and layer. */
  readonly components: readonly Component[];
  /** Package databases in unsupported formats, whose packages are missing here. */
  readonly unread: readonly string[];
}

function parseRelease(text: string): Distribution | undefined {
  const fields = parseOsRelease(text);
  const id = fields.get("ID");
  if (id === undefined || id === "") return undefined;
  const [version, name] = [fields.get("VERSION_ID"), fields.get("PRETTY_NAME")];
  return {
    id,
    ...(version === undefined ? {} : { version }),
    ...(name === undefined ? {} : { name }),
  };
}

/** The merged layers. */
interface Merged {
  readonly files: ReadonlyMap<string, { layer: number; found: readonly FoundPackage[] }>;
  readonly distribution: Distribution | undefined;
  readonly copyrights: ReadonlyMap<string, readonly string[]>;
  readonly unread: readonly string[];
}

function isBelow(path: string, directory: string): boolean {
  return directory === "" || path === directory || path.startsWith(`${directory}/`);
}

/** Merges layers: upper files replace lower ones, whiteouts remove them. */
function mergeLayers(layers: readonly InventoryLayer[]): Merged {
  const files = new Map<string, { layer: number; found: readonly FoundPackage[] }>();
  const releases = new Map<string, string>();
  const copyrights = new Map<string, readonly string[]>();
  const unread = new Set<string>();
  layers.forEach(({ packages }, layer) => {
    const { removed, hidden } = packages;
    if (removed.length + hidden.length > 0) {
      const gone = (path: string): boolean =>
        removed.some((one) => isBelow(path, one)) ||
        hidden.some((one) => one === "" || path.startsWith(`${one}/`));
      for (const path of files.keys()) if (gone(path)) files.delete(path);
      for (const path of unread) if (gone(path)) unread.delete(path);
    }
    for (const [path, found] of packages.files) files.set(path, { layer, found });
    for (const [path, text] of packages.releases) releases.set(path, text);
    for (const [name, licenses] of packages.copyrights) copyrights.set(name, licenses);
    for (const path of packages.unread) unread.add(path);
  });
  const [release] = OS_RELEASE_FILES.flatMap((path) => releases.get(path) ?? []);
  const distribution = release === undefined ? undefined : parseRelease(release);
  // Debian's os-release lacks the point release, which scanners use.
  const point = /^\d+\.\d+\s*$/.exec(releases.get("etc/debian_version") ?? "")?.[0].trim();
  const isDebian = distribution?.id === "debian" && point !== undefined;
  return {
    files,
    distribution: isDebian ? { ...distribution, version: point } : distribution,
    copyrights,
    unread: [...unread].sort(),
  };
}

function distributionPurl(found: FoundPackage, distribution: Distribution | undefined): string {
  const { ecosystem, name, version, distribution: fields = {} } = found;
  const { arch, upstream, epoch } = fields;
  const id = distribution?.id ??
    (ecosystem === "deb" ? "debian" : ecosystem === "apk" ? "alpine" : "");
  const namespaces: Readonly<Record<string, string>> = { rhel: "redhat" };
  const namespace = id.startsWith("opensuse") ? "opensuse" : namespaces[id] ?? id;
  const distro = [distribution?.id, distribution?.version].filter((part) => part !== undefined);
  const shown = epoch === undefined ? version : version?.replace(`${epoch}:`, "");
  return formatPurl({
    type: ecosystem,
    namespace: ecosystem === "rpm" ? namespace : id,
    name,
    ...(shown === undefined ? {} : { version: shown }),
    qualifiers: { arch, upstream, epoch, distro: distro.join("-") },
  });
}

/** Package URL types of mise's backends that use the names of an ecosystem. */
const BACKEND_TYPES: Readonly<Record<string, string>> = {
  npm: "npm",
  pipx: "pypi",
  pypi: "pypi",
  cargo: "cargo",
  gem: "gem",
  go: "golang",
  conda: "conda",
  dotnet: "nuget",
  github: "github",
  ubi: "github",
  aqua: "github",
};

/** The package URL of a tool, derived from its backend. */
export function toolPurl(backend: string, version: string): string {
  const [, kind = "", rest = backend] = /^([a-z]+):([^[]+)/.exec(backend) ?? [];
  const type = BACKEND_TYPES[kind];
  if (type === "npm" || type === "golang") {
    const isBare = type === "golang" && /^\d/.test(version);
    return formatPurl({ type, ...splitName(rest), version: isBare ? `v${version}` : version });
  }
  if (type === "github") {
    const [owner, repository] = rest.split("/");
    if (owner !== undefined && repository !== undefined) {
      return formatPurl({ type, namespace: owner, name: repository, version });
    }
  }
  const name = rest.split("/").at(-1) ?? rest;
  return formatPurl({
    type: type === "github" || type === undefined ? "generic" : type,
    name,
    version,
  });
}

/** mise and its tools, from the annotations of layers and from lock files. */
function toolComponents({ layers, config, locked }: InventoryInput): readonly Component[] {
  return layers.flatMap(({ descriptor }, layer): readonly Component[] => {
    const { annotations = {} } = descriptor;
    const tools = layerTools(annotations);
    if (tools.length > 0) {
      return tools.map((tool): Component => {
        const { short, version, prefix } = tool;
        const lock = maybeLock(locked, tool);
        return {
          kind: "tool",
          name: short.replace(/^[a-z]+:/, "").replace(/\[.*$/, ""),
          tool: short,
          version,
          purl: toolPurl(lock?.backend ?? short, version),
          licenses: [],
          layer,
          paths: prefix === undefined ? [] : [prefix],
          ...(lock?.url === undefined ? {} : { url: lock.url }),
          ...(lock?.checksum === undefined ? {} : { checksum: lock.checksum }),
        };
      });
    }
    const mise = config.config?.Labels?.[Annotation.miseVersion];
    if (annotations[Annotation.layerKind] !== "mise" || mise === undefined) return [];
    return [{
      kind: "tool",
      name: "mise",
      tool: "mise",
      version: mise,
      purl: formatPurl({ type: "github", namespace: "jdx", name: "mise", version: `v${mise}` }),
      licenses: ["MIT"],
      layer,
      paths: ["usr/local/bin/mise"],
    }];
  });
}

function componentOf(
  found: FoundPackage,
  place: { readonly layer: number; readonly path: string },
  { distribution, copyrights }: Merged,
): Component {
  const { ecosystem, name, version, purl, licenses = [] } = found;
  const stated = ecosystem === "deb" ? copyrights.get(name) ?? licenses : licenses;
  return {
    kind: "package",
    name,
    ...(version === undefined ? {} : { version }),
    purl: purl ?? distributionPurl(found, distribution),
    licenses: stated,
    layer: place.layer,
    paths: [place.path],
  };
}

/** Merges two components that are the same package in the same layer. */
function joinSame(a: Component, b: Component): Component {
  const union = (x: readonly string[], y: readonly string[]): readonly string[] =>
    [...new Set([...x, ...y])].sort();
  return {
    ...b,
    ...a,
    // Prefer what the package states.
    name: b.name,
    ...(b.version === undefined ? {} : { version: b.version }),
    licenses: union(a.licenses, b.licenses),
    paths: union(a.paths, b.paths),
  };
}

/** Lists the packages of an image. The same input gives the same list. */
export function makeInventory(input: InventoryInput): Inventory {
  const merged = mergeLayers(input.layers);
  const components = new Map<string, Component>();
  const add = (component: Component): void => {
    const key = `${component.purl}\0${component.layer}`;
    const known = components.get(key);
    components.set(key, known === undefined ? component : joinSame(known, component));
  };
  for (const tool of toolComponents(input)) add(tool);
  for (const [path, { layer, found }] of merged.files) {
    for (const one of found) add(componentOf(one, { layer, path }, merged));
  }
  const { name, digest, platform, config } = input;
  return {
    name,
    digest,
    platform,
    ...(config.created === undefined ? {} : { created: config.created }),
    ...(merged.distribution === undefined ? {} : { distribution: merged.distribution }),
    layers: input.layers.map(({ descriptor, diffId }) => ({ descriptor, diffId })),
    components: [...components].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one),
    unread: merged.unread,
  };
}
