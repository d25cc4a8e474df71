/**
 * `.dockerignore`: the paths of a copied directory that docker would leave out. The rules are docker's
 * (moby/patternmatcher and its `ignorefile`), not git's: patterns are relative to the directory, a pattern
 * without a slash matches only at the top, the last match wins, and `!` also re-includes paths below an
 * ignored directory.
 * @module
 */
import { normalize } from "@std/path/posix";
import { MiseOciError } from "../../errors.ts";
import { parentPath } from "../entry.ts";

/** A pattern of the file. */
interface Rule {
  /** Whether it re-includes paths. */
  readonly negated: boolean;
  /** Whether it matches a path below the directory. */
  readonly matches: (path: string) => boolean;
  /** The components before the first wildcard. */
  readonly literal: readonly string[];
}

/** docker's normalization of a pattern: no `.` or `..` inside, no slash at either end. */
function clean(pattern: string): string {
  const plain = normalize(pattern).replace(/(?<=.)\/+$/, "");
  const relative = (plain.length > 1 ? plain.replace(/^\//, "") : plain).trim();
  // Repeated, because "a/ /" ends in a slash only after trimming.
  return relative === pattern ? relative : clean(relative === "" ? "." : relative);
}

/**
 * Parses the patterns of a `.dockerignore`, without blank lines and comments (which start in the first
 * column), normalized as docker does.
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

/** A character class in the syntax of Go's `filepath.Match`: `-` is between two characters, or escaped. */
const CLASS = /\[(\^?)((?:(?:\\.|[^\\\]-])(?:-(?:\\.|[^\\\]-]))?)+)\]/uy;

/** The same class as a regular expression. */
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
  // If only a leading `**` is special, docker compares the ends of paths: `**name` matches `xname` too.
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

/** The result of the rules for a path. */
interface Verdict {
  readonly ignored: boolean;
  /** For each rule, whether it matches the path or a directory above it. */
  readonly named: readonly boolean[];
}

/** Decides about paths by a `.dockerignore`. */
export interface Ignore {
  /** Whether a path below the directory is left out. */
  ignores(path: string): boolean;
  /** Whether something below an ignored directory may be re-included. */
  mayTakeBack(directory: string): boolean;
}

/**
 * Compiles the rules of a `.dockerignore`.
 *
 * @param patterns From {@linkcode parseDockerignore}.
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
      // As in docker, a rule that would not change the result is not evaluated, and does not match below
      // either.
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
