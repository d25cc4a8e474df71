/**
 * A bill of materials as SPDX 2.3 JSON.
 * @module
 */
import { Annotation, type Descriptor, digestHex, sha256Hex } from "../oci/mod.ts";
import { contentUuid, type DocumentTool, wholeSeconds } from "./document_id.ts";
import type { Component, Inventory } from "./inventory.ts";
import { parseLicense } from "./licenses.ts";

/** Media type of the document. */
export const SPDX_TYPE = "application/spdx+json";

type Json = Readonly<Record<string, unknown>>;

const CHECKSUMS: Readonly<Record<string, string>> = {
  md5: "MD5",
  sha1: "SHA1",
  sha256: "SHA256",
  sha512: "SHA512",
  blake3: "BLAKE3",
};

const UNKNOWN = { licenseConcluded: "NOASSERTION", copyrightText: "NOASSERTION" };

/** Licences that SPDX does not list, by their identifiers in the document. */
class OtherLicenses {
  readonly #texts = new Map<string, string>();

  /** The SPDX expression of stated licences. */
  async expression(stated: readonly string[]): Promise<string> {
    const parts: string[] = [];
    for (const text of stated) {
      const license = parseLicense(text);
      if (license.kind === "id") parts.push(license.id);
      else if (license.kind === "expression") parts.push(`(${license.expression})`);
      else parts.push(await this.#reference(license.name));
    }
    const [only] = parts;
    if (only === undefined) return "NOASSERTION";
    return parts.length === 1 ? only.replace(/^\((.*)\)$/, "$1") : parts.join(" AND ");
  }

  async #reference(text: string): Promise<string> {
    const plain = text.replace(/[^A-Za-z0-9.]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
    const id = `LicenseRef-${plain === "" ? "" : `${plain}-`}${
      (await sha256Hex(text)).slice(0, 8)
    }`;
    this.#texts.set(id, text);
    return id;
  }

  /** The document's section about these licences. */
  json(): readonly Json[] {
    return [...this.#texts].sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([licenseId, name]) => ({ licenseId, name, extractedText: name }));
  }
}

async function packageJson(
  component: Component,
  id: string,
  licenses: OtherLicenses,
): Promise<Json> {
  const { kind, name, version, purl, paths, url, checksum, tool } = component;
  const algorithm = CHECKSUMS[checksum?.algorithm ?? ""];
  const where = paths.map((path) => `/${path}`).join(", ");
  return {
    SPDXID: id,
    name,
    ...(version === undefined ? {} : { versionInfo: version }),
    downloadLocation: url ?? "NOASSERTION",
    filesAnalyzed: false,
    ...(checksum === undefined || algorithm === undefined
      ? {}
      : { checksums: [{ algorithm, checksumValue: checksum.value }] }),
    ...(where === "" ? {} : {
      sourceInfo: `${
        tool === undefined ? "found in" : `installed by mise as ${tool} in`
      }: ${where}`,
    }),
    ...UNKNOWN,
    licenseDeclared: await licenses.expression(component.licenses),
    primaryPackagePurpose: kind === "tool" ? "APPLICATION" : "LIBRARY",
    externalRefs: [{
      referenceCategory: "PACKAGE-MANAGER",
      referenceType: "purl",
      referenceLocator: purl,
    }],
  };
}

function layerId(at: number): string {
  return `SPDXRef-Layer-${at + 1}`;
}

function layerJson(
  { descriptor, diffId }: { readonly descriptor: Descriptor; readonly diffId: string },
  at: number,
): Json {
  const kind = descriptor.annotations?.[Annotation.layerKind] ?? "base";
  return {
    SPDXID: layerId(at),
    name: descriptor.digest,
    comment: `${kind} layer, diff ID ${diffId}`,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    checksums: [{
      algorithm: "SHA256",
      checksumValue: digestHex(descriptor.digest),
    }],
    ...UNKNOWN,
    licenseDeclared: "NOASSERTION",
    primaryPackagePurpose: "ARCHIVE",
  };
}

function relationship(from: string, relationshipType: string, to: string): Json {
  return { spdxElementId: from, relationshipType, relatedSpdxElement: to };
}

/** Encodes the document as one line of JSON. The same inventory gives the same bytes. */
export async function encodeSpdx(inventory: Inventory, tool: DocumentTool): Promise<string> {
  const { name, digest, layers, components, created } = inventory;
  const licenses = new OtherLicenses();
  const packages: Json[] = [];
  const relationships = [
    relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image"),
    ...layers.map((_, at) => relationship("SPDXRef-Image", "CONTAINS", layerId(at))),
  ];
  for (const [at, component] of components.entries()) {
    const id = `SPDXRef-Package-${at + 1}`;
    packages.push(await packageJson(component, id, licenses));
    relationships.push(relationship(layerId(component.layer), "CONTAINS", id));
  }
  const image = {
    SPDXID: "SPDXRef-Image",
    name,
    versionInfo: digest,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    checksums: [{ algorithm: "SHA256", checksumValue: digestHex(digest) }],
    ...UNKNOWN,
    licenseDeclared: "NOASSERTION",
    primaryPackagePurpose: "CONTAINER",
  };
  const extracted = licenses.json();
  const body = {
    creationInfo: {
      created: wholeSeconds(created),
      creators: [`Tool: ${tool.name}-${tool.version}`],
    },
    packages: [image, ...layers.map(layerJson), ...packages],
    ...(extracted.length === 0 ? {} : { hasExtractedLicensingInfos: extracted }),
    relationships,
  };
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name,
    documentNamespace: `https://mise.jdx.dev/oci/spdx/${await contentUuid(JSON.stringify(body))}`,
    ...body,
  };
  return `${JSON.stringify(document)}\n`;
}
