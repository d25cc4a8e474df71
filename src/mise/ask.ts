/**
 * Queries to mise: each once, in parallel; the first failure cancels the others.
 * @module
 */
import { mapConcurrently } from "../concurrency.ts";
import { MiseOciError } from "../errors.ts";
import { homeDirectory } from "../home.ts";
import {
  type AnswerParser,
  type AnswerPlace,
  type ListedTool,
  type ListedVariable,
  parseAnswer,
  parseTool,
  parseTools,
  parseVariables,
  parseVersion,
  type ToolDetail,
} from "./answers.ts";
import { callMise, describeCall, type MiseAnswer } from "./command.ts";
import { type ConfigFile, parseConfigFile, readConfigText } from "./config_file.ts";
import type { MiseContext } from "./context.ts";
import {
  cleanMessage,
  compareVersions,
  explainFailure,
  maybePlace,
  MINIMUM_MISE_VERSION,
  tooOld,
} from "./failure.ts";
import { maybeOciError } from "./oci/oci_section.ts";

/** Maximum number of `mise` processes at a time. */
export const MAX_CALLS = 8;

/** How to call mise: executable, directory and environment. */
export interface Session {
  /** Absolute path of the executable. */
  readonly misePath: string;
  /** Absolute directory of the project. */
  readonly directory: string;
  /** Variables set for every call. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether calls inherit none of this process's variables. */
  readonly clearEnv?: boolean;
  /** Access to the environment, output and locks. */
  readonly context: MiseContext;
}

/** The session with some tools disabled, by name, so that mise does not install them. */
export function disableTools(session: Session, shorts: readonly string[]): Session {
  if (shorts.length === 0) return session;
  const before = session.env["MISE_DISABLE_TOOLS"] ?? session.context.env("MISE_DISABLE_TOOLS");
  const all = new Set([...(before ? [before] : []), ...shorts]);
  return { ...session, env: { ...session.env, MISE_DISABLE_TOOLS: [...all].join(",") } };
}

/** The warnings of mise that concern the project, one line each. */
function usefulWarnings(answer: MiseAnswer): readonly string[] {
  return answer.stderr.split(/\r?\n/)
    .filter((line) => line.startsWith("mise WARN"))
    .map((line) => line.replace(/^mise WARN\s+/, "").slice(0, 300))
    .filter((line) => !line.startsWith("missing:"));
}

/** The place for parsing output of this session. */
export function placeOf({ directory, context }: Session): AnswerPlace {
  return { directory, home: homeDirectory(context.env) };
}

async function betterError(args: readonly string[], answer: MiseAnswer): Promise<MiseOciError> {
  const error = explainFailure(args, answer);
  const place = maybePlace(answer.stderr);
  if (error.code !== "config" || place === undefined) return error;
  try {
    const file = parseConfigFile(place.file, await readConfigText(place.file));
    return maybeOciError(file, cleanMessage(answer.stderr)) ?? error;
  } catch {
    // If our parser fails too, mise's message is the better one.
    return error;
  }
}

/**
 * Makes one query.
 *
 * @throws {MiseOciError} `mise` or `config` with the failure and a hint.
 */
export async function ask(
  session: Session,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<MiseAnswer> {
  const { misePath, directory, env, clearEnv = false, context } = session;
  const started = performance.now();
  const stop = signal ?? context.signal;
  const answer = await callMise({
    misePath,
    home: homeDirectory(context.env),
    directory,
    args,
    env,
    clearEnv,
    ...(stop === undefined ? {} : { signal: stop }),
  });
  context.detail(2, `${describeCall(args)}: ${Math.round(performance.now() - started)} ms`);
  if (answer.code !== 0 || answer.killedBy !== undefined) throw await betterError(args, answer);
  return answer;
}

/** Makes one query and parses its JSON output. */
export async function askJson<T>(
  session: Session,
  question: {
    readonly args: readonly string[];
    readonly parse: AnswerParser<T>;
    readonly signal?: AbortSignal;
  },
): Promise<T> {
  const answer = await ask(session, question.args, question.signal);
  return parseAnswer(question, answer.stdout, placeOf(session));
}

/** mise's version. @throws {MiseOciError} `mise` if it is too old. */
export async function askVersion(session: Session, signal?: AbortSignal): Promise<string> {
  const args = ["version", "--json"];
  const version = await askJson(session, {
    args,
    parse: parseVersion,
    ...(signal === undefined ? {} : { signal }),
  });
  if (compareVersions(version, MINIMUM_MISE_VERSION) < 0) throw tooOld(version, session.misePath);
  return version;
}

/** The tools; mise's warnings about them are reported as details. */
export async function askTools(
  session: Session,
  signal?: AbortSignal,
): Promise<readonly ListedTool[]> {
  return (await listTools(session, signal)).tools;
}

/** The tools, and mise's stderr about them. */
export async function listTools(
  session: Session,
  signal?: AbortSignal,
): Promise<{ readonly tools: readonly ListedTool[]; readonly stderr: string }> {
  const args = ["ls", "--current", "--json"];
  const answer = await ask(session, args, signal);
  for (const line of usefulWarnings(answer)) session.context.detail(1, `mise: ${line}`);
  return {
    tools: parseAnswer({ args, parse: parseTools }, answer.stdout, placeOf(session)),
    stderr: answer.stderr,
  };
}

/** The environment. */
export function askVariables(
  session: Session,
  signal?: AbortSignal,
): Promise<readonly ListedVariable[]> {
  return askJson(session, {
    args: ["env", "--json-extended"],
    parse: parseVariables,
    ...(signal === undefined ? {} : { signal }),
  });
}

/**
 * Queries the backend and version order of each tool. Offline, because the config is enough, and
 * mise would otherwise download information that is not used.
 */
export async function askBackends(
  session: Session,
  shorts: readonly string[],
  stop: AbortSignal | undefined = session.context.signal,
): Promise<ReadonlyMap<string, ToolDetail>> {
  const offline = { ...session, env: { ...session.env, MISE_OFFLINE: "1" } };
  const details = await mapConcurrently(
    shorts,
    { limit: MAX_CALLS, signal: stop },
    (short, signal) =>
      askJson(offline, { args: ["tool", short, "--json"], parse: parseTool, signal }),
  );
  return new Map(shorts.flatMap((short, i) => {
    const detail = details[i];
    return detail === undefined ? [] : [[short, detail]];
  }));
}

/**
 * Reads a config file. mise accepts TOML 1.1 (line breaks in inline tables), our parser only 1.0;
 * if parsing fails, mise converts the file to plain TOML.
 *
 * @throws {MiseOciError} `config` naming the file and the line.
 */
export async function readConfigFile(session: Session, path: string): Promise<ConfigFile> {
  const text = await readConfigText(path);
  try {
    return parseConfigFile(path, text);
  } catch (error) {
    const plain = await ask(session, ["config", "get", "-f", path]).catch(() => undefined);
    if (plain === undefined) throw error;
    return parseConfigFile(path, text, new TextDecoder().decode(plain.stdout));
  }
}
