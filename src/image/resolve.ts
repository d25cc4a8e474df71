/**
 * Resolves a selector to one image: the only resolver, for layouts, archives and registries.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type Descriptor,
  type Digest,
  formatPlatform,
  type Platform,
  platformScore,
  shortDigest,
} from "../oci/mod.ts";
import { type ImageStore, tagOf } from "../store/image_store.ts";
import { ImageSearch, type Leaf, MAX_TRIED } from "./search.ts";
import type { ResolvedImage, ResolveOptions } from "./types.ts";

/** Maximum number of images or platforms listed in a message. */
const MAX_LISTED = 20;
/** Maximum number of commands proposed in a hint. */
const MAX_PROPOSED = 3;

/**
 * The single entry that a selector names, unresolved: a manifest, or an index with everything below it.
 *
 * @throws {MiseOciError} `not-found` if there is none; `usage` if there are several, listing them in the form
 * to type.
 */
export async function resolveRoot(
  store: ImageStore,
  options: ResolveOptions = {},
): Promise<Descriptor> {
  const search = new ImageSearch(store, options);
  const roots = await search.roots();
  const [first, second] = roots;
  if (first === undefined) throw nothing(store, options);
  if (second !== undefined) throw ambiguous(store, options, roots);
  return first;
}

/**
 * Every image below the entry that a selector names, one for each platform, in the order of the index.
 * Entries that are not images are skipped.
 *
 * @throws {MiseOciError} as {@linkcode resolveRoot}.
 */
export async function listImages(
  store: ImageStore,
  root: Descriptor,
  options: ResolveOptions = {},
): Promise<readonly ResolvedImage[]> {
  const search = new ImageSearch(store, options);
  const images: ResolvedImage[] = [];
  for (const leaf of await search.leaves([root])) {
    const image = await search.image(leaf);
    if (image !== undefined) images.push(image);
  }
  return images;
}

/** An image of one platform, as an index names it. */
export interface PlatformImage {
  /** What it runs on. */
  readonly platform: Platform;
  /** Its manifest. */
  readonly descriptor: Descriptor;
}

/** The images of an entry, one for each platform that its indexes state; reads as little as possible. */
export async function listPlatforms(
  store: ImageStore,
  root: Descriptor,
  options: Pick<ResolveOptions, "host"> = {},
): Promise<readonly PlatformImage[]> {
  const search = new ImageSearch(store, options);
  const images = new Map<string, PlatformImage>();
  for (const leaf of await search.leaves([root])) {
    const platform = await search.platform(leaf);
    if (platform === undefined || images.has(formatPlatform(platform))) continue;
    images.set(formatPlatform(platform), { platform, descriptor: leaf.descriptor });
  }
  return [...images.values()];
}

/**
 * Finds the single image that a selector names, following nested indexes.
 *
 * @throws {MiseOciError} `not-found` if there is none, `unsupported` if none is for the platform, listing the
 * existing ones; `usage` if there are several.
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
  const search = new ImageSearch(store, options);
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
  return new MiseOciError("not-found", `Cannot find an image in ${where}: it holds none`, {
    hint: "Build one with mise-oci build, or name another layout or archive",
  });
}

/**
 * Names of entries for messages: their tag, their full name if two have the same tag, or else their digest.
 */
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

/** A text quoted for a shell. */
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

/** The platform that was asked for has no image. */
export class PlatformMissingError extends MiseOciError {}

/** The error for a platform without an image. */
async function notOffered(
  search: ImageSearch,
  { store, leaves, wanted }: {
    readonly store: ImageStore;
    readonly leaves: readonly Leaf[];
    readonly wanted: Platform;
  },
): Promise<PlatformMissingError> {
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
  return new PlatformMissingError(
    "unsupported",
    isIndex || only === undefined || unique.length > 1
      ? `Cannot use ${store.place} for ${formatPlatform(wanted)}: it offers ${
        unique.length === 0 ? "none" : listing(unique)
      }`
      : `Cannot use ${store.place}: it is for ${only}, not ${formatPlatform(wanted)}`,
    { hint: "Choose another image, or another --platform" },
  );
}
