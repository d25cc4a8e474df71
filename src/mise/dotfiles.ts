/**
 * `[dotfiles]` of the project. mise merges them and resolves modes, implied sources and globs.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { expandHome } from "../home.ts";
import { asArray, asObject, asString, maybe } from "../oci/mod.ts";
import type { Dotfile } from "../plan/project.ts";
import { absolutePath, type AnswerPlace, parseAnswer } from "./answers.ts";
import { ask, placeOf, type Session } from "./ask.ts";
import { type ConfigFile, describePlace, isTable, maybeTable } from "./config_file.ts";
import { compareVersions } from "./failure.ts";
import { failField, texts } from "./oci/oci_values.ts";
import { WARNINGS_ENV } from "./unresolved.ts";

const STATUS = ["bootstrap", "dotfiles", "status", "--json"];
const MODES: readonly string[] = [
  "copy",
  "symlink",
  "symlink-each",
  "template",
  "content",
  "absent",
];
/** Keys that choose or rename the files of a directory, which only mise itself can apply. */
const REFUSED_KEYS = ["manifest", "dot_prefix", "encrypt"];

/** One row of `mise bootstrap dotfiles status --json`. */
interface ListedDotfile {
  readonly target: string;
  readonly mode: string;
  readonly permissions?: number;
  readonly hostPath?: string;
  readonly config: string;
}

interface ListedDotfiles {
  readonly files: readonly ListedDotfile[];
  /** Config files with entries that edit part of a file. */
  readonly edits: readonly string[];
}

/** The config file of a row, and its source as an absolute path. */
function originOf(
  row: Readonly<Record<string, unknown>>,
  { what, place }: { readonly what: string; readonly place: AnswerPlace },
): { readonly config: string; readonly source?: string } {
  const origin = asObject(row["origin"], `${what}.origin`);
  const source = maybe(origin["source"], `${what}.origin.source`, asString);
  return {
    config: absolutePath(asString(origin["config"], `${what}.origin.config`), place),
    ...(source === undefined ? {} : { source }),
  };
}

function permissionsOf(text: string, what: string): number {
  if (/^0?[0-7]{3,4}$/.test(text)) return parseInt(text, 8);
  throw new MiseOciError("invalid", `Cannot parse ${what}: ${JSON.stringify(text)} is not octal`);
}

function parseStatus(value: unknown, what: string, place: AnswerPlace): ListedDotfiles {
  const status = asObject(value, what);
  const files = asArray(status["files"], `${what}.files`).map((item, i): ListedDotfile => {
    const at = `${what}.files[${i}]`;
    const row = asObject(item, at);
    const { config, source } = originOf(row, { what: at, place });
    const hostPath = source ?? maybe(row["source"], `${at}.source`, asString);
    const permissions = maybe(row["permissions"], `${at}.permissions`, asString);
    return {
      target: asString(row["target"], `${at}.target`),
      mode: asString(row["mode"], `${at}.mode`),
      config,
      ...(hostPath === undefined ? {} : { hostPath: absolutePath(hostPath, place) }),
      ...(permissions === undefined
        ? {}
        : { permissions: permissionsOf(permissions, `${at}.permissions`) }),
    };
  });
  const edits = (maybe(status["edits"], `${what}.edits`, asArray) ?? []).map((item, i) => {
    const at = `${what}.edits[${i}]`;
    return originOf(asObject(item, at), { what: at, place }).config;
  });
  return { files, edits };
}

/** The parts of an entry that mise's output lacks: inline text and excludes. */
function entryOf(file: ConfigFile, target: string): Pick<Dotfile, "content" | "exclude"> {
  const entry = maybeTable(file.table, "dotfiles")?.[target];
  if (!isTable(entry)) return { exclude: [] };
  const refused = REFUSED_KEYS.find((key) => Object.hasOwn(entry, key) && entry[key] !== false);
  if (refused !== undefined) {
    failField(
      { file, path: ["dotfiles", target, refused] },
      "an image cannot have it",
      "Name the files one by one, or leave others out with exclude",
    );
  }
  const place = { file, path: ["dotfiles", target, "exclude"] };
  const exclude = entry["exclude"] === undefined ? [] : texts(entry["exclude"], place);
  const content = entry["content"];
  return typeof content === "string" ? { content, exclude } : { exclude };
}

/** Warns of each entry that mise ignores with a warning of its own. */
function ignoredEntries(
  stderr: string,
  files: readonly ConfigFile[],
  { home }: AnswerPlace,
): readonly string[] {
  const entries = [...stderr.matchAll(
    /^mise WARN\s+\[dotfiles\]\.("(?:[^"\\]|\\.)*"): (.+), ignoring entry$/gm,
  )];
  const texts = entries.flatMap(([, quoted = '""', why = ""]) => {
    const target: string = JSON.parse(quoted);
    // The message has the home directory where the file may have `~/`.
    const [found] = files.flatMap((file) =>
      Object.keys(maybeTable(file.table, "dotfiles") ?? {})
        .filter((key) => expandHome(key, home) === target).map((key) => ({ file, key }))
    );
    if (found === undefined) return [];
    const place = describePlace(found.file, ["dotfiles", found.key]);
    const name = JSON.stringify(found.key);
    return [`Dotfile ${name} in ${place} is left out, because mise ignores it: ${why}`];
  });
  return [...new Set(texts)];
}

/** The first mise whose `[dotfiles]` can be queried. */
const DOTFILES_VERSION = "2026.6.6";

function checkVersion(version: string): void {
  if (compareVersions(version, DOTFILES_VERSION) >= 0) return;
  throw new MiseOciError("mise", `mise ${version} does not know [dotfiles]`, {
    hint: `Update mise: ${DOTFILES_VERSION} or later is needed for them`,
  });
}

/** Whether a file has a `[dotfiles]` table with entries. */
function hasDotfiles(file: ConfigFile): boolean {
  return Object.keys(maybeTable(file.table, "dotfiles") ?? {}).length > 0;
}

/**
 * The dotfiles of the files in scope, with warnings for those that cannot be put in an image. mise
 * is called only if there are any.
 *
 * @param project Its config files in scope, and mise's version.
 */
export async function readDotfiles(
  session: Session,
  project: { readonly files: readonly ConfigFile[]; readonly miseVersion: string },
): Promise<readonly Dotfile[]> {
  const byPath = new Map(project.files.filter(hasDotfiles).map((file) => [file.path, file]));
  if (byPath.size === 0) return [];
  checkVersion(project.miseVersion);
  const loud = { ...session, env: { ...session.env, ...WARNINGS_ENV } };
  const answer = await ask(loud, STATUS);
  const { files: rows, edits } = parseAnswer(
    { args: STATUS, parse: parseStatus },
    answer.stdout,
    placeOf(session),
  );
  for (const text of ignoredEntries(answer.stderr, project.files, placeOf(session))) {
    session.context.warn(text);
  }
  for (const path of new Set(edits.filter((path) => byPath.has(path)))) {
    session.context.warn(
      `[dotfiles] of ${JSON.stringify(path)} has entries that edit a part of a file: ` +
        "they are not put in the image",
    );
  }
  return rows.flatMap((row): readonly Dotfile[] => {
    const file = byPath.get(row.config);
    if (file === undefined) return [];
    if (!MODES.includes(row.mode)) {
      const why = row.mode === "permissions"
        ? "it changes the permissions of a file that something else makes"
        : `mode ${JSON.stringify(row.mode)} means nothing in an image`;
      session.context.warn(`Dotfile ${JSON.stringify(row.target)} is left out: ${why}`);
      return [];
    }
    return [{
      target: row.target,
      mode: row.mode as Dotfile["mode"],
      ...entryOf(file, row.target),
      source: row.config,
      ...(row.hostPath === undefined ? {} : { hostPath: row.hostPath }),
      ...(row.permissions === undefined ? {} : { permissions: row.permissions }),
    }];
  });
}
