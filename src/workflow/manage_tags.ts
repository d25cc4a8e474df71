/**
 * `tag`: lists and removes the names of images in a layout, an archive or a repository.
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

/** The flags of `tag`, parsed. */
export interface TagRequest {
  /** A layout, an archive or a repository; for removal, with a tag. */
  readonly source: ImageSource;
  /** Absolute base directory of relative paths. */
  readonly directory: string;
}

/** An entry, with or without a name. */
export interface NamedEntry {
  /** Its name. */
  readonly tag?: string;
  /** Digest of its manifest or index; absent for a registry, which only lists names. */
  readonly digest?: Digest;
  /** Media type of the manifest or index. */
  readonly mediaType?: string;
  /** Its platforms: for an index, those of all its images; empty if unknown. */
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

/**
 * Determines the platforms of an entry, which are not stated for an index, and not by all programs for an
 * image.
 */
async function describeEntry(store: ImageStore, entry: Descriptor): Promise<NamedEntry> {
  try {
    const images = await listPlatforms(store, entry, { host: defaultPlatform() });
    return named(entry, images.map(({ platform }) => platform));
  } catch (error) {
    // It may not be an image, or its blobs may be elsewhere, but it still has a name.
    if (error instanceof MiseOciError) return named(entry);
    throw error;
  }
}

/**
 * Refuses a registry: most registries delete a tag only together with its manifest, and so with all tags of
 * it.
 */
function refuseRegistry(name: string): never {
  throw new MiseOciError("usage", `Cannot remove a tag of ${name}: it is in a registry`, {
    hint: "Remove it in the registry's own interface, or with crane delete",
  });
}

/**
 * Lists the images in a layout or an archive, or the tags of a repository.
 *
 * @throws {MiseOciError} as opening it; `not-found` for a repository that does not exist.
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
 * Removes a name from a layout, with blobs that nothing else in it uses.
 *
 * @throws {MiseOciError} `usage` without a tag or if it is not a layout, `not-found` naming the existing
 * tags.
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
