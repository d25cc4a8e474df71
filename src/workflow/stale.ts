/**
 * Warns of layouts that are older than their project, so that recent changes are not in the image.
 * @module
 */
import { basename, dirname, join, relative } from "@std/path";
import type { WorkflowContext } from "../context.ts";
import type { OpenedImages } from "../image/open.ts";
import type { Image } from "../image/types.ts";
import { Annotation } from "../oci/annotations.ts";
import { INDEX_FILE } from "../oci/layout.ts";
import { maybeStat } from "../store/io_error.ts";

/** Directories in which mise reads a project's config and lock files, with patterns of the file names. */
const PLACES: readonly (readonly [directory: string, names: RegExp])[] = [
  ["", /^(?:\.?mise(?:\..+)?\.(?:toml|lock)|\.tool-versions)$/],
  [".config", /^mise(?:\..+)?\.(?:toml|lock)$/],
  ["mise", /^(?:config|mise)(?:\..+)?\.(?:toml|lock)$/],
  [".mise", /^(?:config|mise)(?:\..+)?\.(?:toml|lock)$/],
  [".config/mise", /^(?:config|mise)(?:\..+)?\.(?:toml|lock)$/],
  [".config/mise/conf.d", /\.toml$/],
];

function list(directory: string): readonly string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name);
  } catch {
    // A missing or unreadable directory contains nothing to compare with.
    return [];
  }
}

function changedAt(path: string): number {
  return maybeStat(path)?.mtime?.getTime() ?? 0;
}

/** The last changed config or lock file next to a layout, if it is newer than the layout. */
function maybeNewer(layout: string): string | undefined {
  const project = dirname(layout);
  const files = PLACES.flatMap(([directory, names]) =>
    list(join(project, directory)).filter((name) => names.test(name))
      .map((name) => join(project, directory, name))
  );
  const [last] = files.map((path) => ({ path, time: changedAt(path) }))
    .sort((a, b) => b.time - a.time);
  if (last === undefined || last.time <= changedAt(join(layout, INDEX_FILE))) return undefined;
  return relative(project, last.path);
}

/**
 * Warns if an image built by mise-oci is in a layout in the project's directory, where `build` writes it,
 * and the project's config or lock file was changed later.
 */
export function warnIfStale(
  { directory }: Pick<OpenedImages, "directory">,
  image: Pick<Image, "config"> | undefined,
  { reporter }: Pick<WorkflowContext, "reporter">,
): void {
  if (
    directory === undefined || image?.config.config?.Labels?.[Annotation.miseVersion] === undefined
  ) {
    return;
  }
  const newer = maybeNewer(directory);
  if (newer === undefined) return;
  const text = `The image in ${JSON.stringify(basename(directory))} is older than ` +
    `${JSON.stringify(newer)}: mise-oci build updates it`;
  reporter.emit({ type: "warning", text });
}
