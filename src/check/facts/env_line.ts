/**
 * What `#!` lines ask for: the kernel's rules, and those of `env`.
 * @module
 */

/** A `#!` line as the kernel reads it. */
export interface ScriptLine {
  /** The program; empty if there is none. */
  readonly interpreter: string;
  /** Everything behind it, one argument. */
  readonly argument?: string;
}

/** Parses what follows `#!`. */
export function parseScriptLine(line: string): ScriptLine {
  const [, interpreter = "", argument = ""] = /^[ \t]*([^ \t\0]*)[ \t]*([^\0]*)/.exec(line) ?? [];
  const trimmed = argument.replace(/[ \t]+$/, "");
  return { interpreter, ...(trimmed === "" ? {} : { argument: trimmed }) };
}

/** What `env` does with its argument. */
export interface EnvCall {
  /** The command it looks for. */
  readonly command: string;
  /** `PATH`, if the arguments set it; `undefined` in it means that nothing is set. */
  readonly path?: string;
}

const WITH_VALUE = /^(?:-[uC]|--unset|--chdir)$/;

/** The words of `env -S TEXT`; quotes group, a backslash takes the next character. */
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
