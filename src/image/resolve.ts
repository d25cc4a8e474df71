/**
 * From what a place names to one image: the only resolver, for layouts, archives and registries.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type Descriptor,
  type Digest,
  formatPlatform,
  maybeFullName,
  maybeManifestKind,
  namesPlatform,
  parseImageConfig,
  type Platform,
  platformScore,
  shortDigest,
} from "../oci/mod.ts";
import {
  type ImageStore,
  readDocument,
  type ReadManifest,
  readManifest,
  tagOf,
} from "../store/image_store.ts";
import { mayBeImage, whyNoImage } from "./is_image.ts";
import type { ResolvedImage, ResolveOptions } from "./types.ts";

/** Indexes within indexes are followed this deep, as R16 asks. */
const MAX_DEPTH = 4;
/** Manifests that are read in one search. */
const MAX_READ = 2000;
/** Entries without a platform that are read to learn it: an index can name far more than are of use. */
const MAX_TRIED = 16;
/** Entries that a search looks at. */
const MAX_ENTRIES = 50_000;
/** So many images or platforms are listed in a message. */
const MAX_LISTED = 20;
/** So many commands are proposed in a hint. */
const MAX_PROPOSED = 3;

type Path = readonly [Descriptor, ...Descriptor[]];

/** A manifest that may be an image, with the indexes that lead to it. */
interface Leaf {
  readonly path: Path;
  readonly descriptor: Descriptor;
  readonly tag: string | undefined;
}

/** One manifest may stand for several platforms. */
function keyOf({ digest, platform }: Descriptor): string {
  return platform === undefined ? digest : `${digest} ${formatPlatform(platform)}`;
}

/** Finds the images of a place; reads each document at most once. */
class Search {
  readonly #store: ImageStore;
  readonly #options: ResolveOptions;
  readonly #manifests = new Map<Digest, Promise<ReadManifest>>();
  readonly #images = new Map<string, Promise<ResolvedImage | undefined>>();
  #read = 0;

  constructor(store: ImageStore, options: ResolveOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** The entries that the selector names, those that belong to an index among them left out. */
  async roots(): Promise<readonly Descriptor[]> {
    const { manifests } = await this.#store.index();
    const { tag, digest } = this.#options;
    const tagged = tag === undefined ? manifests : this.#ofTag(manifests, tag);
    const named = digest === undefined ? tagged : await this.#ofDigest(tagged, digest);
    const entries = [
      ...new Map([...named].reverse().map((entry) => [entry.digest, entry])).values(),
    ].reverse().filter(mayBeImage);
    if (entries.length < 2) return entries;
    // oras lists the children of an index beside it.
    const below = new Set<Digest>();
    for (const entry of entries) {
      if (maybeManifestKind(entry.mediaType) !== "index") continue;
      for (const { path } of await this.leaves([entry])) {
        path.slice(1).forEach((child) => below.add(child.digest));
      }
    }
    const roots = entries.filter((entry) => tagOf(entry) !== undefined || !below.has(entry.digest));
    if (roots.length < 2) return roots;
    const images = await Promise.all(roots.map(async (root) => await this.#leadsToImage(root)));
    return roots.filter((_, i) => images[i]);
  }

  #ofTag(entries: readonly Descriptor[], tag: string): readonly Descriptor[] {
    const full = maybeFullName(tag);
    const tests: readonly ((entry: Descriptor) => boolean)[] = [
      (entry) => entry.annotations?.[Annotation.refName] === tag,
      ({ annotations }) => {
        const name = annotations?.[Annotation.containerdName];
        return name !== undefined && (name === tag || name === full);
      },
      // Some writers put the whole reference where the specification has the tag.
      (entry) => tagOf(entry)?.endsWith(`:${tag}`) === true,
    ];
    for (const test of tests) {
      const found = entries.filter(test);
      if (found.length > 0) return found;
    }
    const tags = entries.flatMap((entry) => tagOf(entry) ?? []);
    const holds = tags.length === 0 ? "no tags" : tags.map((name) => `"${name}"`).join(", ");
    throw new MiseOciError(
      "not-found",
      `Cannot find tag "${tag}" in ${this.#store.place}: it holds ${holds}`,
    );
  }

  /** An entry by its digest, or a manifest below one. */
  async #ofDigest(
    entries: readonly Descriptor[],
    digest: Digest,
  ): Promise<readonly Descriptor[]> {
    const exact = entries.filter((entry) => entry.digest === digest);
    if (exact.length > 0) return exact;
    const paths = (await this.leaves(entries)).map(({ path }) => path);
    const found = paths.flat().find((entry) => entry.digest === digest);
    if (found !== undefined) return [found];
    throw new MiseOciError(
      "not-found",
      `Cannot find image "${digest}" in ${this.#store.place}: it has no such manifest`,
    );
  }

  async #leadsToImage(root: Descriptor): Promise<boolean> {
    if (maybeManifestKind(root.mediaType) === "index") return true;
    const { content } = await this.#manifest(root);
    return content.kind === "manifest" && whyNoImage(content.manifest) === undefined;
  }

  /** The manifests that may be images, in order; indexes are read, manifests are not. */
  async leaves(roots: readonly Descriptor[]): Promise<readonly Leaf[]> {
    const found: Leaf[] = [];
    const visited = new Set<string>();
    const visit = async (path: Path, tag: string | undefined): Promise<void> => {
      const entry = path.at(-1) ?? path[0];
      if (!mayBeImage(entry) || visited.has(keyOf(entry))) return;
      visited.add(keyOf(entry));
      if (visited.size > MAX_ENTRIES) {
        throw this.#fail(`it names more than ${MAX_ENTRIES} manifests`);
      }
      if (maybeManifestKind(entry.mediaType) !== "index") {
        found.push({ path, descriptor: entry, tag });
        return;
      }
      if (path.length > MAX_DEPTH) {
        throw this.#fail(`indexes are nested more than ${MAX_DEPTH} deep`);
      }
      const { content } = await this.#manifest(entry);
      if (content.kind !== "index") return;
      for (const child of content.index.manifests) await visit([...path, child], tag);
    };
    for (const root of roots) await visit([root], tagOf(root));
    return found;
  }

  /** The platform that a manifest is for; `undefined` if it turns out to be no image. */
  async platform(leaf: Leaf): Promise<Platform | undefined> {
    return leaf.descriptor.platform ?? (await this.image(leaf))?.platform;
  }

  /** The image of a manifest; `undefined` below an index if it is none. @throws for one that is named itself. */
  image(leaf: Leaf): Promise<ResolvedImage | undefined> {
    const key = keyOf(leaf.descriptor);
    const known = this.#images.get(key) ?? this.#readImage(leaf);
    this.#images.set(key, known);
    return known;
  }

  async #readImage({ path, descriptor, tag }: Leaf): Promise<ResolvedImage | undefined> {
    const store = this.#store;
    const what = `manifest "${descriptor.digest}" of ${store.place}`;
    const { bytes: manifestBytes, content } = await this.#manifest(descriptor);
    if (content.kind !== "manifest") {
      throw new MiseOciError("invalid", `Cannot parse ${what}: it is an index`);
    }
    const { manifest } = content;
    const why = whyNoImage(manifest);
    if (why !== undefined) {
      if (path.length > 1) return undefined;
      throw this.#fail(why);
    }
    const configBytes = await readDocument(store, manifest.config);
    const stated = descriptor.platform;
    const config = this.#config(configBytes, stated);
    if (config.diffIds.length !== manifest.layers.length) {
      throw new MiseOciError(
        "invalid",
        `Cannot use ${what}: it has ${manifest.layers.length} layers and ${config.diffIds.length} diff IDs`,
      );
    }
    const { os, architecture, variant } = config;
    const own: Platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
    if (stated !== undefined && platformScore(stated, own) === 0) {
      this.#options.warn?.(
        `The image in ${store.place} is for ${formatPlatform(stated)} by its index and for ${
          formatPlatform(own)
        } by its config`,
      );
    }
    return {
      path,
      descriptor,
      manifest,
      manifestBytes,
      config,
      configBytes,
      platform: stated ?? own,
      source: store,
      ...(tag === undefined ? {} : { tag }),
    };
  }

  #config(
    bytes: Uint8Array,
    stated: Platform | undefined,
  ): ReturnType<typeof parseImageConfig> {
    const what = `config of ${this.#store.place}`;
    const { platform, host, warn } = this.#options;
    const assumed = stated ?? platform ?? host;
    if (assumed === undefined || namesPlatform(bytes, what)) return parseImageConfig(bytes, what);
    warn?.(
      `The config of ${this.#store.place} names no platform: ${formatPlatform(assumed)} is assumed`,
    );
    return parseImageConfig(bytes, what, { platform: assumed });
  }

  /** The image of the leaves that runs best on a platform; the first of equally good ones. */
  async best(leaves: readonly Leaf[], wanted: Platform): Promise<ResolvedImage | undefined> {
    // What states no platform comes last: only its config can tell.
    const ranked = leaves.map((leaf) => ({
      leaf,
      score: leaf.descriptor.platform === undefined
        ? 0.5
        : platformScore(wanted, leaf.descriptor.platform),
    })).filter(({ score }) => score > 0).sort((a, b) => b.score - a.score);
    for (const [i, { leaf }] of ranked.entries()) {
      if (i === MAX_TRIED) {
        throw this.#fail(`none of the first ${MAX_TRIED} entries that may fit is for the platform`);
      }
      const image = await this.image(leaf);
      if (image === undefined) continue;
      if (leaf.descriptor.platform !== undefined || platformScore(wanted, image.platform) > 0) {
        return image;
      }
    }
    return undefined;
  }

  #manifest(descriptor: Descriptor): Promise<ReadManifest> {
    const known = this.#manifests.get(descriptor.digest);
    if (known !== undefined) return known;
    if (++this.#read > MAX_READ) {
      throw this.#fail(`it names more than ${MAX_READ} manifests`);
    }
    const read = readManifest(this.#store, descriptor);
    this.#manifests.set(descriptor.digest, read);
    return read;
  }

  #fail(why: string): MiseOciError {
    return new MiseOciError("unsupported", `Cannot use ${this.#store.place}: ${why}`, {
      hint: "Choose another image, or another --platform",
    });
  }
}

/**
 * The one entry that a selector means, as it is: a manifest, or an index with all below it.
 *
 * @throws {MiseOciError} `not-found` if there is none; `usage` if there are several, listing them as they
 * can be typed.
 */
export async function resolveRoot(
  store: ImageStore,
  options: ResolveOptions = {},
): Promise<Descriptor> {
  const search = new Search(store, options);
  const roots = await search.roots();
  const [first, second] = roots;
  if (first === undefined) throw nothing(store, options);
  if (second !== undefined) throw ambiguous(store, options, roots);
  return first;
}

/**
 * Every image below what a selector names, one for each platform, in the order of the index. Entries that
 * turn out to be something else are left out.
 *
 * @throws {MiseOciError} as {@linkcode resolveRoot}.
 */
export async function listImages(
  store: ImageStore,
  root: Descriptor,
  options: ResolveOptions = {},
): Promise<readonly ResolvedImage[]> {
  const search = new Search(store, options);
  const images: ResolvedImage[] = [];
  for (const leaf of await search.leaves([root])) {
    const image = await search.image(leaf);
    if (image !== undefined) images.push(image);
  }
  return images;
}

/** The platforms of an entry, each once, as its indexes state them; reads no more than it must. */
export async function listPlatforms(
  store: ImageStore,
  root: Descriptor,
  options: Pick<ResolveOptions, "host"> = {},
): Promise<readonly Platform[]> {
  const search = new Search(store, options);
  const platforms = new Map<string, Platform>();
  for (const leaf of await search.leaves([root])) {
    const platform = await search.platform(leaf);
    if (platform !== undefined) platforms.set(formatPlatform(platform), platform);
  }
  return [...platforms.values()];
}

/**
 * Finds the one image that is meant, following nested indexes.
 *
 * @throws {MiseOciError} `not-found` if there is none, `unsupported` if none is for the platform, listing
 * what there is; `usage` if there are several.
 *
 * @example
 * ```ts
 * import { parsePlatform } from "../oci/mod.ts";
 * import { openLayout } from "../store/mod.ts";
 * import { resolveImage } from "./mod.ts";
 *
 * async function digestOf(directory: string): Promise<string> {
 *   const platform = parsePlatform("linux/arm64");
 *   return (await resolveImage(await openLayout(directory), { platform })).descriptor.digest;
 * }
 * ```
 */
export async function resolveImage(
  store: ImageStore,
  options: ResolveOptions = {},
): Promise<ResolvedImage> {
  const search = new Search(store, options);
  const roots = await search.roots();
  const leaves = await search.leaves(roots);
  const [only, another] = leaves;
  if (only === undefined && roots.length === 0) throw nothing(store, options);
  const wanted = options.platform ?? (another === undefined ? undefined : options.host);
  if (wanted === undefined) {
    if (another !== undefined) throw ambiguous(store, options, leaves.map((leaf) => named(leaf)));
    const image = only === undefined ? undefined : await search.image(only);
    if (image === undefined) throw nothing(store, options);
    return image;
  }
  const images = new Map<Digest, ResolvedImage>();
  for (const root of roots) {
    const image = await search.best(leaves.filter(({ path }) => path[0] === root), wanted);
    if (image === undefined || images.has(image.descriptor.digest)) continue;
    images.set(image.descriptor.digest, image);
  }
  const scored = [...images.values()].map((image) => ({
    image,
    score: platformScore(wanted, image.platform),
  })).sort((a, b) => b.score - a.score);
  const [best, next] = scored;
  if (best === undefined) throw await notOffered(search, { store, leaves, wanted });
  if (next !== undefined && next.score === best.score) {
    const equal = scored.filter(({ score }) => score === best.score);
    throw ambiguous(
      store,
      options,
      equal.map(({ image }) => ({ ...image.path[0], platform: image.platform })),
    );
  }
  return best.image;
}

/** A leaf under the name that leads to it. */
function named({ path, descriptor, tag }: Leaf): Descriptor {
  return tag === undefined ? descriptor : { ...path[0], ...platformOf(descriptor) };
}

function platformOf({ platform }: Descriptor): Pick<Descriptor, "platform"> {
  return platform === undefined ? {} : { platform };
}

function whereOf(store: ImageStore, { tag, digest }: ResolveOptions): string {
  if (digest !== undefined) return `"${shortDigest(digest)}" of ${store.place}`;
  return tag === undefined ? store.place : `"${tag}" of ${store.place}`;
}

function nothing(store: ImageStore, options: ResolveOptions): MiseOciError {
  const where = whereOf(store, options);
  return new MiseOciError("not-found", `Cannot find an image in ${where}: it holds none`);
}

/** How entries are called: by their tag, by their full name where two have the same tag, else by digest. */
function names(entries: readonly Descriptor[]): readonly string[] {
  const tags = entries.map(tagOf);
  return entries.map((entry, i) => {
    const tag = tags[i];
    const isTwice = tags.indexOf(tag) !== tags.lastIndexOf(tag);
    const full = entry.annotations?.[Annotation.containerdName];
    if (tag === undefined || isTwice && full === undefined) return `@${entry.digest}`;
    return `:${isTwice ? full : tag}`;
  });
}

function describe(entry: Descriptor): string {
  const platform = entry.platform === undefined ? [] : [formatPlatform(entry.platform)];
  const tag = tagOf(entry);
  return [tag === undefined ? shortDigest(entry.digest) : `"${tag}"`, ...platform].join(" ");
}

function listing(items: readonly string[]): string {
  const rest = items.length - MAX_LISTED;
  return items.slice(0, MAX_LISTED).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** A text as a shell takes it. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function ambiguous(
  store: ImageStore,
  options: ResolveOptions,
  entries: readonly Descriptor[],
): MiseOciError {
  const different = new Set(entries.map(({ digest }) => digest)).size > 1;
  const { address } = store;
  const proposals = [...new Set(names(entries))].map((name) => quoted(`${address}${name}`));
  const rest = proposals.length > MAX_PROPOSED ? ", …" : "";
  return new MiseOciError(
    "usage",
    `Cannot choose an image of ${whereOf(store, options)}: it holds ${
      listing(entries.map(describe))
    }`,
    {
      hint: different && address !== undefined
        ? `Name one: ${proposals.slice(0, MAX_PROPOSED).join(", ")}${rest}`
        : "Name one with --platform",
    },
  );
}

/** The error for a platform that nothing is for. */
async function notOffered(
  search: Search,
  { store, leaves, wanted }: {
    readonly store: ImageStore;
    readonly leaves: readonly Leaf[];
    readonly wanted: Platform;
  },
): Promise<MiseOciError> {
  const platforms = await Promise.all(
    leaves.map((leaf) =>
      leaves.length > MAX_TRIED ? leaf.descriptor.platform : search.platform(leaf)
    ),
  );
  const offers = platforms.flatMap((platform) =>
    platform === undefined ? [] : [formatPlatform(platform)]
  );
  const unique = [...new Set(offers)].sort();
  const [only] = unique;
  const isIndex = leaves.some(({ path }) => path.length > 1);
  return new MiseOciError(
    "unsupported",
    isIndex || only === undefined || unique.length > 1
      ? `Cannot use ${store.place} for ${formatPlatform(wanted)}: it offers ${
        unique.length === 0 ? "none" : listing(unique)
      }`
      : `Cannot use ${store.place}: it is for ${only}, not ${formatPlatform(wanted)}`,
    { hint: "Choose another image, or another --platform" },
  );
}
