/**
 * `.dockerignore`: which paths of a copied directory docker would leave out. The rules are docker's own
 * (moby/patternmatcher and its `ignorefile`), not git's: patterns are relative to the directory, a
 * pattern without a slash names nothing further down, the last match wins, and `!` takes back what is
 * below an ignored directory too.
 * @module
 */
import { normalize } from "@std/path/posix";
import { MiseOciError } from "../../errors.ts";
import { parentPath } from "../entry.ts";

/** One line that means something. */
interface Rule {
  /** Whether it takes paths back. */
  readonly negated: boolean;
  /** Whether a path below the directory is one that it names. */
  readonly matches: (path: string) => boolean;
  /** The components before the first wildcard. */
  readonly literal: readonly string[];
}

/** What docker does to a pattern before it compares: no `.` or `..` inside, no slash at its ends. */
function clean(pattern: string): string {
  const plain = normalize(pattern).replace(/(?<=.)\/+$/, "");
  const relative = (plain.length > 1 ? plain.replace(/^\//, "") : plain).trim();
  // "a/ /" ends in a slash only now.
  return relative === pattern ? relative : clean(relative === "" ? "." : relative);
}

/**
 * The patterns of a `.dockerignore`: no comments, which begin in the first column, no blank lines, each
 * pattern as docker compares it.
 */
export function parseDockerignore(text: string): readonly string[] {
  return text.replace(/^\ufeff/, "").split("\n").flatMap((raw) => {
    const line = raw.replace(/\r$/, "");
    if (line.startsWith("#")) return [];
    const pattern = line.trim();
    if (pattern === "") return [];
    if (!pattern.startsWith("!")) return [clean(pattern)];
    const rest = pattern.slice(1).trim();
    return [rest === "" ? "!" : `!${clean(rest)}`];
  });
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** A class as Go's `filepath.Match` reads it: `-` stands between two characters, or is quoted. */
const CLASS = /\[(\^?)((?:(?:\\.|[^\\\]-])(?:-(?:\\.|[^\\\]-]))?)+)\]/uy;

/** The same class in a regular expression. */
function classOf([, negation = "", body = ""]: RegExpExecArray): string {
  const quoted = body.replace(/\\(.)|([[^])/gu, (_, after?: string, plain?: string) => {
    const character = after ?? plain ?? "";
    return /[\\\]^[-]/.test(character) ? `\\${character}` : character;
  });
  return `[${negation}${quoted}]`;
}

/** @throws {SyntaxError} for a pattern that docker refuses. */
function expressionOf(pattern: string): RegExp {
  let source = "";
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i] ?? "";
    if (character === "*" && pattern[i + 1] === "*") {
      i++;
      if (pattern[i + 1] === "/") i++;
      source += i + 1 >= pattern.length ? ".*" : "(?:.*\\/)?";
    } else if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "[") {
      CLASS.lastIndex = i;
      const found = CLASS.exec(pattern);
      if (found === null) throw new SyntaxError("a [ that begins no class of characters");
      source += classOf(found);
      i += found[0].length - 1;
    } else if (character === "\\") {
      if (i + 1 >= pattern.length) throw new SyntaxError("a backslash at its end");
      source += escaped(pattern[++i] ?? "");
    } else source += escaped(character);
  }
  return new RegExp(`^${source}$`, "u");
}

function matcherOf(pattern: string): (path: string) => boolean {
  // docker compares the ends of paths where only `**` begins a pattern: `**name` is in `xname` too.
  const suffix = /^\*\*([^*?[\\]*)$/.exec(pattern)?.[1];
  if (suffix !== undefined) {
    const whole = suffix.startsWith("/") ? suffix.slice(1) : undefined;
    return (path) => path.endsWith(suffix) || path === whole;
  }
  const expression = expressionOf(pattern);
  return (path) => expression.test(path);
}

function ruleOf(text: string, place: string): Rule {
  const negated = text.startsWith("!");
  const pattern = negated ? text.slice(1) : text;
  try {
    if (pattern === "" || negated && pattern === "/") throw new SyntaxError("nothing after the !");
    const parts = pattern.split("/");
    const wild = parts.findIndex((part) => /[*?[\\]/.test(part));
    const literal = wild < 0 ? parts : parts.slice(0, wild);
    return { negated, matches: matcherOf(pattern), literal };
  } catch (cause) {
    throw new MiseOciError(
      "config",
      `Cannot parse pattern ${JSON.stringify(text)} of ${JSON.stringify(place)}: ${
        cause instanceof SyntaxError ? cause.message : String(cause)
      }`,
      { hint: "docker refuses it too; correct the pattern", cause },
    );
  }
}

/** What the rules say of a path. */
interface Verdict {
  readonly ignored: boolean;
  /** Which rules name it, or a directory above it. */
  readonly named: readonly boolean[];
}

/** What a `.dockerignore` says of a path. */
export interface Ignore {
  /** Whether a path below the directory is left out. */
  ignores(path: string): boolean;
  /** Whether something below an ignored directory may be taken back. */
  mayTakeBack(directory: string): boolean;
}

/**
 * The rules of a `.dockerignore`.
 *
 * @param patterns Of {@linkcode parseDockerignore}.
 * @param place The file, for messages.
 * @throws {MiseOciError} `config` for a pattern that docker refuses.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { dockerignore, parseDockerignore } from "./dockerignore.ts";
 *
 * const { ignores } = dockerignore(parseDockerignore("*.md\n!README.md\n**" + "/.env\n"), ".dockerignore");
 * const paths = ["a.md", "docs/a.md", "README.md", ".env", "app/.env"];
 * assertEquals(paths.filter(ignores), ["a.md", ".env", "app/.env"]);
 * ```
 */
export function dockerignore(patterns: readonly string[], place: string): Ignore {
  const rules = patterns.map((text) => ruleOf(text, place));
  const backs = rules.filter(({ negated }) => negated);
  const known = new Map<string, Verdict>([["", { ignored: false, named: [] }]]);
  const judge = (path: string): Verdict => {
    const above = judgeDirectory(parentPath(path)).named;
    let ignored = false;
    const named = rules.map(({ negated, matches }, i) => {
      // As docker does: a rule that would change nothing here is not tried, and says nothing below.
      const isNamed = above[i] === true || negated === ignored && matches(path);
      if (isNamed) ignored = !negated;
      return isNamed;
    });
    return { ignored, named };
  };
  const judgeDirectory = (path: string): Verdict => {
    const verdict = known.get(path) ?? judge(path);
    known.set(path, verdict);
    return verdict;
  };
  return {
    ignores: (path) => judge(path).ignored,
    mayTakeBack: (directory) => {
      const parts = directory.split("/");
      return backs.some(({ literal }) =>
        literal.slice(0, parts.length).every((part, i) => part === parts[i])
      );
    },
  };
}
