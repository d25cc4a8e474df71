/**
 * What short scripts start, and which install directories they name: the start scripts that package managers
 * write (npm, pnpm and aube; RubyGems; pip), and wrappers that only set variables and then `exec`.
 * @module
 */

/** Scripts up to this size are read. */
export const SCRIPT_BYTES = 4096;

/** What the lines after `#!` say. */
export interface ScriptBody {
  /**
   * What the script ends in: an absolute path, the name of a command on PATH, or `./NAME` for a program
   * beside the script and, if there is none, on PATH.
   */
  readonly starts?: string;
  /** Absolute install directories of mise (`…/installs/TOOL/VERSION`) that the script names. */
  readonly installs?: readonly string[];
}

const SHELL = /(?:^|[\s/])(?:ba|da|a|z|k|mk)?sh(?:\s|$)/;
/**
 * `exec "$basedir/node"` or `exec node "$basedir/…"` of the scripts that npm, pnpm and aube write, and
 * `exec "$bindir/ruby"` of those of a relocatable Ruby (rubygems/rubygems#8135).
 */
const PACKAGE_SHIM =
  /^[ \t]*exec (?:"\$(?:basedir|bindir)\/([\w.+-]+)"|([\w.+-]+)[ \t]+(?:-[^\s"]+[ \t]+)*"\$basedir\/)/m;
const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_]\w*)=(.*?)(?:\s*;\s*export\s+\w+)?$/;
const EXEC = /^(?:exec|'''exec')\s+(?:--\s+)?("[^"]*"|'[^']*'|[^\s;|&]+)/;
/** Lines before `exec` that do not decide whether it is reached. */
const HARMLESS = /^(?:$|#|:(?:\s|$)|set\s|export\s+\w+$|unset\s|umask\s)/;
const INSTALL = /\/[^\s"'`:;$(){}\\=]*?\/installs\/[^\s"'`:;$(){}\\/=]+\/[^\s"'`:;$(){}\\/=]+/g;

/** The value of a shell word; `undefined` if only the shell knows it. */
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

/** What a script without any condition ends in. */
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
 * Reads a script.
 *
 * @param line what follows `#!`.
 * @param bytes all of the script.
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
  // Node.js looks beside its script before it looks in NODE_PATH, which pnpm sets all the same.
  const told = lines.filter((one) => !/^\s*#|NODE_PATH=/.test(one)).join("\n");
  const installs = [...new Set(told.match(INSTALL) ?? [])];
  return {
    ...(starts === undefined ? {} : { starts }),
    ...(installs.length === 0 ? {} : { installs }),
  };
}
