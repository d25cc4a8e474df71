/**
 * Python virtual environments in tool layers (spec.md, section 7): makes `pyvenv.cfg` and `bin/python*` use
 * a Python of the image. Pure.
 * @module
 */
import * as posix from "@std/path/posix";
import { maybeRebase, rebaseText, type RelocationMap } from "./relocate.ts";

/** A Python of the image. */
export interface ImagePython {
  /** Absolute image directory of the install. */
  readonly root: string;
  /** Exact version. */
  readonly version: string;
}

/** The Python of an environment according to `pyvenv.cfg`. */
export interface VenvConfig {
  /** Directory of the Python executable. */
  readonly home: string | undefined;
  /** Version, as precise as known. */
  readonly version: string | undefined;
}

/** The Pythons among the relocated tools: installs at `installs/python/<version>`. */
export function imagePythons(map: RelocationMap): readonly ImagePython[] {
  const byRoot = new Map<string, ImagePython>();
  for (const { image } of map.rules) {
    const version = /\/installs\/python\/(\d+\.\d+[^/]*)$/.exec(image)?.[1];
    if (version !== undefined) byRoot.set(image, { root: image, version });
  }
  return [...byRoot.values()];
}

/** Parses `pyvenv.cfg`: `key = value` lines. */
export function parseVenvConfig(text: string): VenvConfig {
  const value = (key: string): string | undefined =>
    new RegExp(`^${key}\\s*=\\s*(.+?)\\s*$`, "mi").exec(text)?.[1];
  const version = value("version") ?? value("version_info");
  return { home: value("home"), version: /^\d+(\.\d+){0,2}/.exec(version ?? "")?.[0] };
}

/** The Python with the same version, or else the only one with the same major and minor version. */
export function maybeCompatiblePython(
  version: string | undefined,
  pythons: readonly ImagePython[],
): ImagePython | undefined {
  if (version === undefined) return undefined;
  const same = pythons.find((python) => python.version === version);
  if (same !== undefined) return same;
  const minor = (text: string): string => text.split(".").slice(0, 2).join(".");
  const alike = pythons.filter((python) => minor(python.version) === minor(version));
  return alike.length === 1 ? alike[0] : undefined;
}

/** A rewritten `pyvenv.cfg`. */
export interface RelocatedVenv {
  /** The new text. */
  readonly text: string;
  /** Home of a Python that the image does not have, if there is one. */
  readonly missing?: string;
}

/** Rebases the paths of a `pyvenv.cfg`. */
export function relocateVenvConfig(text: string, map: RelocationMap): RelocatedVenv {
  const { home, version } = parseVenvConfig(text);
  const rebased = rebaseText(text, map);
  if (home === undefined || maybeRebase(home, map) !== undefined) return { text: rebased };
  const python = maybeCompatiblePython(version, imagePythons(map));
  if (python === undefined) return { text: rebased, missing: home };
  const prefix = posix.dirname(home);
  return {
    text: rebased.replace(
      /^(home|executable|base-executable|base-prefix|base-exec-prefix)(\s*=\s*)(.*?)(\s*)$/gmi,
      (line: string, key: string, equals: string, value: string, end: string) => {
        const moved = pythonPath(key.toLowerCase(), value, { python, prefix });
        return moved === undefined ? line : `${key}${equals}${moved}${end}`;
      },
    ),
  };
}

function pythonPath(
  key: string,
  value: string,
  { python, prefix }: { readonly python: ImagePython; readonly prefix: string },
): string | undefined {
  switch (key) {
    case "home":
      return `${python.root}/bin`;
    case "executable":
    case "base-executable":
      return pythonExecutable(python, posix.basename(value));
    default:
      return value === prefix || value.startsWith("/") ? python.root : undefined;
  }
}

/** The path of a Python's executable such as `python3.12`; other names become `python3`. */
export function pythonExecutable(python: ImagePython, name: string): string {
  return `${python.root}/bin/${/^python[\d.]*$/.test(name) ? name : "python3"}`;
}
