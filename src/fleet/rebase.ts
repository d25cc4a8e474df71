/**
 * Rebases an image (spec section 14): computes the config and manifest that a build on the new base would
 * have, from the documents alone.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type ContainerConfig,
  type Descriptor,
  type Digest,
  type EncodedDocument,
  encodedDocument,
  encodeImageConfig,
  encodeManifest,
  type ImageConfig,
  type ImageDocuments,
  type JsonObject,
  MediaType,
  toOciMediaType,
} from "../oci/mod.ts";
import { DEFAULT_PATH } from "../oci/image_path.ts";
import { baseHistory, DEFAULT_WORKDIR, splitVariable } from "../plan/mod.ts";

/** The image and its bases. */
export interface RebaseInput {
  /** The image. */
  readonly image: ImageDocuments;
  /** The base it was built on; absent for `scratch`. */
  readonly oldBase?: ImageDocuments;
  /** The base to rebase onto. */
  readonly newBase: ImageDocuments & {
    /** Its full reference. */
    readonly reference: string;
    /** Digest of its manifest. */
    readonly digest: Digest;
  };
}

/** A rebased image. */
export interface RebasedImage {
  /** Its manifest. */
  readonly manifest: EncodedDocument;
  /** Its config. */
  readonly config: EncodedDocument;
  /** The config, parsed. */
  readonly imageConfig: ImageConfig;
  /** All layers, bottom first. */
  readonly layers: readonly Descriptor[];
  /** How many of them belong to the new base. */
  readonly baseLayers: number;
}

/** The error for an image that cannot be rebased. */
export function rebaseRefusal(why: string, hint: string): MiseOciError {
  return new MiseOciError("unsupported", `Cannot rebase the image: ${why}`, { hint });
}

const BUILD = "Build it on that base instead: mise-oci push --from BASE REF";

/** The names of settings for which the project gave the old base's value. */
function ownSettings({ manifest }: ImageDocuments): ReadonlySet<string> {
  const text = manifest.annotations?.[Annotation.ownSettings];
  if (text === undefined) return new Set();
  try {
    const names: unknown = JSON.parse(text);
    if (Array.isArray(names)) return new Set(names.filter((name) => typeof name === "string"));
  } catch {
    // Handled like a value that is not a list.
  }
  throw rebaseRefusal(`annotation "${Annotation.ownSettings}" is not a list`, BUILD);
}

/** Number of the image's layers that belong to the old base. */
function countBaseLayers({ image, oldBase }: RebaseInput): number {
  const ids = oldBase?.config.diffIds ?? [];
  const same = ids.every((id, i) => image.config.diffIds[i] === id);
  if (same && image.config.diffIds.length > ids.length) return ids.length;
  throw rebaseRefusal(
    same ? "it has no layers but its base's" : "its lowest layers are not those of its base",
    "Rebase works on images that mise-oci pushed, unchanged since",
  );
}

/** The container configs of the image and both bases, and the project's own settings. */
interface Swap {
  readonly image: ContainerConfig;
  readonly old: ContainerConfig;
  readonly new: ContainerConfig;
  readonly own: ReadonlySet<string>;
}

function isInherited(swap: Swap, name: string, values: readonly [unknown, unknown]): boolean {
  const [value, inherited] = values;
  return !swap.own.has(name) && JSON.stringify(value) === JSON.stringify(inherited);
}

/** PATH: the tools' directories, then the new base's. */
function swapPath(value: string, swap: Swap): string {
  const pathOf = ({ Env = [] }: ContainerConfig): string =>
    new Map(Env.map(splitVariable)).get("PATH") || DEFAULT_PATH;
  if (swap.own.has("Env.PATH")) return value;
  const old = pathOf(swap.old);
  // The last occurrence, since a project may put the base's `$PATH` anywhere.
  const at = `:${value}:`.lastIndexOf(`:${old}:`);
  return at < 0 ? value : value.slice(0, at) + pathOf(swap.new) + value.slice(at + old.length);
}

/** Set to the working directory by mise-oci, unless the base or project sets it. */
const TRUSTED = "MISE_TRUSTED_CONFIG_PATHS";

function swapEnv(swap: Swap, workdir: string): readonly string[] {
  const old = new Map((swap.old.Env ?? []).map(splitVariable));
  const variables = new Map(
    (swap.new.Env ?? []).map(splitVariable).filter(([name]) => name !== ""),
  );
  for (const [name, value] of (swap.image.Env ?? []).map(splitVariable)) {
    const isTrust = name === TRUSTED && !old.has(name) && value === swap.image.WorkingDir;
    if (isTrust) {
      if (workdir !== "/" && !variables.has(name)) variables.set(name, workdir);
    } else if (name === "PATH") variables.set(name, swapPath(value ?? "", swap));
    else if (!old.has(name) || !isInherited(swap, `Env.${name}`, [value, old.get(name)])) {
      variables.set(name, value);
    }
  }
  return [...variables].map(([name, value]) => value === undefined ? name : `${name}=${value}`);
}

function swapLabels(swap: Swap): Readonly<Record<string, string>> {
  const { image: { Labels = {} }, old, new: next } = swap;
  const own = Object.entries(Labels).filter(([name, value]) =>
    !isInherited(swap, `Labels.${name}`, [value, old.Labels?.[name]])
  );
  return { ...next.Labels, ...Object.fromEntries(own) };
}

/** Fields that only a base sets; one that differs from the old base's was added later and is kept. */
function swapFields(
  { image, old, next }: Readonly<Record<"image" | "old" | "next", JsonObject | undefined>>,
): JsonObject | undefined {
  const same = (name: string): boolean =>
    JSON.stringify(image?.[name]) === JSON.stringify(old?.[name]);
  const fields = {
    ...next,
    ...Object.fromEntries(Object.entries(image ?? {}).filter(([name]) => !same(name))),
  };
  return Object.keys(fields).length === 0 ? undefined : fields;
}

function swapContainer(swap: Swap): ContainerConfig {
  const { image, old, new: next } = swap;
  const field = <K extends "Entrypoint" | "Cmd" | "User">(name: K): Pick<ContainerConfig, K> => {
    const value = isInherited(swap, name, [image[name], old[name]]) ? next[name] : image[name];
    return (value === undefined ? {} : { [name]: value }) as Pick<ContainerConfig, K>;
  };
  const oldWorkdir = old.WorkingDir || DEFAULT_WORKDIR;
  const workdir = isInherited(swap, "WorkingDir", [image.WorkingDir, oldWorkdir])
    ? next.WorkingDir || DEFAULT_WORKDIR
    : image.WorkingDir;
  const extensions = swapFields({
    image: image.extensions,
    old: old.extensions,
    next: next.extensions,
  });
  return {
    ...field("User"),
    Env: swapEnv(swap, workdir ?? DEFAULT_WORKDIR),
    ...field("Entrypoint"),
    ...field("Cmd"),
    ...(workdir === undefined ? {} : { WorkingDir: workdir }),
    Labels: swapLabels(swap),
    ...(extensions === undefined ? {} : { extensions }),
  };
}

/** The new base's history, followed by the entries of the image's own layers. */
function swapHistory(input: RebaseInput, count: number): ImageConfig["history"] {
  const { image: { config }, oldBase, newBase } = input;
  const all = config.history ?? [];
  const own = all.slice(baseHistory(oldBase?.config, "").length);
  const layers = own.filter(({ empty_layer }) => empty_layer !== true).length;
  const rest = layers === config.diffIds.length - count
    ? own
    : config.diffIds.slice(count).map(() => ({}));
  return [...baseHistory(newBase.config, newBase.reference), ...rest];
}

function swapConfig(input: RebaseInput, count: number): ImageConfig {
  const { image: { config }, oldBase, newBase } = input;
  const old = oldBase?.config;
  const next = newBase.config;
  const variant = config.variant === old?.variant ? next.variant : config.variant;
  const author = config.author === old?.author ? next.author : config.author;
  const history = swapHistory(input, count);
  const extensions = swapFields({
    image: config.extensions,
    old: old?.extensions,
    next: next.extensions,
  });
  return {
    ...(config.created === undefined ? {} : { created: config.created }),
    ...(author === undefined ? {} : { author }),
    architecture: config.architecture,
    os: config.os,
    ...(variant === undefined ? {} : { variant }),
    config: swapContainer({
      image: config.config ?? {},
      old: old?.config ?? {},
      new: next.config ?? {},
      own: ownSettings(input.image),
    }),
    diffIds: [...next.diffIds, ...config.diffIds.slice(count)],
    ...(history === undefined ? {} : { history }),
    ...(extensions === undefined ? {} : { extensions }),
  };
}

/** @throws {MiseOciError} for layers that are only valid on the old base. */
function refuseBoundLayers(input: RebaseInput, count: number): void {
  const { image, newBase } = input;
  const { os, architecture } = image.config;
  if (newBase.config.os !== os || newBase.config.architecture !== architecture) {
    throw rebaseRefusal(
      `it is for ${os}/${architecture}, the base for ` +
        `${newBase.config.os}/${newBase.config.architecture}`,
      "Name a base for the same platform",
    );
  }
  const own = image.manifest.layers.slice(count);
  const packages = own.find(({ annotations }) =>
    annotations?.[Annotation.systemPackages] !== undefined
  );
  if (packages !== undefined) {
    throw rebaseRefusal(
      "its layer of system packages was made for the old base",
      BUILD,
    );
  }
  const certificates = own.some(({ annotations }) =>
    annotations?.[Annotation.layerKind] === "certificates"
  );
  if (certificates) {
    throw rebaseRefusal("its layer of CA certificates includes the old base's", BUILD);
  }
  const foreign = own.find(({ annotations }) => annotations?.[Annotation.layerKind] === undefined);
  if (foreign !== undefined) {
    throw rebaseRefusal(
      `layer ${foreign.digest} was not made by mise-oci, so its dependencies are unknown`,
      "Build the image from its project again",
    );
  }
}

/**
 * Rebases an image. Settings inherited from the old base are replaced by the new base's, those of the
 * project are kept. For the same project, a build on the new base gives the same bytes.
 *
 * @throws {MiseOciError} `unsupported` with the reason, if the result could not be correct.
 */
export function rebaseDocuments(input: RebaseInput): RebasedImage {
  const { image, newBase } = input;
  const count = countBaseLayers(input);
  refuseBoundLayers(input, count);
  const imageConfig = swapConfig(input, count);
  const config = encodedDocument(MediaType.config, encodeImageConfig(imageConfig));
  const layers = [
    ...newBase.manifest.layers.map((layer) => ({
      ...layer,
      mediaType: toOciMediaType(layer.mediaType),
    })),
    ...image.manifest.layers.slice(count),
  ];
  const { [Annotation.ownSettings]: _, ...annotations } = image.manifest.annotations ?? {};
  const own = settingsStillAlike(imageConfig, input);
  const manifest = encodedDocument(
    MediaType.manifest,
    encodeManifest({
      ...image.manifest,
      mediaType: MediaType.manifest,
      config: config.descriptor,
      layers,
      annotations: {
        ...annotations,
        ...(own.length === 0 ? {} : { [Annotation.ownSettings]: JSON.stringify(own) }),
        [Annotation.baseName]: newBase.reference,
        [Annotation.baseDigest]: newBase.digest,
      },
    }),
  );
  return { manifest, config, imageConfig, layers, baseLayers: newBase.manifest.layers.length };
}

/** The project's settings whose value the new base has too, recorded for the next rebase. */
function settingsStillAlike(config: ImageConfig, input: RebaseInput): readonly string[] {
  const { image, oldBase, newBase } = input;
  const own = ownSettings(image);
  const old = oldBase?.config.config ?? {};
  const next = newBase.config.config ?? {};
  const was = image.config.config ?? {};
  const now = config.config ?? {};
  const maps = ({ Env = [], Labels = {}, Entrypoint, Cmd, User, WorkingDir }: ContainerConfig) =>
    new Map<string, unknown>([
      ...Env.map(splitVariable).map(([name, value]) => [`Env.${name}`, value] as const),
      ...Object.entries(Labels).map(([name, value]) => [`Labels.${name}`, value] as const),
      ...Object.entries({ Entrypoint, Cmd, User, WorkingDir: WorkingDir || DEFAULT_WORKDIR }),
    ]);
  const [before, base, theirs, result] = [was, old, next, now].map(maps);
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  return [...before?.keys() ?? []].filter((name) => {
    const set = own.has(name) || !same(before?.get(name), base?.get(name));
    const value = result?.get(name);
    if (name === "Env.PATH") return own.has(name) && same(value, theirs?.get(name));
    return set && value !== undefined && same(value, theirs?.get(name));
  });
}
