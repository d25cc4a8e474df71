/**
 * Collects mise's output for a project, for one platform or several.
 * @module
 */
import { DELIMITER } from "@std/path";
import { runConcurrently } from "../concurrency.ts";
import {
  type AnswerParser,
  type ListedConfig,
  type ListedTool,
  type ListedVariable,
  parseConfigs,
  parseNames,
  parsePaths,
  parseSettings,
  type ToolDetail,
} from "./answers.ts";
import {
  ask,
  askBackends,
  askJson,
  askTools,
  askVariables,
  askVersion,
  listTools,
  MAX_CALLS,
  placeOf,
  type Session,
} from "./ask.ts";
import { CORE_TOOLS, knownDetails } from "./backends.ts";
import { findOutsidePlaces, isOutside } from "./scope.ts";
import {
  parseUnknownFields,
  parseUnresolved,
  type UnknownField,
  type UnresolvedTool,
  WARNINGS_ENV,
} from "./unresolved.ts";
import type { MiseSettings } from "../plan/project.ts";
import { isWithin } from "../paths.ts";

/** mise's output for one directory. */
export interface Answers {
  /** mise's version. */
  readonly version: string;
  /** Config files and files read by `[env]`, most specific first. */
  readonly configs: readonly ListedConfig[];
  /** The tools, sorted by name. */
  readonly tools: readonly ListedTool[];
  /** Backends and version order of the tools queried so far; the rest can be queried later. */
  readonly details: ReadonlyMap<string, ToolDetail>;
  /** The environment, sorted by name, with PATH. */
  readonly variables: readonly ListedVariable[];
  /** Names of existing variables that are marked as secrets. */
  readonly redacted: ReadonlySet<string>;
  /** Directories of executables, in PATH order. */
  readonly binPaths: readonly string[];
  /** Tools missing from the rest because mise cannot resolve their version. */
  readonly unresolved: readonly UnresolvedTool[];
  /** Tables and keys in config files that mise ignores. */
  readonly unknownFields: readonly UnknownField[];
  /** The settings that affect a build. */
  readonly settings: MiseSettings;
}

/** How to query a project. */
export interface AskOptions {
  /** Whether to include tools of the global and system config. */
  readonly includeGlobal: boolean;
}

/** Arguments that list the names of secrets. */
const REDACTED = ["env", "--redacted", "--json"];

/**
 * Reuses the first platform's details of core tools. Those do not depend on the platform; only if
 * another backend has the same name does mise choose by platform.
 */
function coreDetails(
  shorts: readonly string[],
  tools: readonly ListedTool[],
  first: Answers,
): ReadonlyMap<string, ToolDetail> {
  const versionsOf = (short: string, all: readonly ListedTool[]): readonly string[] =>
    all.flatMap((tool) => tool.short === short ? tool.version : []).sort();
  return new Map(shorts.flatMap((short) => {
    const detail = first.details.get(short);
    if (detail?.backend !== `core:${short}`) return [];
    const same = isSame(versionsOf(short, tools), versionsOf(short, first.tools));
    return same ? [[short, detail]] : [];
  }));
}

/**
 * Reports the install directories and queries the backends as soon as the tools are known, while
 * other queries are still running. Returns nothing on failure: the later query reports the error.
 */
async function askDetailsEarly(
  session: Session,
  tools: readonly ListedTool[],
  { includeGlobal, signal, first }: AskOptions & {
    readonly signal: AbortSignal;
    /** The output for the first platform, if this is another. */
    readonly first?: Promise<Answers>;
  },
): Promise<ReadonlyMap<string, ToolDetail>> {
  // The variables that override versions will be cleared and everything queried again.
  const again = !includeGlobal && tools.some(({ override }) => override !== undefined);
  if (again) return new Map();
  const places = includeGlobal ? undefined : await findOutsidePlaces(session.context);
  const mine = tools.filter(({ version, source }) =>
    version !== "system" &&
    (places === undefined || source === undefined || !isOutside(source, places))
  );
  const installed = mine.flatMap(({ installed, installPath }) => installed ? installPath : []);
  session.context.onInstalled?.(installed);
  try {
    const { open } = knownDetails(mine);
    const core = first === undefined ? [] : open.filter((short) => CORE_TOOLS.has(short));
    const [asked, known] = await Promise.all([
      askBackends(session, open.filter((short) => !core.includes(short)), signal),
      core.length === 0 ? undefined : first?.then((answers) => coreDetails(core, mine, answers)),
    ]);
    const left = core.filter((short) => known?.has(short) !== true);
    return new Map([...asked, ...known ?? [], ...await askBackends(session, left, signal)]);
  } catch (error) {
    if (signal.aborted) throw error;
    return new Map();
  }
}

/** Queries everything about the project's directory, each item once. */
async function askEverything(session: Session, options: AskOptions): Promise<Answers> {
  const found: { -readonly [K in keyof Answers]?: Answers[K] } = {};
  const json = <K extends keyof Answers>(
    key: K,
    args: readonly string[],
    parse: AnswerParser<Answers[K]>,
  ) =>
  async (signal: AbortSignal): Promise<void> => {
    found[key] = await askJson(session, { args, parse, signal });
  };
  await runConcurrently([
    async (signal) => void (found.version = await askVersion(session, signal)),
    async (signal) => {
      found.tools = await askTools(session, signal);
      found.details = await askDetailsEarly(session, found.tools, { ...options, signal });
    },
    json("configs", ["config", "ls", "--json"], parseConfigs),
    async (signal) => void (found.variables = await askVariables(session, signal)),
    json("redacted", REDACTED, parseNames),
    async (signal) => {
      const loud = { ...session, env: { ...session.env, ...WARNINGS_ENV } };
      const answer = await ask(loud, ["bin-paths"], signal);
      found.binPaths = parsePaths(answer.stdout, placeOf(session));
      found.unresolved = parseUnresolved(answer.stderr);
      found.unknownFields = parseUnknownFields(answer.stderr);
    },
    json("settings", ["settings", "--all", "--json"], parseSettings),
  ], { limit: MAX_CALLS, signal: session.context.signal });
  return found as Answers;
}

/** The PATH entries below the installs of tools, without duplicates. */
function withinTools(paths: readonly string[], tools: readonly ListedTool[]): readonly string[] {
  const within = paths.filter((path) =>
    tools.some(({ installPath }) => isWithin(path, installPath))
  );
  return [...new Set(within)];
}

function pathOf(variables: readonly ListedVariable[]): readonly string[] {
  return (variables.find(({ name }) => name === "PATH")?.value ?? "").split(DELIMITER);
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}

/**
 * The directories of executables according to PATH; `undefined` if, for the first platform, PATH
 * and `mise bin-paths` differ, as with `_.path` or an activated shell.
 */
function maybeBinPaths(
  { tools, variables }: Pick<Answers, "tools" | "variables">,
  first: Answers,
): readonly string[] | undefined {
  const reported = withinTools(first.binPaths, first.tools);
  if (!isSame(reported, withinTools(pathOf(first.variables), first.tools))) return undefined;
  return withinTools(pathOf(variables), tools);
}

/** Whether both have the same variables from the same sources, and so the same secrets. */
function sameVariables(a: readonly ListedVariable[], b: readonly ListedVariable[]): boolean {
  const origins = (variables: readonly ListedVariable[]): readonly string[] =>
    variables.map(({ name, source, tool }) => `${name}\0${source}\0${tool}`);
  return isSame(origins(a), origins(b));
}

/** Whether everything comes from files that the first platform has too. */
function sameFiles(
  { tools, variables }: Pick<Answers, "tools" | "variables">,
  first: Answers,
): boolean {
  const files = new Set<string | undefined>([
    undefined,
    ...first.configs.map(({ path }) => path),
    ...first.tools.map(({ source }) => source),
    ...first.variables.map(({ source }) => source),
  ]);
  return [...tools, ...variables].every(({ source }) => files.has(source));
}

/**
 * Queries what may differ for a further platform: tools, their backends, and the environment.
 * Version, settings and config files depend only on the directory and the machine (`MISE_ARCH` does
 * not select config files), so they are taken from the first platform; other output is derived from
 * both if possible.
 */
async function askFurther(
  session: Session,
  first: Promise<Answers>,
  options: AskOptions,
): Promise<Answers> {
  const loud = { ...session, env: { ...session.env, ...WARNINGS_ENV } };
  const found: { -readonly [K in keyof Answers]?: Answers[K] } = {};
  await runConcurrently([
    async (signal) => {
      const { tools, stderr } = await listTools(loud, signal);
      found.tools = tools;
      found.unresolved = parseUnresolved(stderr);
      found.details = await askDetailsEarly(session, tools, { ...options, signal, first });
    },
    async (signal) => void (found.variables = await askVariables(session, signal)),
    () => first.then(() => {}),
  ], { limit: MAX_CALLS, signal: session.context.signal });
  const known = await first;
  const own = found as Answers;
  if (!sameFiles(own, known)) return await askEverything(session, options);
  const binPaths = maybeBinPaths(own, known);
  const redacted = sameVariables(own.variables, known.variables) ? known.redacted : undefined;
  const { version, configs, settings, unknownFields } = known;
  return {
    ...own,
    version,
    configs,
    settings,
    unknownFields,
    binPaths: binPaths ?? parsePaths((await ask(session, ["bin-paths"])).stdout, placeOf(session)),
    redacted: redacted ?? await askJson(session, { args: REDACTED, parse: parseNames }),
  };
}

/**
 * Queries mise for one of several platforms. Dispose of it once its project is read or has failed.
 */
export interface Asker extends Disposable {
  /**
   * Queries everything: in full for the first platform of a build and for the host platform.
   *
   * @param options with the variables that make mise use another platform.
   */
  ask(
    session: Session,
    options: AskOptions & { readonly foreign: Readonly<Record<string, string>> },
  ): Promise<Answers>;
}

/** mise's output for the first platform of a build, shared with the other platforms. */
export class SharedAnswers {
  readonly #answers = new Map<string, Promise<Answers>>();
  /** Resolves when the first platform has started its queries; the others wait for it. */
  #begun: Promise<void> | undefined;

  /** Adds a platform. The output of the first one is shared. */
  enter(): Asker {
    const before = this.#begun;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#begun ??= promise;
    return {
      ask: async (session, { foreign, ...options }) => {
        const isForeign = Object.keys(foreign).length > 0;
        if (isForeign) await before;
        const neutral = Object.entries(session.env).filter(([name]) =>
          !Object.hasOwn(foreign, name)
        );
        const { misePath, directory } = session;
        const key = JSON.stringify([misePath, directory, options.includeGlobal, neutral]);
        const first = this.#answers.get(key);
        if (first !== undefined && isForeign) return await askFurther(session, first, options);
        const answers = askEverything(session, options);
        // Every consumer gets the failure; avoid an unhandled rejection if there is none.
        answers.catch(() => {});
        this.#answers.set(key, first ?? answers);
        resolve();
        return await answers;
      },
      [Symbol.dispose]: resolve,
    };
  }
}
