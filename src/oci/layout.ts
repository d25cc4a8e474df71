/**
 * The `oci-layout` file and the names in an image layout (image-spec, image-layout.md).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Digest, digestHex } from "./digest.ts";
import { asObject, encodeJson, parseJson } from "./json.ts";

/** Name of the file that marks a directory as an image layout. */
export const LAYOUT_FILE = "oci-layout";
/** Name of the index of an image layout. */
export const INDEX_FILE = "index.json";
/** The layout version that this library reads and writes. */
const LAYOUT_VERSION = "1.0.0";

/** The path of a blob below the layout's directory. */
export function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

/** The bytes of an `oci-layout` file. */
export function encodeLayoutFile(): Uint8Array<ArrayBuffer> {
  return encodeJson({ imageLayoutVersion: LAYOUT_VERSION });
}

/** Checks the text of an `oci-layout` file. @throws {MiseOciError} `layout` if its version is not 1. */
export function parseLayoutFile(source: Uint8Array | string, what: string): void {
  const version = asObject(parseJson(source, { what, maxBytes: 64 * 1024 }), what)[
    "imageLayoutVersion"
  ];
  if (typeof version !== "string" || !/^1\.\d+\.\d+$/.test(version)) {
    throw new MiseOciError(
      "layout",
      `Cannot use ${what}: image layout version ${JSON.stringify(version)} is not supported`,
      { hint: `Only version ${LAYOUT_VERSION} is known` },
    );
  }
}
