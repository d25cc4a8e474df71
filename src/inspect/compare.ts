/**
 * Compares two images: layers, config, and the files of layers.
 * @module
 */
import { Annotation, type ContainerConfig, type ImageConfig } from "../oci/mod.ts";
import {
  describeLayers,
  describeTitle,
  type Documents,
  type LayerDescription,
} from "./describe.ts";

/** How a layer changed from A to B. */
export type LayerFate =
  /** The same blob. */
  | "same"
  /** The same content in another blob. */
  | "recompressed"
  /** Another version of the same tool. */
  | "bumped"
  /** Other content under the same name. */
  | "changed"
  /** Only in B. */
  | "added"
  /** Only in A. */
  | "removed";

/** A layer of A, of B, or of both. */
export interface LayerChange {
  /** What became of it. */
  readonly fate: LayerFate;
  /** How it is called. */
  readonly title: string;
  /** The layer in A. */
  readonly before?: LayerDescription;
  /** The layer in B. */
  readonly after?: LayerDescription;
}

/** A change of one setting. Values are omitted if they may be secret. */
export interface SettingChange {
  /** `user`, `workdir`, `label NAME`, … */
  readonly name: string;
  /** Value in A; absent if there was none. */
  readonly before?: string;
  /** Value in B; absent if there is none. */
  readonly after?: string;
}

/** A change of one environment variable. Its value may be secret and is not included. */
export interface EnvChange {
  /** Its name. */
  readonly name: string;
  /** What happened to it. */
  readonly change: "added" | "removed" | "changed";
  /** New entries of a list such as PATH. */
  readonly added?: readonly string[];
  /** Removed entries of a list such as PATH. */
  readonly removed?: readonly string[];
}

/** All differences. */
export interface ImageComparison {
  /** Whether nothing is. */
  readonly identical: boolean;
  /** The layers of B, bottom first, then those that only A has. */
  readonly layers: readonly LayerChange[];
  /** The environment. */
  readonly env: readonly EnvChange[];
  /** The rest of the config. */
  readonly settings: readonly SettingChange[];
  /** The download size of B on a machine that has A. */
  readonly pull: {
    /** Compressed bytes of the layers that A does not have. */
    readonly bytes: number;
    /** Number of these layers. */
    readonly layers: number;
    /** Compressed bytes of all layers of B. */
    readonly totalBytes: number;
  };
}

/** The identity of a layer, independent of its version and content. */
function identity(layer: LayerDescription): string | undefined {
  if (layer.kind === "layer") return layer.origin === "" ? undefined : `layer ${layer.origin}`;
  if (layer.kind === "base") return `base ${layer.origin}`;
  return `${layer.kind} ${layer.name}`;
}

/** Removes the first matching element from a list and returns it. */
function take<T>(list: T[], fits: (item: T) => boolean): T | undefined {
  const at = list.findIndex(fits);
  return at < 0 ? undefined : list.splice(at, 1)[0];
}

function fateOf(before: LayerDescription, after: LayerDescription): LayerFate {
  if (before.descriptor.digest === after.descriptor.digest) return "same";
  if (before.diffId === after.diffId) return "recompressed";
  return before.version === after.version ? "changed" : "bumped";
}

function bumpTitle(before: LayerDescription, after: LayerDescription): string {
  return before.version === after.version
    ? describeTitle(after)
    : `${after.name || after.kind} ${before.version ?? "?"} → ${after.version ?? "?"}`;
}

/** Pairs the layers: first by content, then by identity; equal ones in order. */
function compareLayers(
  a: readonly LayerDescription[],
  b: readonly LayerDescription[],
): readonly LayerChange[] {
  const left = [...a];
  const partner = new Map<LayerDescription, LayerDescription>();
  const rules: readonly ((x: LayerDescription, y: LayerDescription) => boolean)[] = [
    (x, y) => x.descriptor.digest === y.descriptor.digest,
    (x, y) => x.diffId === y.diffId,
    (x, y) => identity(x) !== undefined && identity(x) === identity(y),
    (x, y) => x.kind === "base" && y.kind === "base",
  ];
  for (const fits of rules) {
    for (const after of b) {
      if (partner.has(after)) continue;
      const before = take(left, (candidate) => fits(candidate, after));
      if (before !== undefined) partner.set(after, before);
    }
  }
  return [
    ...b.map((after): LayerChange => {
      const before = partner.get(after);
      if (before === undefined) return { fate: "added", title: describeTitle(after), after };
      return { fate: fateOf(before, after), title: bumpTitle(before, after), before, after };
    }),
    ...left.map((before): LayerChange => ({
      fate: "removed",
      title: describeTitle(before),
      before,
    })),
  ];
}

function envMap(config: ImageConfig): ReadonlyMap<string, string> {
  return new Map((config.config?.Env ?? []).map((text) => {
    const at = text.indexOf("=");
    return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
  }));
}

function compareEnv(a: ImageConfig, b: ImageConfig): readonly EnvChange[] {
  const [old, now] = [envMap(a), envMap(b)];
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((name): readonly EnvChange[] => {
    const [before, after] = [old.get(name), now.get(name)];
    if (before === after) return [];
    if (before === undefined) return [{ name, change: "added" }];
    if (after === undefined) return [{ name, change: "removed" }];
    if (!/(^|_)PATH$/.test(name)) return [{ name, change: "changed" }];
    const [was, is] = [before.split(":"), after.split(":")];
    return [{
      name,
      change: "changed",
      added: is.filter((part) => !was.includes(part)),
      removed: was.filter((part) => !is.includes(part)),
    }];
  });
}

/** Settings of a config as texts by name, without `created` and fields that follow from the layers. */
function settingsOf(image: ImageConfig): ReadonlyMap<string, string> {
  const { config = {} }: { config?: ContainerConfig } = image;
  const fields: readonly (readonly [string, unknown])[] = [
    ["platform", [image.os, image.architecture, image.variant].filter(Boolean).join("/")],
    ["user", config.User],
    ["workdir", config.WorkingDir],
    ["entrypoint", config.Entrypoint],
    ["cmd", config.Cmd],
    ...Object.entries(config.Labels ?? {}).filter(([name]) => name !== Annotation.created)
      .map(([name, value]) => [`label ${name}`, value] as const),
    ...Object.entries(config.extensions ?? {}),
  ];
  return new Map(
    fields.filter(([, value]) => value !== undefined && value !== null && value !== "")
      .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

function compareSettings(a: ImageConfig, b: ImageConfig): readonly SettingChange[] {
  const [old, now] = [settingsOf(a), settingsOf(b)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((name) => {
    const [before, after] = [old.get(name), now.get(name)];
    return before === after ? [] : [{
      name,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    }];
  });
}

/** Compares two images using only their documents. */
export function compareImages(a: Documents, b: Documents): ImageComparison {
  const layers = compareLayers(describeLayers(a), describeLayers(b));
  const env = compareEnv(a.config, b.config);
  const settings = compareSettings(a.config, b.config);
  const present = new Set(a.manifest.layers.map(({ digest }) => digest));
  const unique = new Map(b.manifest.layers.map((layer) => [layer.digest, layer]));
  const missing = [...unique.values()].filter(({ digest }) => !present.has(digest));
  const sum = (list: readonly { readonly size: number }[]): number =>
    list.reduce((total, { size }) => total + size, 0);
  return {
    identical: a.manifest.config.digest === b.manifest.config.digest &&
      layers.every(({ fate }) => fate === "same"),
    layers,
    env,
    settings,
    pull: {
      bytes: sum(missing),
      layers: missing.length,
      totalBytes: sum([...unique.values()]),
    },
  };
}

/** A file of a layer with all properties that are compared. */
export interface LayerFile {
  /** Path relative to the root, without a leading slash. */
  readonly path: string;
  /** `file`, `directory`, `symlink`, … */
  readonly type: string;
  /** Permission bits. */
  readonly mode: number;
  /** User id. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
  /** Bytes of content. */
  readonly size: number;
  /** Target of a link. */
  readonly link?: string;
  /** SHA-256 of the content in hex, of a file. */
  readonly hash?: string;
}

/** One difference. */
export interface FileChange {
  readonly path: string;
  /** How it changed from A to B. */
  readonly change: "added" | "removed" | "changed";
  /** The differing properties of a file that is in both: `content`, `mode`, `owner`, `type`, `link`. */
  readonly what: readonly string[];
  /** Bytes of content in A and in B. */
  readonly sizes: readonly [before: number | undefined, after: number | undefined];
}

function differences(a: LayerFile, b: LayerFile): readonly string[] {
  if (a.type !== b.type) return ["type"];
  return [
    ...(a.size !== b.size || a.hash !== b.hash ? ["content"] : []),
    ...(a.link !== b.link ? ["link"] : []),
    ...(a.mode !== b.mode ? ["mode"] : []),
    ...(a.uid !== b.uid || a.gid !== b.gid ? ["owner"] : []),
  ];
}

/**
 * The differences between two layers, by path. If an archive has several entries for a path, the last one is
 * used.
 */
export function compareFiles(
  before: readonly LayerFile[],
  after: readonly LayerFile[],
): readonly FileChange[] {
  const old = new Map(before.map((file) => [file.path, file]));
  const now = new Map(after.map((file) => [file.path, file]));
  const changes: FileChange[] = [];
  for (const [path, b] of now) {
    const a = old.get(path);
    if (a === undefined) {
      changes.push({ path, change: "added", what: [], sizes: [undefined, b.size] });
      continue;
    }
    const what = differences(a, b);
    if (what.length > 0) changes.push({ path, change: "changed", what, sizes: [a.size, b.size] });
  }
  for (const [path, a] of old) {
    if (now.has(path)) continue;
    changes.push({ path, change: "removed", what: [], sizes: [a.size, undefined] });
  }
  return changes.sort((a, b) => a.path < b.path ? -1 : 1);
}
