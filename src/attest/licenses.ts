/**
 * Parses licences as stated by packages into SPDX terms, where possible.
 * @module
 */
import exceptions from "npm:spdx-exceptions@2.5.0/index.json" with { type: "json" };
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

const IDS: ReadonlySet<string> = new Set([...ids, ...deprecated]);
const EXCEPTIONS: ReadonlySet<string> = new Set(exceptions);
/** Far more than real expressions have. */
const MAX_TOKENS = 500;
const REFERENCE = /^(?:DocumentRef-[\w.-]+:)?LicenseRef-[\w.-]+$/;

/**
 * Whether a text is a licence expression (SPDX 2.3, annex D). Not by `spdx-expression-parse`: its `require` of
 * packages that are JSON alone cannot be bundled into the executable.
 */
function isExpression(text: string): boolean {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? [];
  // What a package says of itself is read by recursion.
  if (tokens.length > MAX_TOKENS) return false;
  let at = 0;
  const simple = (): boolean => {
    const token = tokens[at++] ?? "";
    if (token === "(") return alternatives() && tokens[at++] === ")";
    if (!REFERENCE.test(token) && !IDS.has(token) && !IDS.has(token.replace(/\+$/, ""))) {
      return false;
    }
    if (tokens[at] !== "WITH") return true;
    at++;
    return EXCEPTIONS.has(tokens[at++] ?? "");
  };
  const joined = (operator: string, operand: () => boolean): boolean => {
    if (!operand()) return false;
    while (tokens[at] === operator) {
      at++;
      if (!operand()) return false;
    }
    return true;
  };
  const all = (): boolean => joined("AND", simple);
  function alternatives(): boolean {
    return joined("OR", all);
  }
  return alternatives() && at === tokens.length;
}

/** What a stated licence is. */
export function parseLicense(text: string): License {
  const id = BY_LOWER_CASE.get(text.toLowerCase());
  if (id !== undefined) return { kind: "id", id };
  return isExpression(text)
    ? { kind: "expression", expression: text }
    : { kind: "name", name: text };
}
