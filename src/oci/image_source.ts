/**
 * The source of an image on the command line and in `mise.toml`: a local path, with or without the prefix of
 * a transport ({@linkcode LOCAL_TRANSPORTS}), or a reference to a registry.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Digest, isDigest } from "./digest.ts";
import { formatReference, parseReference, type Reference } from "./reference.ts";

/** The default base image: glibc, small, and suitable for most prebuilt tools. */
export const DEFAULT_FROM = "debian:bookworm-slim";

/** A local transport: a format in which images are stored. */
export interface LocalTransport {
  /** The prefix before the path. */
  readonly prefix: string;
  /** Whether the path is a directory or a file. */
  readonly path: "DIR" | "FILE";
  /** The optional name of an image after the path, for help; empty if there is only one image. */
  readonly name: "[:TAG]" | "[:NAME]" | "";
  /** The command that creates the file, for help. */
  readonly writer?: string;
}

/**
 * The transports, with skopeo's names. Parsing, help and completion use this table; `OPENERS` in
 * `src/image/open.ts` has a function for each.
 */
export const LOCAL_TRANSPORTS = {
  layout: { prefix: "oci:", path: "DIR", name: "[:TAG]" },
  "oci-archive": { prefix: "oci-archive:", path: "FILE", name: "[:TAG]" },
  "docker-archive": {
    prefix: "docker-archive:",
    path: "FILE",
    name: "[:NAME]",
    writer: "docker save",
  },
} as const satisfies Readonly<Record<string, LocalTransport>>;

/** The kind of a source with a transport. */
export type LocalKind = keyof typeof LOCAL_TRANSPORTS;

const TRANSPORTS = Object.entries(LOCAL_TRANSPORTS) as [LocalKind, LocalTransport][];

/** The form of each transport, for help: `oci:DIR[:TAG]`. */
export const LOCAL_FORMS: readonly string[] = TRANSPORTS.map(([, { prefix, path, name }]) =>
  `${prefix}${path}${name}`
);

/** The prefix of a transport at the beginning of a text; empty if there is none. */
export function transportPrefix(text: string): string {
  return TRANSPORTS.find(([, { prefix }]) => text.startsWith(prefix))?.[1].prefix ?? "";
}

/** Images on this machine. */
export interface LocalSource {
  /** The kind of source; `path` means that it depends on what exists there. */
  readonly kind: LocalKind | "path";
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
  for (const [kind, { prefix, name }] of TRANSPORTS) {
    if (!text.startsWith(prefix)) continue;
    const source = local(kind, text.slice(prefix.length));
    if (source.location !== "" && !source.location.startsWith(":")) return source;
    throw new MiseOciError(
      "usage",
      `Cannot parse image reference ${JSON.stringify(text)}: the path is empty`,
      { hint: `Write ${prefix}PATH${name === "" ? "" : "[:TAG]"}` },
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
 * Parses the source of a base image: `scratch`, a path with the prefix of a transport, also with `@sha256:…`, a
 * path that begins with `/`, `./`, `../` or `~/`, or a reference to a registry, also as `docker://REF`.
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
      const prefix = source.kind === "path" ? "" : LOCAL_TRANSPORTS[source.kind].prefix;
      const digest = source.digest === undefined ? "" : `@${source.digest}`;
      return `${prefix}${source.location}${digest}`;
    }
  }
}
