/**
 * Finds out what short scripts start, and which install directories they contain: the start scripts of
 * package managers (npm, pnpm and aube; RubyGems; pip), and wrappers that only set variables and then
 * `exec`.
 * @module
 */

/** Size limit of scripts that are parsed. */
export const SCRIPT_BYTES = 4096;

/** What is known about the body of a script. */
export interface ScriptBody {
  /**
   * The program that the script ends with: an absolute path, the name of a command on PATH, or `./NAME` for
   * a program next to the script or, if there is none, on PATH.
   */
  readonly starts?: string;
  /** Absolute install directories of mise (`…/installs/TOOL/VERSION`) in the script. */
  readonly installs?: readonly string[];
}

const SHELL = /(?:^|[\s/])(?:ba|da|a|z|k|mk)?sh(?:\s|$)/;
/**
 * `exec "$basedir/node"` or `exec node "$basedir/…"` in scripts of npm, pnpm and aube, and `exec
 * "$bindir/ruby"` in those of a relocatable Ruby (rubygems/rubygems#8135).
 */
const PACKAGE_SHIM =
  /^[ \t]*exec (?:"\$(?:basedir|bindir)\/([\w.+-]+)"|([\w.+-]+)[ \t]+(?:-[^\s"]+[ \t]+)*"\$basedir\/)/m;
const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_]\w*)=(.*?)(?:\s*;\s*export\s+\w+)?$/;
const EXEC = /^(?:exec|'''exec')\s+(?:--\s+)?("[^"]*"|'[^']*'|[^\s;|&]+)/;
/** Lines before `exec` that do not affect whether it is reached. */
const HARMLESS = /^(?:$|#|:(?:\s|$)|set\s|export\s+\w+$|unset\s|umask\s)/;
const INSTALL = /\/[^\s"'`:;$(){}\\=]*?\/installs\/[^\s"'`:;$(){}\\/=]+\/[^\s"'`:;$(){}\\/=]+/g;

/** The value of a shell word; `undefined` if it is only known at run time. */
function maybeValue(word: string, variables: ReadonlyMap<string, string>): string | undefined {
  if (/^'[^']*'$/.test(word)) return word.slice(1, -1);
  const text = /^"[^"]*"$/.test(word) ? word.slice(1, -1) : word;
  if (/^\$\{0%\/\*\}$|^\$\(.*dirname.*\$\{?0.*\)$/.test(text)) return ".";
  let known = true;
  const value = text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) => {
    const found = variables.get(braced ?? plain ?? "");
    if (found === undefined) known = false;
    return found ?? "";
  });
  return known && !/[$`"'\\*?[{]/.test(value) ? value : undefined;
}

/** The program that a script without conditions ends with. */
function maybeUnconditional(lines: readonly string[]): string | undefined {
  const variables = new Map<string, string>();
  for (const line of lines.map((one) => one.trim())) {
    if (HARMLESS.test(line)) continue;
    const [, word] = EXEC.exec(line) ?? [];
    if (word !== undefined) return maybeStart(maybeValue(word, variables));
    const [, name = "", text = ""] = ASSIGNMENT.exec(line) ?? [];
    if (
      name === "" || name === "PATH" || /[;&|]|^[^"'$][^\s]*\s/.test(text.replace(/\$\(.*\)/, ""))
    ) {
      return undefined;
    }
    const value = maybeValue(text, variables);
    if (value === undefined) variables.delete(name);
    else variables.set(name, value);
  }
  return undefined;
}

function maybeStart(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const beside = /^\.\/([^/]+)$/.exec(value)?.[1];
  if (beside !== undefined) return `./${beside}`;
  return value.startsWith("/") || /^[\w.+-]+$/.test(value) ? value : undefined;
}

/**
 * Parses a script.
 *
 * @param line the text after `#!`.
 * @param bytes the whole script.
 */
export function parseScriptBody(line: string, bytes: Uint8Array): ScriptBody {
  const lines = new TextDecoder().decode(bytes).split("\n").slice(1);
  const body = lines.join("\n");
  const [, beside, onPath] = PACKAGE_SHIM.exec(body) ?? [];
  const shim = beside ?? onPath;
  const starts = !SHELL.test(line)
    ? undefined
    : shim === undefined
    ? maybeUnconditional(lines)
    : `./${shim}`;
  // Node.js looks next to its script before NODE_PATH, which pnpm sets anyway.
  const told = lines.filter((one) => !/^\s*#|NODE_PATH=/.test(one)).join("\n");
  const installs = [...new Set(told.match(INSTALL) ?? [])];
  return {
    ...(starts === undefined ? {} : { starts }),
    ...(installs.length === 0 ? {} : { installs }),
  };
}
