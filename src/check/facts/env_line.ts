/**
 * Parses `#!` lines, by the rules of the kernel and of `env`.
 * @module
 */

/** A `#!` line as interpreted by the kernel. */
export interface ScriptLine {
  /** The program; empty if there is none. */
  readonly interpreter: string;
  /** The rest of the line, as one argument. */
  readonly argument?: string;
}

/** Parses the text after `#!`. */
export function parseScriptLine(line: string): ScriptLine {
  const [, interpreter = "", argument = ""] = /^[ \t]*([^ \t\0]*)[ \t]*([^\0]*)/.exec(line) ?? [];
  const trimmed = argument.replace(/[ \t]+$/, "");
  return { interpreter, ...(trimmed === "" ? {} : { argument: trimmed }) };
}

/** A call of `env`. */
export interface EnvCall {
  /** The command to run. */
  readonly command: string;
  /** The value of `PATH`, if the arguments set it. */
  readonly path?: string;
}

const WITH_VALUE = /^(?:-[uC]|--unset|--chdir)$/;

/** Splits the argument of `env -S TEXT`; quotes group, a backslash escapes the next character. */
function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  const pattern = /(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g;
  for (const [word] of text.matchAll(pattern)) {
    if (word.startsWith("#")) break;
    words.push(word.replace(/\\(.)|["']/g, (_, escaped?: string) => escaped ?? ""));
  }
  return words;
}

/**
 * The command that `env ARGUMENT` runs; `undefined` if it only prints or fails for another reason.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseEnvCall } from "./env_line.ts";
 *
 * assertEquals(parseEnvCall("node"), { command: "node" });
 * assertEquals(parseEnvCall("-S FOO=1 deno run -A"), { command: "deno" });
 * assertEquals(parseEnvCall("node --harmony"), { command: "node --harmony" });
 * ```
 */
export function parseEnvCall(argument: string): EnvCall | undefined {
  const todo = [argument];
  let path: string | undefined;
  let options = true;
  for (let word = todo.shift(); word !== undefined; word = todo.shift()) {
    const split = /^(?:-[iv0]*S|--split-string(?:=|$))\s*/.exec(word);
    if (options && split !== null) {
      const rest = word.slice(split[0].length);
      todo.unshift(...splitWords(rest === "" ? todo.shift() ?? "" : rest));
    } else if (options && WITH_VALUE.test(word)) todo.shift();
    else if (options && word === "--") options = false;
    else if (options && word.startsWith("-")) continue;
    else if (/^[^=/]+=/.test(word)) {
      options = false;
      if (word.startsWith("PATH=")) path = word.slice(5);
    } else return { command: word, ...(path === undefined ? {} : { path }) };
  }
  return undefined;
}
