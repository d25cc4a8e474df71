/**
 * Package databases of distributions: dpkg, apk and rpm.
 * @module
 */
import type { FoundPackage } from "./found.ts";

/** Parses paragraphs of `Key: value` lines with continuations, the format of dpkg and Python's metadata. */
export function parseParagraphs(text: string): readonly ReadonlyMap<string, string>[] {
  return text.split(/\r?\n[ \t]*\r?\n/).map((paragraph) => {
    const fields = new Map<string, string>();
    let key = "";
    for (const line of paragraph.split(/\r?\n/)) {
      if (/^[ \t]/.test(line)) {
        if (key !== "") fields.set(key, `${fields.get(key)}\n${line.trim()}`);
        continue;
      }
      const colon = line.indexOf(":");
      if (colon < 1) continue;
      key = line.slice(0, colon);
      fields.set(key, line.slice(colon + 1).trim());
    }
    return fields;
  }).filter((fields) => fields.size > 0);
}

/** Packages of `lib/dpkg/status` and of the files in `status.d` (dpkg(1), deb-control(5)). */
export function parseDpkg(text: string): readonly FoundPackage[] {
  return parseParagraphs(text).flatMap((fields): readonly FoundPackage[] => {
    const name = fields.get("Package");
    const version = fields.get("Version");
    if (name === undefined || name === "" || version === undefined) return [];
    if (/\b(?:deinstall|not-installed)\b/.test(fields.get("Status") ?? "")) return [];
    const source = /^(\S+)(?: \((.*)\))?/.exec(fields.get("Source") ?? "");
    const upstream = source === null
      ? undefined
      : source[2] === undefined
      ? source[1]
      : `${source[1]}@${source[2]}`;
    const arch = fields.get("Architecture");
    return [{
      ecosystem: "deb",
      name,
      version,
      distribution: {
        ...(arch === undefined ? {} : { arch }),
        ...(upstream === undefined ? {} : { upstream }),
      },
    }];
  });
}

/** Names of licences in a machine-readable `copyright` file (DEP-5); empty for other formats. */
export function parseCopyright(text: string): readonly string[] {
  if (!/^Format:/m.test(text.slice(0, 2000))) return [];
  const names = [...text.matchAll(/^License:[ \t]*(\S.*)$/gm)].map(([, name]) =>
    name?.trim() ?? ""
  );
  return [...new Set(names.filter((name) => name.length < 100))].sort();
}

/** Parses apk's installed database (apk-installed): packages, and the paths they own. */
export function parseApk(
  text: string,
): { readonly packages: readonly FoundPackage[]; readonly owned: readonly string[] } {
  const packages: FoundPackage[] = [];
  const owned: string[] = [];
  for (const paragraph of text.split(/\n\n+/)) {
    const fields = new Map<string, string>();
    let directory = "";
    for (const line of paragraph.split("\n")) {
      const value = line.slice(2);
      if (line[1] !== ":") continue;
      if (line[0] === "F") directory = value;
      else if (line[0] === "R") owned.push(directory === "" ? value : `${directory}/${value}`);
      else fields.set(line[0] ?? "", value);
    }
    const [name, version, arch, origin, license] = ["P", "V", "A", "o", "L"].map((key) =>
      fields.get(key)
    );
    if (name === undefined || version === undefined) continue;
    packages.push({
      ecosystem: "apk",
      name,
      version,
      distribution: {
        ...(arch === undefined ? {} : { arch }),
        ...(origin === undefined || origin === name ? {} : { upstream: origin }),
      },
      ...(license === undefined ? {} : { licenses: [license] }),
    });
  }
  return { packages, owned };
}

const RPM_TAGS: Readonly<Record<number, string>> = {
  1000: "name",
  1001: "version",
  1002: "release",
  1003: "epoch",
  1014: "license",
  1022: "arch",
  1044: "source",
};
/** Types of an entry: 32-bit integer, string, localized strings. */
const [INT32, STRING, I18N] = [4, 6, 9];

/** Parses an rpm header (rpm's file format, "Header"); `undefined` if it does not describe a package. */
export function maybeParseRpmHeader(blob: Uint8Array): FoundPackage | undefined {
  if (blob.length < 8) return undefined;
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const count = view.getUint32(0);
  const data = 8 + count * 16;
  if (data > blob.length) return undefined;
  const fields = new Map<string, string>();
  for (let at = 8; at < data; at += 16) {
    const name = RPM_TAGS[view.getUint32(at)];
    const type = view.getUint32(at + 4);
    const offset = data + view.getUint32(at + 8);
    if (name === undefined || offset >= blob.length) continue;
    if (type === INT32 && offset + 4 <= blob.length) {
      fields.set(name, String(view.getUint32(offset)));
    } else if (type === STRING || type === I18N) {
      const end = blob.indexOf(0, offset);
      const bytes = blob.subarray(offset, end < 0 ? blob.length : end);
      fields.set(name, new TextDecoder().decode(bytes));
    }
  }
  const [name, version, release, epoch, license, arch, source] = Object.values(RPM_TAGS)
    .map((tag) => fields.get(tag));
  // rpm stores imported signing keys as packages without an architecture.
  if (name === undefined || version === undefined || name === "gpg-pubkey") return undefined;
  const full = `${version}-${release ?? ""}`;
  return {
    ecosystem: "rpm",
    name,
    version: epoch === undefined ? full : `${epoch}:${full}`,
    distribution: {
      ...(arch === undefined ? {} : { arch }),
      ...(source === undefined ? {} : { upstream: source }),
      ...(epoch === undefined ? {} : { epoch }),
    },
    ...(license === undefined ? {} : { licenses: [license] }),
  };
}
