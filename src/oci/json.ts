/**
 * Reads untrusted JSON: bounded, without duplicate keys, and without access to prototypes.
 * @module
 */
import { MiseOciError } from "../errors.ts";

/** A parsed JSON object, with keys in the order of the text. */
export type JsonObject = { readonly [key: string]: unknown };

/** Bounds of {@linkcode parseJson}. */
export interface ParseJsonOptions {
  /** Description of the text for messages: `manifest of "debian:12"`. */
  readonly what: string;
  /** Longest text accepted, in bytes. Default 4 MiB, the usual limit of registries for a manifest. */
  readonly maxBytes?: number;
  /** Deepest nesting accepted. Default 64. */
  readonly maxDepth?: number;
}

/** 4 MiB: the size up to which registries must accept a manifest (distribution-spec, "Pushing Manifests"). */
export const MAX_MANIFEST_BYTES: number = 4 * 1024 * 1024;

function fail(what: string, why: string, cause?: unknown): never {
  throw new MiseOciError("invalid", `Cannot parse ${what}: ${why}`, { cause });
}

/**
 * `JSON.parse` is recursive, keeps the last of two equal keys, and does not report them. This scan detects
 * deep nesting and duplicate keys in one pass over text that `JSON.parse` has accepted.
 */
function scan(text: string, what: string, maxDepth: number): void {
  const keys: (Set<string> | undefined)[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      const start = i;
      for (i++; text.charCodeAt(i) !== 0x22; i++) {
        if (text.charCodeAt(i) === 0x5c) i++;
        if (i >= text.length) fail(what, "unterminated string");
      }
      const seen = keys[keys.length - 1];
      if (seen !== undefined && /^\s*:/.test(text.slice(i + 1, i + 65))) {
        const raw = text.slice(start, i + 1);
        const key = raw.includes("\\") ? JSON.parse(raw) as string : raw.slice(1, -1);
        if (seen.has(key)) fail(what, `duplicate key ${JSON.stringify(key.slice(0, 80))}`);
        seen.add(key);
      }
    } else if (c === 0x7b || c === 0x5b) {
      keys.push(c === 0x7b ? new Set() : undefined);
      if (keys.length > maxDepth) fail(what, `nested more than ${maxDepth} levels deep`);
    } else if (c === 0x7d || c === 0x5d) {
      keys.pop();
    }
  }
}

/**
 * Parses untrusted JSON text.
 *
 * @throws {MiseOciError} `invalid` if the text is too long, not UTF-8, not JSON, nested too deeply or
 * has the same key twice.
 */
export function parseJson(source: Uint8Array | string, options: ParseJsonOptions): unknown {
  const { what, maxBytes = MAX_MANIFEST_BYTES, maxDepth = 64 } = options;
  if (source.length > maxBytes) fail(what, `longer than ${maxBytes} bytes`);
  let text: string;
  try {
    text = typeof source === "string"
      ? source
      : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(source);
  } catch (cause) {
    return fail(what, "not UTF-8", cause);
  }
  if (text.charCodeAt(0) === 0xfeff) fail(what, "starts with a byte order mark");
  if (text.trim() === "") fail(what, "empty");
  scan(text, what, maxDepth);
  try {
    return JSON.parse(text);
  } catch (cause) {
    return fail(what, "not JSON", cause);
  }
}

/** Narrows a value to a JSON object. @throws {MiseOciError} `invalid` for anything else. */
export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  return fail(what, "an object expected");
}

/** Narrows a value to an array. @throws {MiseOciError} `invalid` for anything else. */
export function asArray(value: unknown, what: string): readonly unknown[] {
  return Array.isArray(value) ? value : fail(what, "an array expected");
}

/** Narrows a value to a string. @throws {MiseOciError} `invalid` for anything else. */
export function asString(value: unknown, what: string): string {
  return typeof value === "string" ? value : fail(what, "a string expected");
}

/** A value that may be absent (`undefined` or `null`, which some writers use for it). */
export function maybe<T>(
  value: unknown,
  what: string,
  parse: (value: unknown, what: string) => T,
): T | undefined {
  return value === undefined || value === null ? undefined : parse(value, what);
}

/** Narrows a value to an array of strings. @throws {MiseOciError} `invalid` for anything else. */
export function asStrings(value: unknown, what: string): readonly string[] {
  return asArray(value, what).map((item, i) => asString(item, `${what}[${i}]`));
}

/**
 * Narrows a value to a string map.
 *
 * The result has no inherited properties that a key such as `__proto__` could reach.
 * @throws {MiseOciError} `invalid` for anything else.
 */
export function asStringMap(value: unknown, what: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(asObject(value, what)).map((
      [key, item],
    ) => [key, asString(item, `${what}[${JSON.stringify(key)}]`)]),
  );
}

/** Narrows a value to a byte count. @throws {MiseOciError} `invalid` unless an integer from 0 to 2^53-1. */
export function asSize(value: unknown, what: string): number {
  return Number.isSafeInteger(value) && (value as number) >= 0
    ? value as number
    : fail(what, "a whole number from 0 to 2^53-1 expected");
}

/** The entries of an object whose keys are not in `known`: fields that a newer writer added. */
export function unknownFields(object: JsonObject, known: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !known.includes(key)));
}

/**
 * Encodes a value as canonical bytes: no white space, keys in the order of the object, `undefined`
 * fields left out. The same value gives the same bytes.
 */
export function encodeJson(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
