/**
 * Maps host paths to image paths.
 * @module
 */
import type { Project, Tool } from "./project.ts";
import type { Relocation } from "./types.ts";

/** The image directory of a tool: `<mount>/installs/<tool>/<version>`, mise's own layout. */
export function toolImagePath(mountPoint: string, tool: Tool): string {
  return `${mountPoint}/installs/${tool.installDir}`;
}

/** The image directory of mise's plugins. */
export function pluginsDirectory(mountPoint: string): string {
  return `${mountPoint}/plugins`;
}

/**
 * Relocations for all tools of the project: one for each name of a tool's directory on the host.
 */
export function toolRelocations(project: Project, mountPoint: string): readonly Relocation[] {
  return project.tools.flatMap((tool) => {
    const image = toolImagePath(mountPoint, tool);
    const { installPath, realInstallPath = installPath, writtenPath = installPath } = tool;
    const hosts = new Set([installPath, realInstallPath, writtenPath]);
    const { trees = [], moved = {}, path: [bin] = [] } = tool.parts ?? {};
    const own = bin === undefined ? image : `${mountPoint}/${bin}`;
    const places = [
      ...trees.flatMap(({ hostPath, place }) => place === undefined ? [] : [[hostPath, place]]),
      ...Object.entries(moved),
    ];
    return [
      ...[...hosts].map((host) => ({ host, image: own })),
      ...places.map(([host = "", place]) => ({ host, image: `${mountPoint}/${place}` })),
    ];
  });
}

function isBoundary(character: string | undefined): boolean {
  return character === undefined || !/[A-Za-z0-9._~+@%-]/.test(character);
}

/**
 * Finds `path` in a text as a whole path, not as the start of a longer name: `/data/node` is not in
 * `/data/node2`, but is in `-L/data/node/lib:/x`. Returns the offsets.
 */
function occurrences(text: string, path: string): readonly number[] {
  const found: number[] = [];
  for (let at = text.indexOf(path); at >= 0; at = text.indexOf(path, at + 1)) {
    if (isBoundary(text[at + path.length])) found.push(at);
  }
  return found;
}

/** Whether a text contains a host path or a path below it. */
export function mentionsPath(text: string, path: string): boolean {
  return path !== "" && path !== "/" && occurrences(text, path).length > 0;
}

/**
 * Replaces host directories in a value (a path, a PATH-like list, a flag such as `-I/dir`) by their
 * image directories; the longest match wins.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { rebaseValue } from "./paths.ts";
 *
 * const relocations = [{ host: "/data/go/1.25", image: "/mise/installs/go/1.25" }];
 * assertEquals(rebaseValue("/data/go/1.25/bin:/usr/bin", relocations), "/mise/installs/go/1.25/bin:/usr/bin");
 * ```
 */
export function rebaseValue(value: string, relocations: readonly Relocation[]): string {
  const longestFirst = [...relocations].sort((a, b) => b.host.length - a.host.length);
  let result = "";
  let at = 0;
  while (at < value.length) {
    const match = longestFirst.find(({ host }) =>
      value.startsWith(host, at) && isBoundary(value[at + host.length])
    );
    result += match === undefined ? value[at] : match.image;
    at += match === undefined ? 1 : match.host.length;
  }
  return result;
}

/** Escapes a path so that a glob matches it literally. */
export function escapeGlob(path: string): string {
  return path.replace(/[\\*?[\]{}()!+@|]/g, "\\$&");
}
