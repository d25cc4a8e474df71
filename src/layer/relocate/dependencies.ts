/**
 * What a layer's bytes took from other tools.
 *
 * The directories of other tools can only get into a layer where a `#!` line, a `pyvenv.cfg`, a link or a text
 * names them. Links are known by `lstat` and are part of the fingerprint; the texts are noted while the
 * layer is packed. A cached layer is then good for every set of tools that would rewrite the same texts
 * to the same: bumping one tool does not rebuild the others.
 * @module
 */
import { rebaseContent, rebaseText, type RelocationMap } from "./relocate.ts";
import { relocateVenvConfig } from "./venv.ts";

/** A text of the layer that relocation looked at, and what became of it. */
export interface RelocatedText {
  /** How it was looked at. */
  readonly kind: "shebang" | "venv" | "content";
  /** As it is on the host. */
  readonly before: string;
  /** As it is in the layer. */
  readonly after: string;
}

/** More different texts than a real tool has are not worth remembering: the layer is then not cached by them. */
const MAX_TEXTS = 500;

/** Collects the texts of one layer, each once. */
export class RelocatedTexts {
  readonly #texts = new Map<string, RelocatedText>();

  /** Notes a text. */
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

/** Whether other relocations would have given the same texts, and so the same layer. */
export function relocatesAlike(texts: readonly RelocatedText[], map: RelocationMap): boolean {
  return texts.every((text) => relocate(text, map) === text.after);
}
