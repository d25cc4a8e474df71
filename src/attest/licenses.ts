/**
 * Licences as packages state them, as the terms of SPDX where they are.
 * @module
 */
import parseExpression from "npm:spdx-expression-parse@5.0.0";
import ids from "npm:spdx-license-ids@3.0.24/index.json" with { type: "json" };
import deprecated from "npm:spdx-license-ids@3.0.24/deprecated.json" with { type: "json" };

/** A stated licence. */
export type License =
  /** An identifier of SPDX's list. */
  | { readonly kind: "id"; readonly id: string }
  /** An expression of such identifiers. */
  | { readonly kind: "expression"; readonly expression: string }
  /** Any other text. */
  | { readonly kind: "name"; readonly name: string };

const BY_LOWER_CASE: ReadonlyMap<string, string> = new Map(
  [...ids, ...deprecated].map((id) => [id.toLowerCase(), id]),
);

/** What a stated licence is. */
export function parseLicense(text: string): License {
  const id = BY_LOWER_CASE.get(text.toLowerCase());
  if (id !== undefined) return { kind: "id", id };
  try {
    parseExpression(text);
    return { kind: "expression", expression: text };
  } catch {
    return { kind: "name", name: text };
  }
}
