/**
 * Package URLs (package-url specification, "purl"). Own encoder, because existing ones disagree about `+`
 * and `:`; scanners compare the text, and this is the form they produce.
 * @module
 */

/** The parts of a package URL. */
export interface PurlParts {
  /** `deb`, `npm`, `golang`… */
  readonly type: string;
  /** Segments before the name, separated by `/`: a scope, an owner, a distribution. */
  readonly namespace?: string;
  /** Name. */
  readonly name: string;
  /** Version. */
  readonly version?: string;
  /** Qualifiers; those without a value are left out. */
  readonly qualifiers?: Readonly<Record<string, string | undefined>>;
}

const LOWER_CASE = new Set(["apk", "bitbucket", "composer", "deb", "github", "golang", "npm"]);

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Normalizes the name of a Python package (packaging.python.org, "Names and normalization"). */
export function pythonName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

function normalName(type: string, name: string): string {
  if (type === "pypi") return pythonName(name);
  return LOWER_CASE.has(type) ? name.toLowerCase() : name;
}

/**
 * Formats a package URL.
 * The text of a package URL.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatPurl } from "./purl.ts";
 *
 * const purl = formatPurl({ type: "npm", namespace: "@std", name: "path", version: "1.1.3" });
 * assertEquals(purl, "pkg:npm/%40std/path@1.1.3");
 * ```
 */
export function formatPurl({ type, namespace = "", name, version, qualifiers }: PurlParts): string {
  const lower = LOWER_CASE.has(type) || type === "rpm";
  const segments = (lower ? namespace.toLowerCase() : namespace).split("/").filter(Boolean);
  const path = [type, ...segments.map(encode), encode(normalName(type, name))].join("/");
  const query = Object.entries(qualifiers ?? {})
    .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${encode(value)}`).join("&");
  const at = version === undefined || version === "" ? "" : `@${encode(version)}`;
  return `pkg:${path}${at}${query === "" ? "" : `?${query}`}`;
}

/** Splits a name with slashes into namespace and name: `@scope/name`, `github.com/owner/repo`. */
export function splitName(path: string): Pick<PurlParts, "namespace" | "name"> {
  const slash = path.lastIndexOf("/");
  return slash > 0 && slash < path.length - 1
    ? { namespace: path.slice(0, slash), name: path.slice(slash + 1) }
    : { name: path };
}
