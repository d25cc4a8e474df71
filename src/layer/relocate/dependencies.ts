/**
 * How a layer's bytes depend on other tools.
 *
 * Directories of other tools appear in a layer only where a `#!` line, a `pyvenv.cfg`, a link or a text
 * names them. Links are known from `lstat` and are part of the cache key; the texts are recorded while the
 * layer is packed. A cached layer is valid for every set of tools that gives the same rewritten texts, so
 * updating one tool does not rebuild the others.
 * @module
 */
import { rebaseContent, rebaseText, type RelocationMap } from "./relocate.ts";
import { relocateVenvConfig } from "./venv.ts";

/** A text of the layer that relocation processed. */
export interface RelocatedText {
  /** The kind of text, which determines how it is rewritten. */
  readonly kind: "shebang" | "venv" | "content";
  /** The text on the host. */
  readonly before: string;
  /** The text in the layer. */
  readonly after: string;
}

/** More texts than any real tool has; then the layer is not cached by them. */
const MAX_TEXTS = 500;

/** Collects the texts of one layer, without duplicates. */
export class RelocatedTexts {
  readonly #texts = new Map<string, RelocatedText>();

  /** Adds a text. */
  add(text: RelocatedText): void {
    this.#texts.set(`${text.kind} ${text.before}`, text);
  }

  /** The texts, or `undefined` if there are too many. */
  list(): readonly RelocatedText[] | undefined {
    return this.#texts.size > MAX_TEXTS ? undefined : [...this.#texts.values()];
  }
}

function relocate({ kind, before }: RelocatedText, map: RelocationMap): string {
  switch (kind) {
    case "shebang":
      return rebaseText(before, map);
    case "venv":
      return relocateVenvConfig(before, map).text;
    case "content":
      return rebaseContent(before, map);
  }
}

/** Whether other relocations give the same texts, and so the same layer. */
export function relocatesAlike(texts: readonly RelocatedText[], map: RelocationMap): boolean {
  return texts.every((text) => relocate(text, map) === text.after);
}
