/**
 * The source of an image, as written on the command line and in `mise.toml`: `oci:DIR[:TAG]`,
 * `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME]`, a path, or a reference to a registry.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Digest, isDigest } from "./digest.ts";
import { formatReference, parseReference, type Reference } from "./reference.ts";

/** A layout or an archive on this machine. */
export interface LocalSource {
  /** The kind of source; `path` means that it depends on what exists there. */
  readonly kind: "layout" | "oci-archive" | "docker-archive" | "path";
  /**
   * The path, and after a colon the name of an image in it. Both may contain colons and slashes, so the
   * separating colon is determined by which path exists (`locate` in src/image/open.ts).
   */
  readonly location: string;
  /** Digest of the image, if it was written (`@sha256:…`). */
  readonly digest?: Digest;
}

/** The source of a base image. */
export type BaseSource =
  | { readonly kind: "scratch" }
  | { readonly kind: "registry"; readonly reference: Reference }
  | LocalSource;

/** A base image as a flag, a config file or a setting names it. */
export interface NamedBase {
  /** Its name in messages and annotations: as written, with an absolute path. */
  readonly text: string;
  /** Where it comes from. */
  readonly source: BaseSource;
}

/** The source of an image. */
export type ImageSource =
  | BaseSource
  /** A layout or archive if one exists at the path, else a reference. */
  | { readonly kind: "guess"; readonly text: string; readonly path: string };

const PREFIXES: readonly (readonly [string, LocalSource["kind"]])[] = [
  ["oci:", "layout"],
  ["oci-archive:", "oci-archive"],
  ["docker-archive:", "docker-archive"],
];

/** Prefixes of other programs. */
const OTHER_PLACES = /^(docker-daemon|containers-storage|dir|ostree|sif|atomic|tarball|ocidir):/;

function local(kind: LocalSource["kind"], text: string): LocalSource {
  const at = text.lastIndexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  return digest !== undefined && isDigest(digest)
    ? { kind, location: text.slice(0, at), digest }
    : { kind, location: text };
}

function maybeLocal(text: string): LocalSource | undefined {
  for (const [prefix, kind] of PREFIXES) {
    if (!text.startsWith(prefix)) continue;
    const source = local(kind, text.slice(prefix.length));
    if (source.location !== "" && !source.location.startsWith(":")) return source;
    throw new MiseOciError(
      "usage",
      `Cannot parse image reference ${JSON.stringify(text)}: the path is empty`,
      { hint: `Write ${prefix}PATH[:TAG]` },
    );
  }
  if (/^(?:\.{0,2}\/|~\/|\.{1,2}$|~$)/.test(text)) return local("path", text);
  const [, place] = OTHER_PLACES.exec(text) ?? [];
  if (place === undefined) return undefined;
  throw new MiseOciError("usage", `Cannot read an image from ${JSON.stringify(text)}`, {
    hint: place === "ocidir"
      ? `Write oci:${text.slice("ocidir:".length).replace(/^\/\//, "")}`
      : `Copy it first: skopeo copy ${text} oci-archive:FILE, then name oci-archive:FILE`,
  });
}

/**
 * Parses the source of a base image: `scratch`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`,
 * `docker-archive:FILE[:NAME]`, each also with `@sha256:…`, a path that begins with `/`, `./`, `../` or `~/`,
 * or a reference to a registry, also as `docker://REF`.
 *
 * @throws {MiseOciError} `usage` as {@linkcode parseReference}.
 */
export function parseImageSource(text: string): BaseSource {
  if (text === "scratch") return { kind: "scratch" };
  return maybeLocal(text) ??
    { kind: "registry", reference: parseReference(text.replace(/^docker:\/\//, "")) };
}

/**
 * Parses the name of an image in a registry, also as `docker://REF`, where no other place is possible.
 *
 * @param next what to do about an image on this machine; default: push it first.
 * @throws {MiseOciError} `usage`.
 */
export function parseRegistryImage(
  text: string,
  next = (image: string): string => `Push it first: mise-oci push --image ${image} HOST/NAME:TAG`,
): Reference {
  const source = parseImageSource(text);
  if (source.kind === "registry") return source.reference;
  const name = JSON.stringify(text);
  throw new MiseOciError("usage", `Cannot use ${name} here: it is not an image in a registry`, {
    hint: source.kind === "scratch" ? "Name an image, such as debian:bookworm-slim" : next(text),
  });
}

/**
 * Parses an image argument of a command. Like {@linkcode parseImageSource}, but a name without a prefix is a
 * directory or file if one with that name exists, else a reference.
 *
 * @throws {MiseOciError} `usage`.
 */
export function parseImageArgument(text: string): ImageSource {
  if (text.startsWith("docker://")) return parseImageSource(text);
  return maybeLocal(text) ?? { kind: "guess", text, path: text };
}

/** The source with its path resolved by `resolve`; `~/…` is kept and expanded when the image is opened. */
export function withSourcePath<T extends ImageSource>(
  source: T,
  resolve: (path: string) => string,
): T {
  const absolute = (path: string): string => /^~(?:\/|$)/.test(path) ? path : resolve(path);
  if ("location" in source) return { ...source, location: absolute(source.location) };
  return source.kind === "guess" ? { ...source, path: absolute(source.path) } : source;
}

/**
 * Parses the name of a base image: like {@linkcode parseImageSource}, but keeps the original text.
 *
 * @param resolve makes a path absolute, so that it means the same in every module; default: unchanged.
 * @throws {MiseOciError} `usage`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseBase } from "./image_source.ts";
 *
 * assertEquals(parseBase("debian:12").text, "debian:12");
 * assertEquals(parseBase("oci:base:1", (path) => `/p/${path}`).text, "oci:/p/base:1");
 * ```
 */
export function parseBase(text: string, resolve?: (path: string) => string): NamedBase {
  const source = parseImageSource(text);
  if (resolve === undefined || !("location" in source)) return { text, source };
  const absolute = withSourcePath(source, resolve);
  return { text: formatImageSource(absolute), source: absolute };
}

/**
 * The text of an image source, for messages. {@linkcode parseImageArgument} parses it into the same source.
 */
export function formatImageSource(source: ImageSource): string {
  switch (source.kind) {
    case "scratch":
      return "scratch";
    case "registry":
      return formatReference(source.reference);
    case "guess":
      return source.text;
    default: {
      const prefix = PREFIXES.find(([, kind]) => kind === source.kind)?.[0] ?? "";
      const digest = source.digest === undefined ? "" : `@${source.digest}`;
      return `${prefix}${source.location}${digest}`;
    }
  }
}
