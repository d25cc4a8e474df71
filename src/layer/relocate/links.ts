/**
 * Relocates the symbolic links of a layer.
 * @module
 */
import { isWithin } from "../../paths.ts";
import * as posix from "@std/path/posix";
import type { LayerEntry } from "../entry.ts";
import { linkWarning } from "./link_warning.ts";
import { relocateLink, type RelocationMap } from "./relocate.ts";
import { imagePythons, maybeCompatiblePython, parseVenvConfig, pythonExecutable } from "./venv.ts";

/** Input of {@linkcode relocateLinks}. */
export interface LinkContext {
  /** The layer's relocations; without rules nothing is changed. */
  readonly relocations: RelocationMap;
  /** Whether the layer or the base has an entry at an image path without leading slash. */
  readonly provided: (path: string) => boolean;
  /** Receives warnings about dangling links. */
  readonly warn: (text: string) => void;
}

/** Directories populated by the container runtime. */
const RUNTIME = ["/dev", "/proc", "/sys", "/tmp", "/run"];

/** Replaces symbolic links by relocated ones, in place. */
export function relocateLinks(entries: LayerEntry[], context: LinkContext): void {
  const { relocations } = context;
  if (relocations.rules.length === 0) return;
  const venvs = new Map(
    entries.filter(({ path, host }) => path.endsWith("/pyvenv.cfg") && host !== undefined)
      .map((entry) => [posix.dirname(entry.path), entry]),
  );
  entries.forEach((entry, index) => {
    if (entry.type !== "symlink" || entry.host === undefined) return;
    const hostDirectory = posix.dirname(entry.host.path);
    const link = { path: `/${entry.path}`, hostDirectory, target: entry.target };
    const relocated = relocateLink(link, relocations);
    let { target } = relocated;
    if (relocated.unknown !== undefined) {
      const python = maybeVenvPython(entry, venvs, relocations);
      if (python !== undefined) target = python;
      else warnIfNowhere(entry, relocated.unknown, context);
    }
    if (target !== entry.target) entries[index] = { ...entry, target };
  });
}

/** The image's Python for `bin/python*` of a virtual environment whose own Python is not in the image. */
function maybeVenvPython(
  entry: LayerEntry,
  venvs: ReadonlyMap<string, LayerEntry>,
  relocations: RelocationMap,
): string | undefined {
  const match = /^(.*)\/bin\/python[\d.]*$/.exec(entry.path);
  const config = venvs.get(match?.[1] ?? "");
  if (config?.host === undefined || !entry.target.startsWith("/")) return undefined;
  const { version } = parseVenvConfig(Deno.readTextFileSync(config.host.path));
  const python = maybeCompatiblePython(version, imagePythons(relocations));
  return python === undefined ? undefined : pythonExecutable(python, posix.basename(entry.target));
}

function warnIfNowhere(entry: LayerEntry, path: string, context: LinkContext): void {
  if (RUNTIME.some((directory) => isWithin(path, directory))) return;
  // Only the base's directories are known, so a file in one of them may exist.
  if (context.provided(path.slice(1)) || context.provided(posix.dirname(path).slice(1))) return;
  context.warn(linkWarning(`/${entry.path}`, entry.target));
}
