/**
 * Document identifiers derived from the content, so that the same image always has the same document.
 * @module
 */
import { sha256Hex } from "../oci/mod.ts";

/** A UUID of version 8 (RFC 9562) derived from the SHA-256 of a text. */
export async function contentUuid(text: string): Promise<string> {
  const hex = await sha256Hex(text);
  const variant = "89ab"[Number.parseInt(hex[16] ?? "0", 16) % 4];
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** RFC 3339 in UTC with whole seconds; the Unix epoch if the image has no valid creation time. */
export function wholeSeconds(time: string | undefined): string {
  const parsed = new Date(time ?? 0);
  const valid = Number.isNaN(parsed.getTime()) ? new Date(0) : parsed;
  return valid.toISOString().replace(/\.\d+Z$/, "Z");
}

/** The program that creates a document. */
export interface DocumentTool {
  /** Name of the program. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
}
