/**
 * Packages of languages, described by metadata that their installers leave next to them.
 * @module
 */
import { formatPurl, pythonName, splitName } from "../purl.ts";
import { parseParagraphs } from "./distributions.ts";
import type { FoundPackage } from "./found.ts";

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function npmLicenses(manifest: Readonly<Record<string, unknown>>): readonly string[] {
  const { license, licenses } = manifest;
  const listed = Array.isArray(licenses) ? licenses : [license ?? licenses];
  return listed.flatMap((one: unknown) => {
    const type = typeof one === "object" && one !== null ? Reflect.get(one, "type") : one;
    return text(type) ?? [];
  });
}

/** The package described by a `package.json`; none without a name, as in subdirectories of a package. */
export function parsePackageJson(source: string): readonly FoundPackage[] {
  let manifest: unknown;
  try {
    manifest = JSON.parse(source.replace(/^\ufeff/, ""));
  } catch {
    return [];
  }
  if (typeof manifest !== "object" || manifest === null || Array.isArray(manifest)) return [];
  const fields = manifest as Readonly<Record<string, unknown>>;
  const name = text(fields["name"]);
  const version = text(fields["version"]);
  if (name === undefined) return [];
  const licenses = npmLicenses(fields);
  const slash = name.indexOf("/");
  const named = slash < 0
    ? { name }
    : { namespace: name.slice(0, slash), name: name.slice(slash + 1) };
  return [{
    ecosystem: "npm",
    name,
    ...(version === undefined ? {} : { version }),
    purl: formatPurl({ type: "npm", ...named, ...(version === undefined ? {} : { version }) }),
    ...(licenses.length === 0 ? {} : { licenses }),
  }];
}

/** The package described by `METADATA` or `PKG-INFO` (Python's core metadata). */
export function parsePythonMetadata(source: string): readonly FoundPackage[] {
  const [fields] = parseParagraphs(source.slice(0, 1024 * 1024));
  const stated = text(fields?.get("Name"));
  const version = text(fields?.get("Version"));
  if (fields === undefined || stated === undefined || stated === "Python") return [];
  const name = pythonName(stated);
  // The field may contain a whole licence text.
  const license = text(fields.get("License-Expression")) ??
    [text(fields.get("License"))].find((one) => one !== undefined && !one.includes("\n"));
  return [{
    ecosystem: "pypi",
    name,
    ...(version === undefined ? {} : { version }),
    purl: formatPurl({ type: "pypi", name, ...(version === undefined ? {} : { version }) }),
    ...(license === undefined || license === "UNKNOWN" ? {} : { licenses: [license] }),
  }];
}

/** The gem described by an installed specification. */
export function parseGemspec(source: string): readonly FoundPackage[] {
  const plain = source.replaceAll(".freeze", "");
  const field = (name: string): string | undefined =>
    new RegExp(`\\.${name}\\s*=\\s*["']([^"']+)["']`).exec(plain)?.[1];
  const name = field("name");
  const version = field("version");
  if (name === undefined || version === undefined) return [];
  const list = /\.licenses\s*=\s*\[([^\]]*)\]/.exec(plain)?.[1] ?? "";
  const licenses = [...list.matchAll(/["']([^"']+)["']/g)].map(([, one]) => one ?? "");
  return [{
    ecosystem: "gem",
    name,
    version,
    purl: formatPurl({ type: "gem", name, version }),
    ...(licenses.length === 0 ? {} : { licenses }),
  }];
}

/** A Go module. */
export function goModule(path: string, version: string | undefined): FoundPackage {
  return {
    ecosystem: "golang",
    name: path,
    ...(version === undefined ? {} : { version }),
    purl: formatPurl({
      type: "golang",
      ...splitName(path),
      ...(version === undefined ? {} : { version }),
    }),
  };
}
