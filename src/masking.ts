/**
 * The forms in which a text may repeat a secret, and masking them: a server that was sent a password may
 * say it again in its error.
 * @module
 */

/** What stands in the place of a secret. */
const MASK = "***";
/** A shorter one would be found by chance in every second text. */
const MINIMUM = 4;

/** Secrets of this process with their forms, the longest first. */
let known: readonly string[] = [];

/** UTF-8 as text of one character a byte, as `btoa` wants it. */
function binaryOf(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** What Base64 of any text has in common that holds `secret`: without the characters at both ends that its neighbours decide. */
function base64Forms(secret: string): readonly string[] {
  const binary = binaryOf(secret);
  return [0, 1, 2].flatMap((before) => {
    const text = btoa(`${"\0".repeat(before)}${binary}`).replace(/=+$/, "");
    const first = before === 0 ? 0 : before + 1;
    const whole = (before + binary.length) % 3 === 0;
    const form = text.slice(first, whole ? undefined : -1);
    if (form.length < 8) return [];
    return [form, form.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/**
 * A secret as it stands in plain text, URLs, forms, JSON and Base64; each form once.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { secretForms } from "./masking.ts";
 *
 * assert(secretForms("p@ss word").includes("p%40ss%20word"));
 * assert(secretForms("p@ss word").some((form) => btoa("me:p@ss word").includes(form)));
 * ```
 */
export function secretForms(secret: string): readonly string[] {
  let encoded: string;
  try {
    encoded = encodeURIComponent(secret);
  } catch {
    encoded = secret;
  }
  const asCode = (character: string): string =>
    `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  // What encodeURIComponent leaves: libraries differ in how much of it they encode.
  const strict = encoded.replace(/[!'()*]/g, asCode);
  const strictest = encoded.replace(/[!'()*~._-]/g, asCode);
  const lower = (text: string): string =>
    text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  const json = JSON.stringify(secret).slice(1, -1);
  const percent = [encoded, strict, strictest];
  return [
    ...new Set([
      secret,
      ...percent,
      ...percent.map(lower),
      ...percent.map((text) => text.replaceAll("%20", "+")),
      json,
      json.replace(
        /[\u0080-\uffff]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
      ),
      ...base64Forms(secret),
    ]),
  ];
}

/** From here on no error has this secret. Shorter ones than 4 characters are not masked. */
export function rememberSecret(secret: string): void {
  if (secret.length < MINIMUM || known.includes(secret)) return;
  known = [...new Set([...known, ...secretForms(secret)])].sort((a, b) => b.length - a.length);
}

/** A text in which `***` stands for every secret that is remembered. */
export function maskSecrets(text: string): string {
  let masked = text;
  for (const form of known) {
    if (masked.includes(form)) masked = masked.replaceAll(form, MASK);
  }
  return masked;
}
