/**
 * A bill of materials as CycloneDX 1.6 JSON (ECMA-424).
 * @module
 */
import { Annotation, digestHex, formatPlatform } from "../oci/mod.ts";
import { contentUuid, type DocumentTool, wholeSeconds } from "./document_id.ts";
import type { Component, Inventory } from "./inventory.ts";
import { parseLicense } from "./licenses.ts";
import { formatPurl } from "./purl.ts";

/** Media type of the document. */
export const CYCLONEDX_TYPE = "application/vnd.cyclonedx+json";

type Json = Readonly<Record<string, unknown>>;

const HASHES: Readonly<Record<string, string>> = {
  md5: "MD5",
  sha1: "SHA-1",
  sha256: "SHA-256",
  sha512: "SHA-512",
  blake3: "BLAKE3",
};

/** Prefix of our property names. */
const PROPERTY = "dev.mise.oci";

function property(name: string, value: string): Json {
  return { name: `${PROPERTY}:${name}`, value };
}

/** A single expression or a list of licences, the two forms that the schema allows. */
function licensesJson(stated: readonly string[]): Json {
  const licenses = [
    ...new Map(stated.map((text) => {
      const license = parseLicense(text);
      return [JSON.stringify(license), license] as const;
    })).values(),
  ];
  const [only] = licenses;
  if (only === undefined) return {};
  if (licenses.length === 1 && only.kind === "expression") {
    return { licenses: [{ expression: only.expression }] };
  }
  return {
    licenses: licenses.map((license) => ({
      license: license.kind === "id"
        ? { id: license.id }
        : { name: license.kind === "name" ? license.name : license.expression },
    })),
  };
}

function sourceJson({ url, checksum }: Component): Json {
  const algorithm = HASHES[checksum?.algorithm ?? ""];
  const hashes = checksum === undefined || algorithm === undefined
    ? {}
    : { hashes: [{ alg: algorithm, content: checksum.value }] };
  if (url === undefined) return hashes;
  return { externalReferences: [{ url, type: "distribution", ...hashes }] };
}

/** The reference of a component, which includes its layer because a package can be in two. */
function referenceOf({ purl, layer }: Component): string {
  return `${purl}#layer-${layer + 1}`;
}

function componentJson(component: Component, { layers }: Inventory): Json {
  const { kind, name, version, purl, licenses, layer, paths, tool } = component;
  const place = layers[layer];
  return {
    "bom-ref": referenceOf(component),
    type: kind === "tool" ? "application" : "library",
    name,
    ...(version === undefined ? {} : { version }),
    ...licensesJson(licenses),
    purl,
    ...sourceJson(component),
    ...(paths.length === 0
      ? {}
      : { evidence: { occurrences: paths.map((path) => ({ location: `/${path}` })) } }),
    properties: [
      property("layer:diff-id", place?.diffId ?? ""),
      property("layer:digest", place?.descriptor.digest ?? ""),
      ...(tool === undefined ? [] : [property("tool", tool)]),
    ],
  };
}

function imageJson({ name, digest, platform, layers }: Inventory): Json {
  return {
    "bom-ref": "image",
    type: "container",
    name,
    version: digest,
    purl: formatPurl({
      type: "oci",
      name: (name.split("/").at(-1) ?? name).toLowerCase(),
      version: digest,
      qualifiers: { arch: platform.architecture },
    }),
    hashes: [{ alg: "SHA-256", content: digestHex(digest) }],
    properties: [
      property("platform", formatPlatform(platform)),
      ...layers.flatMap(({ descriptor, diffId }, at) => {
        const kind = descriptor.annotations?.[Annotation.layerKind] ?? "base";
        return [
          property(`layer:${at + 1}:kind`, kind),
          property(`layer:${at + 1}:digest`, descriptor.digest),
          property(`layer:${at + 1}:diff-id`, diffId),
        ];
      }),
    ],
  };
}

/** Encodes the document as one line of JSON. The same inventory gives the same bytes. */
export async function encodeCycloneDx(
  inventory: Inventory,
  tool: DocumentTool,
): Promise<string> {
  const { components, distribution } = inventory;
  const system = distribution === undefined ? [] : [{
    "bom-ref": "operating-system",
    type: "operating-system",
    name: distribution.id,
    ...(distribution.version === undefined ? {} : { version: distribution.version }),
    ...(distribution.name === undefined ? {} : { description: distribution.name }),
  }];
  const body = {
    version: 1,
    metadata: {
      timestamp: wholeSeconds(inventory.created),
      tools: { components: [{ type: "application", name: tool.name, version: tool.version }] },
      component: imageJson(inventory),
    },
    components: [...system, ...components.map((one) => componentJson(one, inventory))],
    dependencies: [{
      ref: "image",
      dependsOn: [
        ...system.map((one) => one["bom-ref"]),
        ...components.map(referenceOf),
      ],
    }],
  };
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${await contentUuid(JSON.stringify(body))}`,
    ...body,
  };
  return `${JSON.stringify(document)}\n`;
}
