/**
 * The project's environment: which variables belong to it, where they come from, and which are
 * secrets.
 * @module
 */
import { DELIMITER } from "@std/path";
import { MiseOciError } from "../errors.ts";
import type { EnvVariable, OciSection, Tool } from "../plan/project.ts";
import { isWithin } from "../paths.ts";
import type { ListedVariable } from "./answers.ts";
import { askVariables, type Session } from "./ask.ts";
import { type ConfigFile, isTable } from "./config_file.ts";
import { configRoot } from "./scope.ts";

/** Input of {@linkcode readEnvironment}. */
export interface EnvironmentInput {
  /** The variables listed by mise. */
  readonly variables: readonly ListedVariable[];
  /** Names of secrets. */
  readonly redacted: ReadonlySet<string>;
  /** The project's tools. */
  readonly tools: readonly Tool[];
  /** Config files in scope, most specific first. */
  readonly files: readonly ConfigFile[];
  /** Config files that mise reads but that are not part of the project. */
  readonly outside: readonly string[];
}

/** Variables that mise-oci sets itself, or that concern only the host's shell. */
const NOT_BAKED = /^(PATH|Path|__MISE_\w+)$/;

/** Names set by `[env]` (or `[[env]]`) of a file. */
function declaredNames(file: ConfigFile): readonly string[] {
  const env = file.table["env"];
  const tables = Array.isArray(env) ? env : [env];
  return tables.filter(isTable).flatMap((table) => Object.keys(table));
}

function declarations(files: readonly ConfigFile[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const file of files) {
    for (const name of declaredNames(file)) if (!found.has(name)) found.set(name, file.path);
  }
  return found;
}

/** The variables that exist without the config files out of scope; `undefined` if mise fails. */
async function namesWithoutOutside(
  session: Session,
  outside: readonly string[],
): Promise<ReadonlySet<string> | undefined> {
  const before = session.context.env("MISE_IGNORED_CONFIG_PATHS");
  const ignored = [...(before ? [before] : []), ...outside].join(DELIMITER);
  const env = { ...session.env, MISE_IGNORED_CONFIG_PATHS: ignored };
  try {
    const variables = await askVariables({ ...session, env });
    return new Set(variables.map(({ name }) => name));
  } catch (error) {
    // A template of the project may need a variable of the global config.
    if (error instanceof MiseOciError && error.code !== "interrupted") return undefined;
    throw error;
  }
}

/**
 * Keeps the project's variables. Most have a source, but those of a `.env`, a script or an entry
 * with `tools = true` do not name the config file. Such a variable is the project's if a file of
 * the project declares it; otherwise mise is queried again without the other config files.
 */
async function inScope(
  session: Session,
  input: EnvironmentInput,
): Promise<readonly ListedVariable[]> {
  const { variables, tools, files, outside } = input;
  const shorts = new Set(tools.map((tool) => tool.short));
  const declared = declarations(files);
  const own = new Set(files.map((file) => file.path));
  const foreign = new Set(outside);
  const kept = variables.flatMap((variable): readonly ListedVariable[] => {
    const { name, source, tool } = variable;
    if (NOT_BAKED.test(name)) return [];
    if (tool !== undefined) return shorts.has(tool) ? [variable] : [];
    if (source !== undefined && foreign.has(source)) return [];
    const file = declared.get(name);
    return [source === undefined && file !== undefined ? { ...variable, source: file } : variable];
  });
  const isClear = ({ name, source, tool }: ListedVariable): boolean =>
    tool !== undefined || declared.has(name) || (source !== undefined && own.has(source));
  if (outside.length === 0 || kept.every(isClear)) return kept;
  const names = await namesWithoutOutside(session, outside);
  const roots = files.map((file) => configRoot(file.path));
  return kept.filter((variable) => {
    if (isClear(variable) || names?.has(variable.name)) return true;
    if (names !== undefined) return false;
    const { name, source } = variable;
    if (source !== undefined && roots.some((root) => isWithin(source, root))) return true;
    session.context.warn(
      `Variable ${
        JSON.stringify(name)
      } is left out: it cannot be told from the global config's own`,
    );
    return false;
  });
}

/** The entries of `_.path` in an `[env]` table, as written. */
function pathEntries(env: unknown): readonly string[] {
  const directives = isTable(env) ? env["_"] : undefined;
  const value = isTable(directives) ? directives["path"] : undefined;
  const list = isTable(value) ? value["path"] ?? value["value"] : value;
  return (Array.isArray(list) ? list : [list]).filter((entry) => typeof entry === "string");
}

/**
 * Warns of each file whose `_.path` adds to PATH on the host but not in the image; not if the
 * project sets or drops the image's PATH.
 */
export function pathWarnings(
  files: readonly ConfigFile[],
  { env, dropEnv, workdir = "/workspace" }: Pick<OciSection, "env" | "dropEnv" | "workdir">,
): readonly string[] {
  if (Object.hasOwn(env, "PATH") || dropEnv.includes("PATH")) return [];
  return files.flatMap((file) => {
    const tables = Array.isArray(file.table["env"]) ? file.table["env"] : [file.table["env"]];
    const entries = tables.flatMap(pathEntries);
    if (entries.length === 0) return [];
    const shown = entries.map((entry) => JSON.stringify(entry)).join(", ");
    const inImage = entries.map((entry) => imageDirectory(entry, workdir)).join(":");
    return [
      `PATH of the image does not have _.path of ${JSON.stringify(file.path)} (${shown}): those ` +
      `are directories of this machine. Write PATH = "${inImage}:$PATH" under [oci.env] with the ` +
      'directories that the image has, or drop_env = ["PATH"] under [_.oci] to do without',
    ];
  });
}

/** The image path of a project directory, if the project is mounted at the working directory. */
function imageDirectory(entry: string, workdir: string): string {
  const [, below] = /^(?:\{\{\s*config_root\s*\}\}\/|\.\/)?([^/~{}][^{}]*)$/.exec(entry) ?? [];
  return below === undefined ? "/DIRECTORY" : `${workdir}/${below.replace(/\/+$/, "")}`;
}

/** The project's environment without PATH: its own variables first, then those set by tools. */
export async function readEnvironment(
  session: Session,
  input: EnvironmentInput,
): Promise<readonly EnvVariable[]> {
  const variables = await inScope(session, input);
  const ofTools = variables.filter((variable) => variable.tool !== undefined);
  const own = variables.filter((variable) => variable.tool === undefined);
  return [...own, ...ofTools].map((variable) => ({
    ...variable,
    redacted: input.redacted.has(variable.name),
  }));
}
