/**
 * `tag`: the names that a layout or an archive has for its images.
 * @module
 */
import { openSource } from "../build/open_source.ts";
import type { WorkflowContext } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import type { Descriptor, Digest, ImageSource, Platform } from "../oci/mod.ts";
import { tagOf } from "../store/image_store.ts";
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
  /** Digest of its manifest or index. */
  readonly digest: Digest;
  /** Media type of that. */
  readonly mediaType: string;
  /** Its platform, if the entry has one. */
  readonly platform?: Platform;
}

/** The names of a layout or an archive. */
export interface TagList {
  /** The argument. */
  readonly image: string;
  /** Every entry, in the order of the index. */
  readonly entries: readonly NamedEntry[];
}

function named(entry: Descriptor): NamedEntry {
  const { digest, mediaType, platform } = entry;
  const tag = tagOf(entry);
  return {
    ...(tag === undefined ? {} : { tag }),
    digest,
    mediaType,
    ...(platform === undefined ? {} : { platform }),
  };
}

function refuseRegistry(source: ImageSource, what: string): void {
  if (source.kind !== "registry") return;
  throw new MiseOciError("usage", `Cannot ${what} of a registry`, {
    hint: "Name a layout, such as ./mise-oci; for a registry use crane ls or crane delete",
  });
}

/** Lists the images of a layout or an archive. @throws {MiseOciError} what opening it throws. */
export async function listTags(
  { source, directory }: TagRequest,
  context: WorkflowContext,
): Promise<TagList> {
  refuseRegistry(source, "list tags");
  await using opened = await openSource(source, directory, context);
  const { manifests } = await opened.store.index();
  return { image: opened.name, entries: manifests.map(named) };
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
  refuseRegistry(source, "remove tags");
  await using opened = await openSource(source, directory, context);
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
  return { image: opened.name, entries: removed.map(named) };
}
