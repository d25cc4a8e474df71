/**
 * Where mise reads the config and lock files of a project.
 * @module
 */
import { join } from "@std/path";

/** Directories of a project, with patterns of the files in them. */
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
    // A missing or unreadable directory contains none.
    return [];
  }
}

/** The paths of a project's config and lock files. */
export function configFiles(project: string): readonly string[] {
  return PLACES.flatMap(([directory, names]) =>
    list(join(project, directory)).filter((name) => names.test(name)).sort()
      .map((name) => join(project, directory, name))
  );
}
