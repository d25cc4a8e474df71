/**
 * `[dotfiles]` of the project, as mise merges them: modes, implied sources and globs are mise's answer.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { asArray, asObject, asString, maybe } from "../oci/mod.ts";
import type { Dotfile } from "../plan/project.ts";
import { parseAnswer } from "./answers.ts";
import { ask, type Session } from "./ask.ts";
import { type ConfigFile, isTable, maybeTable } from "./config_file.ts";
import { compareVersions } from "./failure.ts";
import { texts } from "./oci_fields.ts";

const STATUS = ["bootstrap", "dotfiles", "status", "--json"];
const MODES: readonly string[] = ["copy", "symlink", "symlink-each", "template", "content"];

/** One row of `mise bootstrap dotfiles status --json`. */
interface ListedDotfile {
  readonly target: string;
  readonly mode: string;
  readonly hostPath?: string;
  readonly config: string;
}

interface ListedDotfiles {
  readonly files: readonly ListedDotfile[];
  /** Config files with entries that edit a part of a file. */
  readonly edits: readonly string[];
}

function originOf(row: Readonly<Record<string, unknown>>, what: string): string {
  return asString(asObject(row["origin"], `${what}.origin`)["config"], `${what}.origin.config`);
}

function parseStatus(value: unknown, what: string): ListedDotfiles {
  const status = asObject(value, what);
  const files = asArray(status["files"], `${what}.files`).map((item, i): ListedDotfile => {
    const at = `${what}.files[${i}]`;
    const row = asObject(item, at);
    const hostPath = maybe(row["source"], `${at}.source`, asString);
    return {
      target: asString(row["target"], `${at}.target`),
      mode: asString(row["mode"], `${at}.mode`),
      config: originOf(row, at),
      ...(hostPath === undefined ? {} : { hostPath }),
    };
  });
  const edits = (maybe(status["edits"], `${what}.edits`, asArray) ?? []).map((item, i) => {
    const at = `${what}.edits[${i}]`;
    return originOf(asObject(item, at), at);
  });
  return { files, edits };
}

/** What mise's answer leaves out and the entry in the file has: inline text and exclusions. */
function entryOf(file: ConfigFile, target: string): Pick<Dotfile, "content" | "exclude"> {
  const entry = maybeTable(file.table, "dotfiles")?.[target];
  if (!isTable(entry)) return { exclude: [] };
  const place = { file, path: ["dotfiles", target, "exclude"] };
  const exclude = entry["exclude"] === undefined ? [] : texts(entry["exclude"], place);
  const content = entry["content"];
  return typeof content === "string" ? { content, exclude } : { exclude };
}

/** The first mise whose `[dotfiles]` can be asked for. */
const DOTFILES_VERSION = "2026.6.6";

function checkVersion(version: string): void {
  if (compareVersions(version, DOTFILES_VERSION) >= 0) return;
  throw new MiseOciError("mise", `mise ${version} does not know [dotfiles]`, {
    hint: `Update mise: ${DOTFILES_VERSION} or later is needed for them`,
  });
}

/** Whether a file has a `[dotfiles]` table with an entry. */
function hasDotfiles(file: ConfigFile): boolean {
  return Object.keys(maybeTable(file.table, "dotfiles") ?? {}).length > 0;
}

/**
 * The dotfiles of the files in scope, with a warning for what cannot be put in an image. mise is asked
 * only if a file has any.
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
  const { files: rows, edits } = parseAnswer(
    STATUS,
    (await ask(session, STATUS)).stdout,
    parseStatus,
  );
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
      session.context.warn(
        `Dotfile ${JSON.stringify(row.target)} is left out: mode ${
          JSON.stringify(row.mode)
        } is unknown`,
      );
      return [];
    }
    return [{
      target: row.target,
      mode: row.mode as Dotfile["mode"],
      ...entryOf(file, row.target),
      source: row.config,
      ...(row.hostPath === undefined ? {} : { hostPath: row.hostPath }),
    }];
  });
}
