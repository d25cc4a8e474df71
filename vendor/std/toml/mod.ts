/**
 * Typed stand-in for `jsr:@std/toml`, used through `links` where JSR cannot be reached.
 * The code is the npm mirror of the same package.
 * @module
 */
import * as toml from "npm:deno-std@1.4.0/toml/mod.js";

type Toml = {
  parse(text: string): Record<string, unknown>;
  stringify(value: Record<string, unknown>, options?: { keyAlignment?: boolean }): string;
};
const impl = toml as unknown as Toml;

/** Parses TOML 1.0 text; throws `SyntaxError` with the line on malformed input. */
export const parse: (text: string) => Record<string, unknown> = impl.parse;
/** Writes an object as TOML text. */
export const stringify: (
  value: Record<string, unknown>,
  options?: { keyAlignment?: boolean },
) => string = impl.stringify;
