/**
 * Image references (distribution-spec, "Pulling manifests"; the grammar of `name[:tag][@digest]` that
 * docker, podman and crane share).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Digest, parseDigest } from "./digest.ts";

/** A reference to an image in a registry. */
export interface Reference {
  /** `host[:port]`; `docker.io` for Docker Hub. */
  readonly registry: string;
  /** Repository, `library/debian`. */
  readonly repository: string;
  /** Tag, if one was written. */
  readonly tag?: string;
  /** Digest, if there is one; it takes precedence over the tag. */
  readonly digest?: Digest;
}

/** The registry that a name without a host means. */
export const DOCKER_HUB = "docker.io";

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const LABEL = /^(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])$/;
const IPV6 = /^\[[0-9A-Fa-f:.]+\]$/;

function fail(text: string, why: string, hint?: string): never {
  const shown = JSON.stringify(
    text.replace(/\/\/[^/@]*@|^[^/@]*:[^/@]*@(?!sha)/, "…@").slice(0, 200),
  );
  throw new MiseOciError("usage", `Cannot parse image reference ${shown}: ${why}`, {
    hint: hint ?? hintFor(text),
  });
}

function hintFor(text: string): string {
  const isPath = /^(?:\.{0,2}|~)\//.test(text) || text === "." || text === "..";
  if (isPath || /^(?:oci|(?:oci|docker)-archive):/.test(text)) {
    return "Name an image or repository in a registry: HOST/NAME[:TAG]";
  }
  return "Write [HOST[:PORT]/]NAME[:TAG][@sha256:…], such as debian:bookworm-slim";
}

function splitPort(host: string): readonly [string, string | undefined] {
  const colon = host.lastIndexOf(":");
  return colon > host.lastIndexOf("]")
    ? [host.slice(0, colon), host.slice(colon + 1)]
    : [host, undefined];
}

function checkHost(host: string, text: string): void {
  const [name, port] = splitPort(host);
  if (port !== undefined && (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535)) {
    fail(text, `port ${JSON.stringify(port)} is not a number from 1 to 65535`);
  }
  const ok = IPV6.test(name) || name.split(".").every((label) => LABEL.test(label));
  if (!ok) fail(text, `${JSON.stringify(name)} is not a host name`);
}

/** A first component is a host if it could not be part of a repository name, as docker decides. */
function looksLikeHost(component: string): boolean {
  return component.includes(".") || component.includes(":") || component === "localhost" ||
    component !== component.toLowerCase();
}

/** The digest after the `@`; any other text there may be a user name and password. */
function digestAfter(text: string, at: number): Digest {
  const after = text.slice(at + 1);
  if (after.includes("@") || after.includes("/") && !/^sha\d+:/.test(after)) {
    fail(
      text,
      "it contains a user or password",
      "Log in with docker login or podman login instead",
    );
  }
  return parseDigest(after, "digest of image reference");
}

/**
 * Parses an image reference.
 *
 * @throws {MiseOciError} `usage` if it does not follow the grammar, `unsupported` for a digest that is
 * not sha256.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatReference, parseReference } from "./reference.ts";
 *
 * const reference = parseReference("debian:bookworm-slim");
 * assertEquals(reference.registry, "docker.io");
 * assertEquals(reference.repository, "library/debian");
 * assertEquals(formatReference(reference), "docker.io/library/debian:bookworm-slim");
 * ```
 */
export function parseReference(text: string): Reference {
  if (text === "") fail(text, "it is empty");
  const scheme = /^[a-z][a-z+.-]*:\/\//i.exec(text)?.[0];
  if (scheme !== undefined) {
    const hint = text.includes("@")
      ? undefined
      : `Leave ${scheme} out: ${text.slice(scheme.length)}`;
    fail(text, "a reference has no scheme such as https://", hint);
  }
  // deno-lint-ignore no-control-regex
  if (/[\s\x00-\x1f\x7f]/.test(text)) fail(text, "it contains white space or a control character");
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : digestAfter(text, at);
  const named = at >= 0 ? text.slice(0, at) : text;
  const slash = named.indexOf("/");
  const first = slash < 0 ? undefined : named.slice(0, slash);
  const hasHost = first !== undefined && looksLikeHost(first);
  const host = hasHost ? first : DOCKER_HUB;
  checkHost(host, text);
  const rest = hasHost ? named.slice(slash + 1) : named;
  const colon = rest.indexOf(":");
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) {
    const [one = "", two] = tag.split(":");
    const hint = two !== undefined && TAG.test(one)
      ? `A reference has one tag: write ${text.slice(0, named.length - tag.length)}${one}`
      : undefined;
    fail(text, `tag ${JSON.stringify(tag.slice(0, 140))} is not valid`, hint);
  }
  const hub = host === DOCKER_HUB || host === "index.docker.io";
  const repository = hub && !path.includes("/") && path !== "" ? `library/${path}` : path;
  if (!repository.split("/").every((component) => COMPONENT.test(component))) {
    const upper = repository !== repository.toLowerCase();
    fail(
      text,
      upper
        ? "a repository name is lower case"
        : `${JSON.stringify(path)} is not a repository name`,
      upper
        ? `Write ${hasHost ? `${host}/` : ""}${path.toLowerCase()}${rest.slice(path.length)}`
        : undefined,
    );
  }
  if (host.length + 1 + repository.length > 255) {
    fail(text, "the name is longer than 255 characters");
  }
  return {
    registry: hub ? DOCKER_HUB : host,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/**
 * Checks the name of an image in a layout: a tag alone (`v1`) or a reference (`example.com/app:v1`).
 *
 * @throws {MiseOciError} `usage` if it is neither, or has a digest.
 */
export function parseImageName(text: string): string {
  if (TAG.test(text)) return text;
  if (parseReference(text).digest === undefined) return text;
  throw new MiseOciError("usage", `Cannot use ${JSON.stringify(text)} as a tag: it has a digest`, {
    hint: "Write NAME:TAG or TAG; the digest follows from what is built",
  });
}

/** The full text of a reference, host included. `parseReference` of it gives the same reference. */
export function formatReference(reference: Reference): string {
  const { registry, repository, tag, digest } = reference;
  const withTag = tag === undefined ? "" : `:${tag}`;
  const withDigest = digest === undefined ? "" : `@${digest}`;
  return `${registry}/${repository}${withTag}${withDigest}`;
}

/** A name in a layout that is only a version, without the name of the image. */
const VERSION_ONLY = /^(?:latest|v?\d[^/:]*)$/;

/**
 * The name that an engine can give to an image with this name in a layout, always with a tag: `app` is
 * `app:latest`. `undefined` for a version alone (`v1`) and for anything that is not a reference.
 */
export function maybeEngineName(name: string): string | undefined {
  if (VERSION_ONLY.test(name)) return undefined;
  try {
    const { tag, digest } = parseReference(name);
    if (digest !== undefined) return undefined;
    return tag === undefined ? `${name}:latest` : name;
  } catch (error) {
    if (error instanceof MiseOciError) return undefined;
    throw error;
  }
}

/**
 * The full name of an image with this name in a layout as docker and containerd normalise it: `dev:1` is
 * `docker.io/library/dev:1`. `undefined` if {@linkcode maybeEngineName} is.
 */
export function maybeFullName(name: string): string | undefined {
  const short = maybeEngineName(name);
  return short === undefined ? undefined : formatReference(parseReference(short));
}

/**
 * The last part of the path of a manifest request: the digest if there is one, else the tag, else `latest`.
 */
export function referenceTarget(reference: Reference): string {
  return reference.digest ?? reference.tag ?? "latest";
}

/**
 * Parses the repository of a layer store, host included.
 *
 * @throws {MiseOciError} `usage` for one without a host, with a tag or a digest.
 */
export function parseStoreReference(text: string): Reference {
  const reference = parseReference(text);
  if (!namesHost(text)) fail(text, "it names no registry host", "Write HOST/REPOSITORY");
  if (reference.tag === undefined && reference.digest === undefined) return reference;
  return fail(text, "a layer store is a repository: it has no tag", "Write HOST/REPOSITORY");
}

/** Whether the text contains a registry host, and is not a short name on Docker Hub. */
export function namesHost(text: string): boolean {
  const slash = text.indexOf("/");
  return slash > 0 && looksLikeHost(text.slice(0, slash));
}
