/**
 * The types of the OCI image and distribution specifications: parse and encode, nothing else.
 *
 * `parse…` turns untrusted text into a value or throws a `MiseOciError` that names the field; `encode…`
 * returns canonical bytes. No I/O.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeIndex, parseManifest } from "./mod.ts";
 *
 * const parsed = parseManifest(encodeIndex({ manifests: [] }), { what: "my index" });
 * assertEquals(parsed.kind, "index");
 * ```
 * @module
 */
export * from "./annotations.ts";
export * from "./append_layer.ts";
export * from "./compression.ts";
export * from "./descriptor.ts";
export * from "./digest.ts";
export * from "./image_config.ts";
export * from "./image_source.ts";
export * from "./json.ts";
export * from "./layout.ts";
export * from "./manifest.ts";
export * from "./media_type.ts";
export * from "./package_managers.ts";
export * from "./platform.ts";
export * from "./reference.ts";
export * from "./sha256.ts";
export {
  describeError,
  type ErrorCode,
  MiseOciError,
  type MiseOciErrorOptions,
} from "../errors.ts";
