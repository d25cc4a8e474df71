/**
 * Untrusted text in HTML.
 * @module
 */
import { escapeLine } from "../ui/escape.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A text as content or attribute value; control characters are made visible. */
export function escapeHtml(text: string): string {
  return escapeLine(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
