/**
 * Annotation and label names: the pre-defined ones (image-spec, annotations.md) and mise-oci's own.
 * @module
 */

/** Names of annotations and labels, as literals that tests compare. */
export const Annotation = {
  /** Tag of an entry in an image layout's index. */
  refName: "org.opencontainers.image.ref.name",
  /** Full name of an entry in an image layout's index; containerd uses it. */
  containerdName: "io.containerd.image.name",
  /** RFC 3339 time of the build. */
  created: "org.opencontainers.image.created",
  /** Reference of the base image. */
  baseName: "org.opencontainers.image.base.name",
  /** Digest of the base image's manifest. */
  baseDigest: "org.opencontainers.image.base.digest",
  /** Read by dev container tools: a JSON array of properties of devcontainer.json. */
  devcontainer: "devcontainer.metadata",
  /** Prefix of what is said of one tool: a layer that several tools share has none of these. */
  toolPrefix: "dev.mise.tool.",
  /** The tool's name in mise. */
  toolShort: "dev.mise.tool.short",
  /** The tool's version. */
  toolVersion: "dev.mise.tool.version",
  /** The directory of the layer's content, without a leading slash. */
  layerPrefix: "dev.mise.layer.prefix",
  /** On a layer of several tools: a JSON list of `{ short, version, prefix }`, what the three above say of one. */
  layerTools: "dev.mise.layer.tools",
  /** Name of the mise plugin whose sources the layer has. */
  plugin: "dev.mise.plugin",
  /** `uid:gid` of the layer's entries. */
  layerOwner: "dev.mise.layer.owner",
  /** Version of the relocation rules with what they depend on. */
  layerRelocation: "dev.mise.layer.relocation",
  /** Version of the byte layout of layers. */
  layerFormat: "dev.mise.layer.format",
  /** Hash of the exclude globs of the layer; absent if there are none. */
  layerExclude: "dev.mise.layer.exclude",
  /** On the layer of system packages: the name of the package manager. */
  systemPackages: "dev.mise.system.packages",
  /** Image path of a copy layer. */
  copy: "dev.mise.copy",
  /** `true` on the dotfiles layer. */
  dotfiles: "dev.mise.dotfiles",
  /**
   * On a manifest: fields that the project sets to the same value as its base, as a JSON list of `Env.NAME`,
   * `Labels.NAME`, `Entrypoint`, `Cmd`, `User`, `WorkingDir`. `rebase` keeps these.
   */
  ownSettings: "dev.mise.config.own",
  /** On an entry of a layer store: the key of its layer. */
  storeKey: "dev.mise.store.key",
  /** On an entry of a layer store: the diff ID of the base layer that it describes. */
  storeFacts: "dev.mise.store.facts",
  /** On an entry of a layer store: a JSON list of other tools' directories that its layer refers to. */
  storeReferences: "dev.mise.store.references",
  /** What kind of layer it is: base, tool, mise, config, … */
  layerKind: "dev.mise.layer.kind",
  /** Label: version of mise. */
  miseVersion: "dev.mise.version",
  /** Label: name of the user whose numbers are the image's User. */
  user: "dev.mise.user",
  /** Label prefix: `dev.mise.tools.<tool>`. */
  toolsPrefix: "dev.mise.tools.",
} as const;

/** A tool whose files a layer has. */
export interface LayerTool {
  /** The tool's name in mise. */
  readonly short: string;
  /** Its version. */
  readonly version: string;
  /** Its directory, without a leading slash. */
  readonly prefix?: string;
}

function isLayerTool(value: unknown): value is LayerTool {
  const { short, version, prefix } = (value ?? {}) as Partial<Record<string, unknown>>;
  return typeof short === "string" && typeof version === "string" &&
    (prefix === undefined || typeof prefix === "string");
}

/** The tools that a layer's annotations say it has: one, or several that share it. */
export function layerTools(
  annotations: Readonly<Record<string, string>> = {},
): readonly LayerTool[] {
  const short = annotations[Annotation.toolShort];
  const version = annotations[Annotation.toolVersion];
  const prefix = annotations[Annotation.layerPrefix];
  if (short !== undefined && version !== undefined) {
    return [{ short, version, ...(prefix === undefined ? {} : { prefix }) }];
  }
  try {
    const list: unknown = JSON.parse(annotations[Annotation.layerTools] ?? "[]");
    return Array.isArray(list) ? list.filter(isLayerTool) : [];
  } catch {
    // Somebody else's annotation.
    return [];
  }
}
