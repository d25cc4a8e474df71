/**
 * Collects the packages described by the files of one layer.
 * @module
 */
import type { RandomAccess } from "../../check/elf/random_access.ts";
import { classifyProgram, isWindows, mayBeClassified } from "./classifiers.ts";
import { parseApk, parseCopyright, parseDpkg } from "./distributions.ts";
import type { FoundPackage, LayerPackages } from "./found.ts";
import { parseGemspec, parsePackageJson, parsePythonMetadata } from "./languages.ts";
import { readProgramPackages } from "./programs.ts";

/** The kind of a file by its path; `program` for all files that are not metadata. */
export type FileKind =
  | "dpkg"
  | "owned"
  | "copyright"
  | "apk"
  | "rpm"
  | "unread"
  | "npm"
  | "python"
  | "gem"
  | "release"
  | "program";

const KINDS: readonly (readonly [kind: FileKind, pattern: RegExp])[] = [
  ["npm", /(?:^|\/)package\.json$/],
  ["python", /\.(?:dist-info\/METADATA|egg-info\/PKG-INFO|egg-info)$|(?:^|\/)EGG-INFO\/PKG-INFO$/],
  ["gem", /(?:^|\/)specifications\/(?:.*\/)?[^/]+\.gemspec$/],
  ["owned", /(?:^|\/)lib\/dpkg\/info\/[^/]+\.list$/],
  ["copyright", /^usr\/share\/doc\/[^/]+\/copyright$/],
  ["dpkg", /(?:^|\/)lib\/dpkg\/(?:status|status\.d\/(?![^/]*\.md5sums$)[^/]+)$/],
  ["apk", /(?:^|\/)lib\/apk\/db\/installed$/],
  ["rpm", /(?:^|\/)(?:lib\/rpm|lib\/sysimage\/rpm|share\/rpm)\/rpmdb\.sqlite$/],
  ["unread", /(?:^|\/)(?:lib\/rpm|lib\/sysimage\/rpm)\/Packages(?:\.db)?$/],
  ["release", /^(?:(?:etc|usr\/lib)\/os-release|etc\/debian_version)$/],
];

/** The kind of a file, by its path. */
export function fileKind(path: string): FileKind {
  return KINDS.find(([, pattern]) => pattern.test(path))?.[0] ?? "program";
}

/** Size limit in bytes for each kind of text. */
export function maxTextBytes(kind: FileKind): number {
  return kind === "dpkg" || kind === "apk" ? 64 * 1024 * 1024 : 4 * 1024 * 1024;
}

/** A path in the form of distributions' lists, whether or not `/bin` is a link to `/usr/bin`. */
function listedPath(path: string): string {
  return path.replace(/^\/?(?:usr\/)?/, "");
}

/** Collects the packages of one layer. */
export class LayerBook {
  readonly #files = new Map<string, readonly FoundPackage[]>();
  readonly #classified = new Map<string, readonly FoundPackage[]>();
  readonly #owned = new Set<string>();
  readonly #hidden: string[] = [];
  readonly #removed: string[] = [];
  readonly #copyrights = new Map<string, readonly string[]>();
  readonly #releases = new Map<string, string>();
  readonly #unread: string[] = [];

  /** Records a path without packages, such as a link or an unknown program. */
  nothing(path: string): void {
    this.#files.set(path, []);
  }

  /** Records that the contents of a directory in lower layers are hidden. */
  hide(directory: string): void {
    this.#hidden.push(directory);
  }

  /** Records that a path of lower layers is removed. */
  remove(path: string): void {
    this.#removed.push(path);
  }

  /** Records packages that were read elsewhere. */
  packages(path: string, packages: readonly FoundPackage[]): void {
    this.#files.set(path, packages);
  }

  /** Records a database that cannot be read. */
  unread(path: string): void {
    this.#files.set(path, []);
    this.#unread.push(path);
  }

  /** Reads a text file. */
  text(path: string, kind: FileKind, text: string): void {
    switch (kind) {
      case "npm":
        return this.packages(path, parsePackageJson(text));
      case "python":
        return this.packages(path, parsePythonMetadata(text));
      case "gem":
        return this.packages(path, parseGemspec(text));
      case "dpkg":
        return this.packages(path, parseDpkg(text));
      case "apk": {
        const { packages, owned } = parseApk(text);
        for (const one of owned) this.#own(one);
        return this.packages(path, packages);
      }
      case "owned":
        for (const line of text.split("\n")) this.#own(line);
        return;
      case "copyright": {
        const licenses = parseCopyright(text);
        const name = path.split("/").at(-2) ?? "";
        if (licenses.length > 0) this.#copyrights.set(name, licenses);
        return;
      }
      case "release":
        this.#releases.set(path, text);
    }
  }

  #own(path: string): void {
    if (mayBeClassified(path)) this.#owned.add(listedPath(path));
  }

  /** Reads a program; `isElf` is false for scripts, which may have versions too. */
  program(path: string, access: RandomAccess, isElf: boolean): void {
    const inside = isElf ? readProgramPackages(access) : [];
    this.#files.set(path, inside);
    const classified = mayBeClassified(path) || isWindows(path)
      ? classifyProgram(path, access)
      : [];
    if (classified.length > 0) this.#classified.set(path, classified);
  }

  /** The result. A program that belongs to a distribution's package is not listed separately. */
  result(): LayerPackages {
    const files = new Map(this.#files);
    for (const [path, found] of this.#classified) {
      if (this.#owned.has(listedPath(path))) continue;
      files.set(path, [...files.get(path) ?? [], ...found]);
    }
    const sorted = <T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
      new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
    return {
      files: sorted(files),
      hidden: [...this.#hidden].sort(),
      removed: [...this.#removed].sort(),
      copyrights: sorted(this.#copyrights),
      releases: sorted(this.#releases),
      unread: [...this.#unread].sort(),
    };
  }
}
