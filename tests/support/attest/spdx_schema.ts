/**
 * The published schema of SPDX 2.3.
 * @module
 */
import { Ajv, type ErrorObject } from "npm:ajv@8.20.0";
import schema from "./spdx-schema-2.3.json" with { type: "json" };

/** What is wrong with a document; empty if it follows the schema. */
export function spdxErrors(document: unknown): readonly ErrorObject[] {
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  return validate(document) ? [] : validate.errors ?? [];
}
