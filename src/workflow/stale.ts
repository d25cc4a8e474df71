/**
 * Layouts that are older than their project: what was changed since is not in the image.
 * @module
 */
import { basename, dirname, join, relative } from "@std/path";
import type { WorkflowContext } from "../context.ts";
import type { OpenedImages } from "../image/open.ts";
import type { Image } from "../image/types.ts";
import { Annotation } from "../oci/annotations.ts";
import { INDEX_FILE } from "../oci/layout.ts";
import { maybeStat } from "../store/io_error.ts";

/** Directories of a project that mise reads config and lock files in, and which of their files those are. */
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
    // A directory that is not there, or that nobody may read, has nothing to compare with.
    return [];
  }
}

function changedAt(path: string): number {
  return maybeStat(path)?.mtime?.getTime() ?? 0;
}

/** The config or lock file beside a layout that was changed last, if that was after the layout was written. */
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
 * Warns if an image that mise-oci built is in a layout of the project's directory, as `build` writes it, and the
 * project's config or lock file was changed since.
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
    `${JSON.stringify(newer)}: mise-oci build makes it anew`;
  reporter.emit({ type: "warning", text });
}
