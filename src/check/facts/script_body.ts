/**
 * Finds out what short scripts start, and which install directories they contain: the start scripts of
 * package managers (npm, pnpm and aube; RubyGems; pip), and wrappers that only set variables and then
 * `exec`.
 * @module
 */

/** Number of bytes of a script that are parsed; in a self-executing archive, binary data follows the lines. */
export const SCRIPT_BYTES = 16 * 1024;

/** {@linkcode ScriptBody.starts} of scripts that start the `java` of `JAVA_HOME`, or else of PATH. */
export const JAVA_OF_HOME = "$JAVA_HOME/bin/java";

/** What is known about the body of a script. */
export interface ScriptBody {
  /**
   * The program that the script ends with: an absolute path, the name of a command on PATH, or `./NAME` for
   * a program next to the script or, if there is none, on PATH.
   */
  readonly starts?: string;
  /** Modules that a Perl script loads at startup: `Text::Wrap`. */
  readonly modules?: readonly string[];
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
/** Variables for the one command, as in the wrappers that mise writes for gems. */
const FOR_EXEC = /^(?:(?!PATH=)[A-Za-z_]\w*=(?:"[^"]*"|'[^']*'|[^\s"';|&]*)\s+)+(?=exec\s)/;
/** Lines before `exec` that do not affect whether it is reached. */
const HARMLESS = /^(?:$|#|:(?:\s|$)|set\s|export\s+\w+$|unset\s|umask\s)/;
const INSTALL = /\/[^\s"'`:;$(){}\\=]*?\/installs\/[^\s"'`:;$(){}\\/=]+\/[^\s"'`:;$(){}\\/=]+/g;

/** How the start scripts of Maven, Gradle, Ant, sbt, Kotlin, Scala and the like find Java. */
const JAVA_START = /\$(?:JAVA_HOME|\{JAVA_HOME\})"?\/bin\/java\b/;
/** A Java that is bundled with a program. */
const OWN_JAVA = /(?<!JAVA_HOME\}?)\/(?:jre|jbr|jdk)\b/;
const PERL = /(?:^|[\s/])perl(?:5[\d.]*)?(?:\s|$)/;
/** Modules loaded while the script is compiled (perlfunc, "use"). */
const PERL_USE = /^use\s+([A-Z]\w*(?:::\w+)*)\s*(?:[^=]|$)/gm;
/** Scripts that contain their modules (App::FatPacker), or have their own module directories. */
const OWN_MODULES = /fatpacked|\$INC\{|@INC\b|^use\s+lib\b/m;

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
    const [, word] = EXEC.exec(line.replace(FOR_EXEC, "")) ?? [];
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

/** What a shell script starts in the end; see {@linkcode ScriptBody.starts}. */
function maybeStarts(lines: readonly string[], body: string): string | undefined {
  const [, beside, onPath] = PACKAGE_SHIM.exec(body) ?? [];
  const shim = beside ?? onPath;
  if (shim !== undefined) return `./${shim}`;
  return maybeUnconditional(lines) ??
    (JAVA_START.test(body) && !OWN_JAVA.test(body) ? JAVA_OF_HOME : undefined);
}

/** The modules of a Perl script. */
function perlModules(body: string): readonly string[] {
  const [code = ""] = body.split(/^__(?:END|DATA)__$/m);
  if (OWN_MODULES.test(code)) return [];
  return [...new Set(Array.from(code.matchAll(PERL_USE), ([, name = ""]) => name))];
}

/** The text lines before any binary data, without the last line if it may be truncated. */
function linesOf(bytes: Uint8Array): readonly string[] {
  const [text = ""] = new TextDecoder().decode(bytes).split("\0", 1);
  const lines = text.split("\n");
  return bytes.length < SCRIPT_BYTES ? lines : lines.slice(0, -1);
}

/**
 * Parses a script.
 *
 * @param line the text after `#!`.
 * @param bytes its first {@linkcode SCRIPT_BYTES}.
 */
export function parseScriptBody(line: string, bytes: Uint8Array): ScriptBody {
  const lines = linesOf(bytes).slice(1);
  const body = lines.join("\n");
  const starts = SHELL.test(line) ? maybeStarts(lines, body) : undefined;
  const modules = PERL.test(line) ? perlModules(body) : [];
  // Node.js looks next to its script before NODE_PATH, which pnpm sets anyway.
  const code = lines.filter((one) => !/^\s*#|NODE_PATH=/.test(one)).join("\n");
  const installs = [...new Set(code.match(INSTALL) ?? [])];
  return {
    ...(starts === undefined ? {} : { starts }),
    ...(modules.length === 0 ? {} : { modules }),
    ...(installs.length === 0 ? {} : { installs }),
  };
}
