/**
 * `tag`: the names that a layout or an archive has for its images.
 * @module
 */
import { defaultPlatform } from "../build/host/environment.ts";
import { openSource } from "../build/base/open_source.ts";
import type { WorkflowContext } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import {
  type Descriptor,
  type Digest,
  formatImageSource,
  type ImageSource,
  type Platform,
} from "../oci/mod.ts";
import { listPlatforms } from "../image/resolve.ts";
import { type ImageStore, tagOf } from "../store/image_store.ts";
import { openLayout } from "../store/layout.ts";

/** Which images. */
export interface TagRequest {
  /** A layout or an archive; to remove a name, with it. */
  readonly source: ImageSource;
  /** Absolute directory that relative paths start at. */
  readonly directory: string;
}

/** A named image, or one without a name. */
export interface NamedEntry {
  /** Its name. */
  readonly tag?: string;
  /** Digest of its manifest or index; absent for a registry, which lists names only. */
  readonly digest?: Digest;
  /** Media type of that. */
  readonly mediaType?: string;
  /** What it runs on: of an index all of its images; empty if that is not known. */
  readonly platforms: readonly Platform[];
}

/** The names of a layout, an archive or a repository. */
export interface TagList {
  /** The argument. */
  readonly image: string;
  /** Every entry, in the order of the index. */
  readonly entries: readonly NamedEntry[];
}

function named(entry: Descriptor, platforms: readonly Platform[] = []): NamedEntry {
  const { digest, mediaType, platform } = entry;
  const tag = tagOf(entry);
  return {
    ...(tag === undefined ? {} : { tag }),
    digest,
    mediaType,
    platforms: platform === undefined ? platforms : [platform],
  };
}

/** The entry with what it runs on: the entry of an index does not say, nor that of some programs for an image. */
async function describeEntry(store: ImageStore, entry: Descriptor): Promise<NamedEntry> {
  try {
    const images = await listPlatforms(store, entry, { host: defaultPlatform() });
    return named(entry, images.map(({ platform }) => platform));
  } catch (error) {
    // An entry may be no image, or one whose blobs are elsewhere: it has a name all the same.
    if (error instanceof MiseOciError) return named(entry);
    throw error;
  }
}

/** What `tag rm` does not do: most registries forget a tag only with every image that shares its manifest. */
function refuseRegistry(name: string): never {
  throw new MiseOciError("usage", `Cannot remove a tag of ${name}: it is in a registry`, {
    hint: "Remove it in the registry's own interface, or with crane delete",
  });
}

/**
 * Lists the images of a layout or an archive, or the tags of a repository.
 *
 * @throws {MiseOciError} what opening it throws; `not-found` for a repository that does not exist.
 */
export async function listTags(
  { source, directory }: TagRequest,
  context: WorkflowContext,
): Promise<TagList> {
  await using opened = await openSource(source, directory, context, { listsTags: true });
  const { store, reference } = opened;
  if (store.tags !== undefined && reference !== undefined) {
    const { registry, repository } = reference;
    const image = `${registry}/${repository}`;
    return { image, entries: (await store.tags()).map((tag) => ({ tag, platforms: [] })) };
  }
  const { manifests } = await opened.store.index();
  const entries = await Promise.all(manifests.map((entry) => describeEntry(opened.store, entry)));
  return { image: opened.name, entries };
}

/**
 * Removes a name of a layout with the blobs that nothing else there names.
 *
 * @throws {MiseOciError} `usage` without a name or for what is not a layout, `not-found` naming the tags that
 * exist.
 */
export async function removeTag(
  { source, directory }: TagRequest,
  context: WorkflowContext,
): Promise<TagList> {
  if (source.kind === "registry") refuseRegistry(formatImageSource(source));
  await using opened = await openSource(source, directory, context);
  if (opened.reference !== undefined) refuseRegistry(opened.name);
  const { tag } = opened.selector;
  if (opened.directory === undefined) {
    throw new MiseOciError("usage", `Cannot remove a tag of ${opened.name}: it is an archive`, {
      hint: "Archives are written whole: build or copy the images that it should hold",
    });
  }
  const tags = (await opened.store.index()).manifests.map(tagOf).filter((one) => one !== undefined);
  const example = `oci:${opened.directory}:${tags[0] ?? "TAG"}`;
  if (tag === undefined) {
    throw new MiseOciError("usage", `Cannot remove a tag of ${opened.name}: none is named`, {
      hint: `Write ${example}`,
    });
  }
  const layout = await openLayout(opened.directory);
  const removed = await layout.removeEntries((entry) => tagOf(entry) === tag, {
    signal: context.signal,
  });
  if (removed.length === 0) {
    throw new MiseOciError(
      "not-found",
      `Cannot find tag ${JSON.stringify(tag)} in ${opened.name}`,
      {
        hint: tags.length === 0 ? "The layout has no tags" : `It has ${tags.join(", ")}`,
      },
    );
  }
  return { image: opened.name, entries: removed.map((entry) => named(entry)) };
}
