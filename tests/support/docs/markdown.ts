/**
 * What tests look at in Markdown documents: fenced blocks, links, headings.
 * @module
 */

/** A fenced block. */
export interface Block {
  /** Path of its document below the repository. */
  readonly document: string;
  /** Line of its first fence, from 1. */
  readonly line: number;
  /** The word after the fence: `sh`, `toml`; empty if there is none. */
  readonly language: string;
  /** What is between the fences, with a final newline. */
  readonly text: string;
  /** Why it is not run: from a comment `<!-- not run: … -->` right above it. */
  readonly notRun?: string;
}

/** A document taken apart. */
export interface Document {
  /** Path below the repository. */
  readonly path: string;
  /** Its blocks in order. */
  readonly blocks: readonly Block[];
  /** The text without blocks and comments. */
  readonly prose: string;
  /** Anchors that links can name, as GitHub makes them of headings. */
  readonly anchors: ReadonlySet<string>;
  /** Headings in order, without the leading `#`. */
  readonly headings: readonly string[];
}

const FENCE = /^( *)(`{3,})([\w-]*)[^\n]*\n([^]*?\n)?\1\2$/gm;
const NOT_RUN = /<!-- not run: ((?:(?!-->)[^])*?) -->\s*$/;

/** The anchor of a heading: lower case, without punctuation, blanks as hyphens. */
function slug(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}

/** Anchors of headings; a second one of the same name gets `-1`. */
function anchorsOf(headings: readonly string[]): Set<string> {
  const anchors = new Set<string>();
  for (const heading of headings) {
    const name = slug(heading);
    let anchor = name;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${name}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Takes a document apart. */
export function parseDocument(path: string, text: string): Document {
  const blocks = [...text.matchAll(FENCE)].map((match): Block => {
    const [, indent = "", , language = "", body = ""] = match;
    const before = text.slice(0, match.index);
    const notRun = NOT_RUN.exec(before)?.[1]?.replaceAll(/\s+/g, " ");
    return {
      document: path,
      line: before.split("\n").length,
      language,
      text: body.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      ...(notRun === undefined ? {} : { notRun }),
    };
  });
  const prose = text.replaceAll(FENCE, "").replaceAll(/<!--[^]*?-->/g, "");
  const headings = [...prose.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = ""]) => heading);
  return { path, blocks, prose, headings, anchors: anchorsOf(headings) };
}

/** Targets of the links in a document, without titles. */
export function linksOf({ prose }: Document): readonly string[] {
  const plain = prose.replaceAll(/`[^`\n]*`/g, "``");
  const inline = [...plain.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)];
  const defined = [...plain.matchAll(/^\[[^\]]+\]: (\S+)$/gm)];
  return [...inline, ...defined].map(([, target = ""]) => target);
}

/** Code in the text that begins with the program's name. */
export function commandsInProse({ prose }: Document): readonly string[] {
  return [...prose.matchAll(/`(mise-oci [^`]*)`/g)].map(([, command = ""]) =>
    command.replaceAll(/\s+/g, " ").replaceAll("\\|", "|")
  );
}
