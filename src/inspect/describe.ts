/**
 * Describes the layers of an image from its documents, for images of any builder.
 * @module
 */
import {
  Annotation,
  type Descriptor,
  type DiffId,
  type HistoryEntry,
  type ImageConfig,
  type LayerTool,
  layerTools,
  MANAGER_NAMES,
  type Manifest,
  packageManager,
} from "../oci/mod.ts";

/** Information about one layer without reading it. */
export interface LayerDescription {
  /** `tool`, `copy`, `mise`, `config`, …; `base` for layers below the first of these; otherwise `layer`. */
  readonly kind: string;
  /** Its name: a tool's name, an image path, the base's reference; empty if unknown. */
  readonly name: string;
  /** The tool's version. */
  readonly version?: string;
  /** The blob. */
  readonly descriptor: Descriptor;
  /** Digest of its tar. */
  readonly diffId: DiffId;
  /** Its share of the compressed size of all layers, 0 to 1. */
  readonly share: number;
  /** The origin of its content: the step that made it; empty if unknown. */
  readonly origin: string;
}

/** The part of an image that these functions use. */
export interface Documents {
  readonly manifest: Manifest;
  /** The config, with as many diff IDs as the manifest has layers. */
  readonly config: ImageConfig;
}

/** A history text without the additions of docker and buildkit. */
export function cleanHistory(text: string): string {
  return text
    .replace(/^\/bin\/sh -c #\(nop\)\s+/, "")
    .replace(/^(?:RUN\s+)?\/bin\/sh -c\s+/, "RUN ")
    .replace(/\s*# buildkit\s*$/, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/** The history entry of each layer; empty entries if there are fewer than layers. */
function historyOfLayers({ manifest, config }: Documents): readonly HistoryEntry[] {
  const entries = (config.history ?? []).filter((entry) => entry.empty_layer !== true);
  return entries.length === manifest.layers.length ? entries : manifest.layers.map(() => ({}));
}

/**
 * Parses the history entry of a layer built by mise-oci, because clients that copy images may drop
 * annotations.
 */
function ofHistory(
  text: string,
): { readonly kind: string; readonly name?: string; readonly version?: string } | undefined {
  const [, step] = /^mise-oci: (.*)$/.exec(text) ?? [];
  if (step === undefined) return undefined;
  const [, short, version] = /^tool (.+)@([^@]+)$/.exec(step) ?? [];
  if (short !== undefined && version !== undefined) return { kind: "tool", name: short, version };
  const several = /^tools (.+)$/.exec(step)?.[1]?.split(" ").length;
  if (several !== undefined) return { kind: "tool", name: `${several} tools` };
  // Layers of executables have their version only in the history.
  const [, program, release = ""] = /^(mise|mise-oci) (\S+) at \//.exec(step) ?? [];
  if (program !== undefined) {
    return { kind: program === "mise" ? "mise" : "self", version: release };
  }
  const manager = MANAGER_NAMES.find((name) => step.startsWith(`${packageManager(name).history} `));
  if (manager !== undefined) return { kind: "packages", name: manager };
  if (step === "CA certificates") return { kind: "certificates" };
  if (step.endsWith("/config.toml")) return { kind: "config" };
  // The steps of all other kinds begin with the kind: `LayerPlan.createdBy`.
  const [, kind, name = ""] = /^([a-z]+)(?: (.+))?$/.exec(step) ?? [];
  return kind === undefined ? undefined : { kind, name };
}

/** The label of the layer's kind; other versions and builders may have other annotations. */
function ownKind({ annotations = {} }: Descriptor): string | undefined {
  const kind = annotations[Annotation.layerKind];
  if (kind !== undefined) return kind;
  if (annotations[Annotation.toolShort] !== undefined) return "tool";
  if (annotations[Annotation.copy] !== undefined) return "copy";
  if (annotations[Annotation.dotfiles] !== undefined) return "dotfiles";
  return annotations[Annotation.systemPackages] === undefined ? undefined : "packages";
}

function toolNames(tools: readonly LayerTool[]): string {
  return tools.length > 1 ? `${tools.length} tools` : tools[0]?.short ?? "";
}

function nameOf(kind: string, { annotations = {} }: Descriptor, manifest: Manifest): string {
  switch (kind) {
    case "tool":
      return toolNames(layerTools(annotations));
    case "plugin":
      return annotations[Annotation.plugin] ?? "";
    case "copy":
      return annotations[Annotation.copy] ?? "";
    case "packages":
      return annotations[Annotation.systemPackages] ?? "";
    case "base":
      return manifest.annotations?.[Annotation.baseName] ?? "";
    default:
      return "";
  }
}

/** The origin of a layer, without the parts that repeat its kind, name and version. */
function originOf(kind: string, text: string): string {
  const [, detail] = /^mise-oci: (.*)$/.exec(text) ?? [];
  if (detail === undefined) return text;
  return kind === "tool" || kind === "plugin" || kind === "copy"
    ? "mise-oci"
    : `mise-oci, ${detail}`;
}

/** Describes the layers, bottom first. */
export function describeLayers(image: Documents): readonly LayerDescription[] {
  const { manifest, config } = image;
  const history = historyOfLayers(image);
  const total = manifest.layers.reduce((sum, { size }) => sum + size, 0);
  const steps = manifest.layers.map((_, i) => cleanHistory(history[i]?.created_by ?? ""));
  const told = steps.map(ofHistory);
  const kinds = manifest.layers.map((layer, i) => ownKind(layer) ?? told[i]?.kind);
  const firstOwn = kinds.findIndex((kind) => kind !== undefined);
  return manifest.layers.flatMap((descriptor, i) => {
    const diffId = config.diffIds[i];
    if (diffId === undefined) return [];
    const kind = kinds[i] ?? (i < firstOwn ? "base" : "layer");
    const made = steps[i] ?? "";
    const said = told[i];
    const version = descriptor.annotations?.[Annotation.toolVersion] ?? said?.version;
    return [{
      kind,
      name: nameOf(kind, descriptor, manifest) || (said?.name ?? ""),
      ...(version === undefined ? {} : { version }),
      descriptor,
      diffId,
      share: total === 0 ? 0 : descriptor.size / total,
      origin: originOf(kind, made),
    }];
  });
}

/** The title of a layer in one line: `npm:prettier 3.6.2`, or the step that made it. */
export function describeTitle(
  layer: Pick<LayerDescription, "kind" | "name" | "version" | "origin">,
): string {
  const { kind, name, version, origin } = layer;
  if (kind === "tool") return `${name} ${version ?? ""}`.trimEnd();
  if (version !== undefined) return `${kind} ${version}`;
  if (name !== "") return `${kind} ${name}`;
  return kind === "layer" && origin !== "" ? origin : kind;
}
